"""
Two networks against each other
===============================

A generative adversarial network (GAN) is a game of two players. The generator turns noise into
pictures. The discriminator scores real pictures and the generator's by how real they look. It
learns to distinguish them, and the generator learns to prevent that. If both learn at the right
speed, the generator's pictures become similar to the real ones.

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
import numpy as np

import genai_basics as gb
from genai_basics.losses import adversarial_losses

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("digits")
x, labels = data.train.x, data.train.y


def show(pictures):
    """Print pictures of 8x8 pixels side by side."""
    for line in np.concatenate(list(pictures[..., 0]), axis=1):
        print("".join(" .:*#"[int(value) // 52] for value in line))


# %%
# The players
# -----------
# Both are plain Keras models. In a conditional GAN, the generator takes a label in addition to the
# noise, and the discriminator scores the pair: is this a real 3?

gan = gb.build_gan((8, 8, 1), num_classes=10, latent_dim=32, seed=0)
print(f"generator {gan.generator.count_params():,} weights, from {gan.latent_dim} numbers of noise")
print(f"discriminator {gan.discriminator.count_params():,} weights, to one score")

# %%
# Their losses for a few scores, where high means real. The discriminator should score real pictures
# high and generated ones low; the generator should make the scores of its own pictures high.

losses = adversarial_losses("non_saturating")
real, fake = np.array([[2.0], [1.0]], "float32"), np.array([[-1.0], [-2.0]], "float32")


def mean(sides):
    """Return the mean loss of real examples plus that of fakes."""
    return sum(np.mean(side) for side in sides if side is not None)


print(f"a correct discriminator:      {mean(losses.discriminator(real, fake)):.2f}")
print(f"a mistaken discriminator:     {mean(losses.discriminator(fake, real)):.2f}")
print(f"the generator against the correct one: {mean(losses.generator(real, fake)):.2f}")

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
print("\nten samples of the collapsed generator:")
show(collapsed.sample(10, seed=0))
for finding in doctor.findings.values():
    print("the doctor:", finding)

# %%
# Fix
# ---
# We use the usual learning rates: both players learn by Adam, the discriminator at twice the
# generator's rate. If the generator prefers one picture, the discriminator soon learns to reject
# it.

gan.compile()
doctor_of_gan = gb.Doctor()
gan.fit(x, labels, epochs=max(1, round(60 * BUDGET)), callbacks=[doctor_of_gan], verbose=0)
print("\nsamples of the other generator for the labels 0 to 9:")
show(gan.sample(10, seed=0))

# %%
# Quality against variety
# -----------------------
# Noise that is limited to small numbers gives typical digits with little variety; this is called
# truncation.

for truncation in (None, 0.5):
    threes = gan.sample(200, labels=[3], seed=1, truncation=truncation).astype("float32")
    print(f"truncation {truncation}: threes vary by {threes.std(axis=0).mean():.0f} grey levels")

# %%
# The usual metrics, on samples and held-out pictures: the share of samples that look real
# (precision), the share of real pictures that the samples cover (recall), the variance of the
# samples relative to the data (diversity), and how often a sample shows the requested digit.

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
