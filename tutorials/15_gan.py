"""
Two networks against each other
===============================

A generative adversarial network (GAN) is a game of two players. The generator turns noise into
pictures. The discriminator looks at real pictures and at the generator's, and scores how real
each looks. The discriminator learns to tell them apart; the generator learns to make it fail. If
both learn at the right speed, the generator's pictures come to look like the real ones.

If they do not, the game can go wrong in a way of its own: mode collapse. We bring it about, have
it diagnosed, and cure it.

The claims at the end: a discriminator that cannot follow lets the generator collapse onto one
picture, and the doctor says so; with both players at their usual speeds the generator makes all
ten digits, and the digit that is asked for.
"""

# %%
import os
import warnings

import keras
import numpy as np

import genai_basics as gb
from genai_basics.losses import adversarial_losses

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less is a quicker, worse run

data = gb.load_data("digits")
x, labels = data.train.x, data.train.y


def show(pictures):
    """Print pictures of 8x8 pixels side by side."""
    for line in np.concatenate(list(pictures[..., 0]), axis=1):
        print("".join(" .:*#"[int(value) // 52] for value in line))


# %%
# The players
# -----------
# Both are plain Keras models. Conditional on a label, the generator takes it beside the noise,
# and the discriminator scores the pair: is this a real 3?

gan = gb.build_gan((8, 8, 1), num_classes=10, latent_dim=32, seed=0)
print(f"generator {gan.generator.count_params():,} weights, from {gan.latent_dim} numbers of noise")
print(f"discriminator {gan.discriminator.count_params():,} weights, to one score")

# %%
# Their losses, for a few scores: high means real. The discriminator wants real pictures high and
# generated ones low; the generator wants its own high.

losses = adversarial_losses("non_saturating")
real, fake = np.array([[2.0], [1.0]], "float32"), np.array([[-1.0], [-2.0]], "float32")


def mean(sides):
    """Return the mean loss of real examples plus that of fakes."""
    return sum(np.mean(side) for side in sides if side is not None)


print(f"a discriminator that is right: {mean(losses.discriminator(real, fake)):.2f}")
print(f"the same one mistaken:         {mean(losses.discriminator(fake, real)):.2f}")
print(f"what the generator loses when it is found out: {mean(losses.generator(real, fake)):.2f}")

# %%
# Collapse
# --------
# Give the discriminator hardly any speed, and no labels to ask after. The generator soon finds a
# picture that this discriminator likes best, and nothing ever makes it give up that picture: why
# should it make another one?

collapsed = gb.build_gan((8, 8, 1), latent_dim=32, seed=0)
collapsed.compile(
    g_optimizer=keras.optimizers.Adam(2e-3, beta_1=0.5),
    d_optimizer=keras.optimizers.SGD(1e-7),
)
doctor = gb.Doctor()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # we print the findings ourselves
    collapsed.fit(x, epochs=max(6, round(12 * BUDGET)), callbacks=[doctor], verbose=0)
print("\nasked for ten pictures, the collapsed generator makes")
show(collapsed.sample(10, seed=0))
for finding in doctor.findings.values():
    print("the doctor:", finding)

# %%
# Cure
# ----
# The usual speeds: both learn by Adam, the discriminator at twice the generator's rate. Whatever
# one picture the generator settles on, the discriminator learns to see through before long.

gan.compile()
doctor_of_gan = gb.Doctor()
gan.fit(x, labels, epochs=max(1, round(60 * BUDGET)), callbacks=[doctor_of_gan], verbose=0)
print("\nasked for 0 1 2 3 4 5 6 7 8 9, the other one makes")
show(gan.sample(10, seed=0))

# %%
# What it costs to be choosy
# --------------------------
# Noise of small numbers gives usual digits, all much alike; this is called truncation.

for truncation in (None, 0.5):
    threes = gan.sample(200, labels=[3], seed=1, truncation=truncation).astype("float32")
    print(f"truncation {truncation}: threes vary by {threes.std(axis=0).mean():.0f} grey levels")

# %%
# The numbers the field uses, on samples and held-out pictures: how many samples look real
# (precision), how much of the real ones is reached (recall), how much samples vary beside the
# data, and how often a sample shows the digit that was asked for.

report, _ = gan.report(data.test.x, data.test.y)
broken, _ = collapsed.report(data.test.x)
for name in ("precision", "recall", "diversity"):
    print(f"{name}: collapsed {broken[name]:.2f}, cured {report[name]:.2f}")
print(f"shows the digit that was asked for: {report['label_obedience']:.0%}")

# %%
if BUDGET >= 1:
    assert "mode_collapse" in doctor.findings, "a discriminator that cannot follow: collapse"
    assert "mode_collapse" not in doctor_of_gan.findings
    assert broken["diversity"] < 0.3 < 0.6 < report["diversity"]
    assert report["label_obedience"] > 0.9, "it makes the digit that is asked for"
    assert broken["recall"] < 0.1 < report["recall"]
