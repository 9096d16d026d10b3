"""
Two networks against each other
===============================

Can a network learn to draw from nothing but a critic? A generative adversarial network (GAN) is a
game of two players. The generator turns noise into pictures. The discriminator scores real pictures
and the generator's by how real they look. It learns to distinguish them, and the generator learns
to prevent that. If both learn at the right speed, the generator's pictures become similar to the
real ones.

If they do not, the game can fail in a particular way: mode collapse. We cause it, have it
diagnosed, and fix it.

The claims at the end: if the discriminator learns too slowly, the generator collapses to a few
pictures, and the doctor reports it; with both players at their usual speeds, the generator makes
all ten digits, and the requested digit.
"""

# %%
import os
import warnings

import keras
import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb
from genai_basics.losses import adversarial_losses

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("digits")
x, labels = data.train.x, data.train.y


def sheet(pictures, title, rows=1):
    """Draw pictures of 8x8 pixels side by side, in rows."""
    padded = np.pad(np.reshape(pictures, (-1, 8, 8)), ((0, 0), (1, 1), (1, 1)), constant_values=60)
    lines = np.split(padded, rows)
    plt.figure(figsize=(7.5, 0.3 + 7.5 * rows / len(lines[0])))
    plt.imshow(np.block([list(line) for line in lines]), cmap="gray", vmin=0, vmax=255)
    plt.axis("off")
    plt.title(title)
    plt.show()


# %%
# The answer in ten lines
# -----------------------
# In a conditional GAN, the generator takes a label in addition to the noise, and the discriminator
# scores the pair: is this a real 3?

gan = gb.build_gan((8, 8, 1), num_classes=10, latent_dim=32, seed=0)
gan.compile()
doctor_of_gan = gb.Doctor()
history = gan.fit(
    x, labels, epochs=max(1, round(60 * BUDGET)), callbacks=[doctor_of_gan], verbose=0
).history
digits = gan.sample(60, labels=list(range(10)) * 6, seed=0)
sheet(digits.reshape(6, 10, 8, 8, 1), "Drawn for the labels 0 to 9", rows=6)

# %%
# The players
# -----------
# Both are plain Keras models, which can be called without this library's help.

print(f"generator {gan.generator.count_params():,} weights, from {gan.latent_dim} numbers of noise")
print(f"discriminator {gan.discriminator.count_params():,} weights, to one score")

# %%
# Two players, two losses
# -----------------------
# The discriminator's loss is the cross-entropy of telling real (r) from generated (f) by their
# scores; the generator wants its pictures to be scored as real::
#
#     discriminator: softplus(-r) + softplus(f)      generator: softplus(-f)
#     softplus(s) = log(1 + exp(s))

losses = adversarial_losses("non_saturating")
real, fake = np.array([[2.0], [1.0]], "float32"), np.array([[-1.0], [-2.0]], "float32")


def mean(sides):
    """Return the mean loss of real examples plus that of fakes."""
    return sum(np.mean(side) for side in sides if side is not None)


def softplus(scores):
    return np.log(1 + np.exp(scores))


by_hand = np.mean(softplus(-real)) + np.mean(softplus(fake))
print(f"a correct discriminator:  {mean(losses.discriminator(real, fake)):.4f}")
print(f"the same by hand:         {by_hand:.4f}")
print(f"a mistaken discriminator: {mean(losses.discriminator(fake, real)):.4f}")
assert np.isclose(mean(losses.discriminator(real, fake)), by_hand)
assert np.isclose(mean(losses.generator(real, fake)), np.mean(softplus(-fake)))

# %%
# A loss of the generator that falls is no success, and one that rises is no failure: each loss is
# measured against an opponent that learns, too. So both curves soon go sideways, and the pictures
# become better all the time.

plt.figure(figsize=(6, 2.6))
for name, label in (("d_loss", "discriminator"), ("loss", "generator")):
    plt.plot(history[name], label=label)
plt.title("Losses of two players")
plt.xlabel("epoch")
plt.legend()
plt.show()

# %%
# Collapse
# --------
# We give the discriminator almost no learning rate, and no labels. The generator soon finds the
# picture that this discriminator scores highest, and nothing makes it generate any other.

collapsed = gb.build_gan((8, 8, 1), latent_dim=32, seed=0)
collapsed.compile(
    g_optimizer=keras.optimizers.Adam(2e-3, beta_1=0.5),
    d_optimizer=keras.optimizers.SGD(1e-7),
)
doctor = gb.Doctor()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # we print the findings ourselves
    collapsed.fit(x, epochs=max(6, round(12 * BUDGET)), callbacks=[doctor], verbose=0)
for finding in doctor.findings.values():
    print("the doctor:", finding)
sheet(collapsed.sample(24, seed=0), "Mode collapse: 24 samples from 24 different noises", rows=2)
sheet(gan.sample(24, seed=0), "The fix, usual learning rates: 24 samples", rows=2)

# %%
# With the usual rates, both players learn by Adam, the discriminator at twice the generator's rate.
# If the generator prefers one picture, the discriminator soon learns to reject it.
#
# Quality against variety
# -----------------------
# Noise that is limited to small numbers gives typical digits with little variety; this is called
# truncation.

for truncation in (None, 0.5):
    threes = gan.sample(200, labels=[3], seed=1, truncation=truncation)
    spread = threes.astype("float32").std(axis=0).mean()
    sheet(threes[:12], f"truncation={truncation}: threes vary by {spread:.0f} grey levels")

# %%
# The usual metrics
# -----------------
# On samples and held-out pictures: the share of samples that look real (precision), the share of
# real pictures that the samples cover (recall), the variance of the samples relative to the data
# (diversity), and how often a sample shows the requested digit.

report, _ = gan.report(data.test.x, data.test.y)
broken, _ = collapsed.report(data.test.x)
for name in ("precision", "recall", "diversity"):
    print(f"{name}: collapsed {broken[name]:.2f}, fixed {report[name]:.2f}")
print(f"shows the requested digit: {report['label_obedience']:.0%}")

# %%
if BUDGET >= 1:
    assert "mode_collapse" in doctor.findings, "a slow discriminator leads to collapse"
    assert "mode_collapse" not in doctor_of_gan.findings
    assert broken["diversity"] < 0.3 < 0.6 < report["diversity"]
    assert report["label_obedience"] > 0.9, "it makes the requested digit"
    assert broken["recall"] < 0.1 < report["recall"]
