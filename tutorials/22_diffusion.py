"""
Diffusion: from noise to pictures in small steps
================================================

How does noise become a picture? A GAN makes a picture in one step, and needs an opponent to learn
this. A diffusion model makes it in many small steps, and learns by plain regression. Take a picture
and some noise, and draw a straight line from the noise to the picture. A point on this line moves
at a known velocity: picture minus noise. A network that sees only the point and the time learns to
predict that velocity. Many lines pass through a point, so it learns the mean of their velocities.
That is enough: noise that follows the mean velocity becomes a sample of the data. This is called
flow matching.

The claims at the end: before training, the model samples the best-fitting normal distribution;
with more steps, it follows the path more exactly; it draws the requested digit, or any digit
without guidance; and the path can be followed back from a picture to its noise.
"""

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation

import genai_basics as gb

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("digits")
x, labels = data.train.x, data.train.y


def row(pictures, title):
    """Draw pictures of 8x8 pixels side by side."""
    plt.figure(figsize=(7.5, 1.1))
    plt.imshow(np.hstack(list(np.reshape(pictures, (-1, 8, 8)))), cmap="gray", vmin=0, vmax=255)
    plt.axis("off")
    plt.title(title)
    plt.show()


# %%
# The answer in ten lines
# -----------------------
# The network also sees the label of each picture, except for one picture in ten. So a single
# network learns two velocities, with and without the label.

model = gb.build_diffusion((8, 8, 1), num_classes=10, seed=0)
model.compile()
history = model.fit(x, labels, epochs=max(1, round(80 * BUDGET)), verbose=0).history["loss"]
print(f"loss {history[0]:.2f} at first, {history[-1]:.2f} at the end")
row(model.sample(10, seed=0), "Drawn for the labels 0 to 9")

# %%
# From noise, step by step
# ------------------------
# A digit is a walk of many small steps from noise. Here is the mixture that the network sees in
# training: a share t of the picture and 1 - t of noise, with the velocity picture minus noise.

rng = np.random.default_rng(0)
times = np.linspace(0, 1, 10)
clean, noise = x[0] / 127.5 - 1, rng.normal(size=x[0].shape)
row([127.5 * (1 + t * clean + (1 - t) * noise) for t in times], "t from 0 (noise) to 1 (picture)")

# %%
# Two numbers first
# -----------------
# Pictures have too many numbers to draw their paths, so we look at points of two numbers. They lie
# around (-2, 0) and around (2, 0). For a normal distribution, the mean velocity has a formula, and
# the model starts with it: it samples the normal distribution with the mean and the variance of the
# points. Training only has to learn the difference from it.

side = rng.integers(2, size=2000)
points = np.stack([4.0 * side - 2.0, np.zeros(2000)], axis=1) + 0.3 * rng.normal(size=(2000, 2))

flow = gb.build_diffusion((2,), hidden_units=(64, 64), seed=0)
flow.compile()
flow.adapt(points)
before = flow.sample(1000, seed=0)
flow.fit(points, epochs=max(1, round(20 * BUDGET)), verbose=0)
after = flow.sample(1000, seed=0)

figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.4), sharex=True, sharey=True)
titles = ("the points", "sampled before training", "sampled after it")
for axis, these, title in zip(axes, (points, before, after), titles):
    axis.scatter(these[:1000, 0], these[:1000, 1], s=2, alpha=0.5)
    axis.set_title(title)
plt.show()


def between(samples):
    """Return the share of samples in the middle, where no point lies."""
    return np.mean(np.abs(samples[:, 0]) < 1)


print(f"in the empty middle: {between(before):.0%} before training, {between(after):.0%} after it")

# %%
# The motion
# ----------
# How do points of noise find their way? We follow the mean velocity ourselves, in small steps:
# position += velocity * dt (Euler's method). Here it is computed exactly, without a network: each
# point of the data, weighted by how probably this noise was mixed with it.

steps = 40
start = rng.normal(size=(400, 2)).astype("float32")
path = [start]
mean, scale = points.mean(axis=0), points.std(axis=0)
nearest = points[None, :500] - mean
for step in range(steps):
    t = step / steps
    here = path[-1]
    rest = (here[:, None] - t * nearest / scale) / (1 - t)
    weights = np.exp(-0.5 * np.sum(rest**2, axis=2) + 0.5 * np.min(np.sum(rest**2, 2), 1)[:, None])
    velocity = np.sum(weights[..., None] * (nearest / scale - rest), 1) / weights.sum(1)[:, None]
    path.append(here + velocity / steps)
path = np.array(path) * scale + mean

figure, axis = plt.subplots(figsize=(4, 3))
dots = axis.scatter(path[0, :, 0], path[0, :, 1], s=4, c=path[-1][:, 0] > 0, cmap="coolwarm")
axis.set(xlim=(-8, 8), ylim=(-1.2, 1.2), title="Noise becomes data")
frames = [*range(steps + 1), *[steps] * 10]
motion = FuncAnimation(
    figure, lambda i: dots.set_offsets(path[frames[i]]), len(frames), interval=80
)
plt.show()

# %%
# Blue and red are the side on which a dot ends. With millions of pictures this sum is too long, and
# it would only reproduce them; the network is a smooth summary of it.
#
# Steps
# -----
# The sampler follows a curved path in straight steps. We compare with a path of 200 steps.

exact = flow.sample(1000, seed=0, steps=200)
errors = {}
for steps in (2, 5, 15, 50):
    errors[steps] = np.abs(flow.sample(1000, seed=0, steps=steps) - exact).mean()
plt.figure(figsize=(4.5, 2.4))
plt.loglog(list(errors), list(errors.values()), marker="o")
plt.xticks(list(errors), list(map(str, errors)))
plt.minorticks_off()
plt.title("Error by the number of steps")
plt.xlabel("steps")
plt.show()
for steps in (1, 2, 5, 20):
    row(model.sample(10, seed=0, steps=steps), f"The same noise in steps={steps}")

# %%
# Guidance
# --------
# The difference between the two velocities points towards what makes a 3 a 3. Guidance multiplies
# it::
#
#     velocity = without + guidance * (with - without)
#
# `guidance=1` is what was learned, `guidance=0` ignores the label, and larger values make clearer
# digits. The small classifier that evaluates samples counts the threes.

share = {}
for guidance in (0, 1, 3):
    threes = model.sample(200, labels=[3], seed=1, guidance=guidance)
    share[guidance] = np.mean(model.judge.classify(model.features_of(threes)) == 3)
    row(threes[:12], f"guidance={guidance}: {share[guidance]:.0%} are threes")

# %%
# The way back
# ------------
# The steps can be reversed, from a picture to its noise. A mixture of the noise of two pictures
# gives pictures between them, each of which looks like a digit.

digits, names = data.test.x[:20], data.test.y[:20]
noise = model.encode(digits, names, steps=50)
again = model.decode(noise, names, steps=50)
error = np.abs(again.astype("float32") - digits).mean()
print(f"deviation of the noise {noise.std():.2f}; there and back changes {error:.2f} grey levels")
row(digits[:12], "Test digits")
row(127.5 + 50 * noise[:12], "Their noise")
row(again[:12], "Digits from that noise")
row(model.interpolate(digits[0], digits[1], steps=12, labels=names[:2]), "From one to another")

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
