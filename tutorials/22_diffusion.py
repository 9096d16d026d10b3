"""
Diffusion: from noise to pictures in small steps
================================================

A GAN makes a picture in one step, and needs an opponent to learn this. A diffusion model makes it
in many small steps, and learns by plain regression. Take a picture and some noise, and draw a
straight line from the noise to the picture. A point on this line moves at a known velocity:
picture minus noise. A network that sees only the point and the time learns to predict that
velocity. Many lines pass through a point, so it learns the mean of their velocities. That is
enough: noise that follows the mean velocity becomes a sample of the data. This is called flow
matching.

The claims at the end: before training, the model samples the best-fitting normal distribution;
with more steps, it follows the path more exactly; it draws the requested digit, or any digit
without guidance; and the path can be followed back from a picture to its noise.
"""

# %%
import os

import numpy as np

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("digits")
x, labels = data.train.x, data.train.y


def show(pictures):
    """Print pictures of 8x8 pixels side by side."""
    for line in np.concatenate(list(pictures[..., 0]), axis=1):
        print("".join(" .:*#"[int(value) // 52] for value in line))


# %%
# Two numbers first
# -----------------
# Points of two numbers lie around (-2, 0) and around (2, 0). For a normal distribution, the mean
# velocity has a formula, and the model starts with it: it samples the normal distribution with the
# mean and the variance of the points. Training only has to learn the difference from it.

rng = np.random.default_rng(0)
side = rng.integers(2, size=2000)
points = np.stack([4.0 * side - 2.0, np.zeros(2000)], axis=1) + 0.3 * rng.normal(size=(2000, 2))

flow = gb.build_diffusion((2,), hidden_units=(64, 64), seed=0)
flow.compile()
flow.adapt(points)
before = flow.sample(1000, seed=0)
flow.fit(points, epochs=max(1, round(20 * BUDGET)), verbose=0)
after = flow.sample(1000, seed=0)


def between(samples):
    """Return the share of samples in the middle, where no point lies."""
    return np.mean(np.abs(samples[:, 0]) < 1)


for name, these in (("the points", points), ("samples before training", before)):
    print(f"{name}: mean {these.mean(axis=0).round(1)}, deviation {these.std(axis=0).round(1)}")
print(f"in the empty middle: {between(before):.0%} before training, {between(after):.0%} after it")

# %%
# Steps
# -----
# The sampler follows a curved path in straight steps. We compare with a path of 200 steps.

exact = flow.sample(1000, seed=0, steps=200)
errors = {}
for steps in (2, 5, 15, 50):
    errors[steps] = np.abs(flow.sample(1000, seed=0, steps=steps) - exact).mean()
    print(f"{steps:3} steps: error {errors[steps]:.4f}")

# %%
# Digits, by label
# ----------------
# The network now also sees the label of each picture, except for one picture in ten. So a single
# network learns two velocities, with and without the label.

model = gb.build_diffusion((8, 8, 1), num_classes=10, seed=0)
model.compile()
history = model.fit(x, labels, epochs=max(1, round(80 * BUDGET)), verbose=0).history["loss"]
print(f"\nloss {history[0]:.2f} at first, {history[-1]:.2f} at the end")
print("0 1 2 3 4 5 6 7 8 9:")
show(model.sample(10, seed=0))

# %%
# Guidance
# --------
# The difference between the two velocities points towards what makes a 3 a 3. Guidance multiplies
# it: `guidance=1` is what was learned, `guidance=0` ignores the label, and larger values make
# clearer digits. The small classifier that evaluates samples counts the threes.

share = {}
for guidance in (0, 1, 3):
    threes = model.sample(200, labels=[3], seed=1, guidance=guidance)
    share[guidance] = np.mean(model.judge.classify(model.features_of(threes)) == 3)
    print(f"guidance {guidance}: {share[guidance]:.0%} are threes")

# %%
# The way back
# ------------
# The steps can be reversed, from a picture to its noise. A mixture of the noise of two pictures
# gives pictures between them, each of which looks like a digit.

digits, names = data.test.x[:20], data.test.y[:20]
noise = model.encode(digits, names, steps=50)
again = model.decode(noise, names, steps=50)
error = np.abs(again.astype("float32") - digits).mean()
print(f"\ndeviation of the noise {noise.std():.2f}; there and back changes {error:.2f} grey levels")
show(model.interpolate(digits[0], digits[1], steps=8, labels=names[:2]))

# %%
# The usual metrics, on samples and held-out pictures, as for a GAN:

report, _ = model.report(data.test.x, data.test.y)
for name in ("precision", "recall"):
    print(f"{name}: {report[name]:.2f}")
print(f"shows the requested digit: {report['label_obedience']:.0%}")

# %%
if BUDGET >= 1:
    assert np.allclose(before.std(axis=0), points.std(axis=0), rtol=0.1), "the normal distribution"
    assert between(after) < 0.05 < 0.3 < between(before)
    assert errors[2] > errors[5] > errors[15] > errors[50]
    assert report["label_obedience"] > 0.9, "it draws the requested digit"
    assert share[0] < 0.4 < 0.9 < min(share[1], share[3]), "guidance makes labels count"
    assert error < 2, "the path can be followed back"
