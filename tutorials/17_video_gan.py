"""
Pictures that move
==================

How does a network learn that things move? A clip is more than its frames: if they are shuffled, the
motion is lost. So the discriminator has two heads. One looks at single frames: does this look like
a real picture? The other looks at the clip over time: does it move like a real clip?

The generator uses the fact that moving objects mostly keep their appearance and change their
position. From the noise, it makes one picture with a mask, and a velocity for each frame; the
picture is pasted onto a background, which is the same for all clips, at the positions that result
from the velocities.

The claims at the end: shifting a picture by a fraction of a pixel has a gradient, so velocities can
be learned; and after training, the clips move by about as much as real clips.
"""

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
from keras import ops
from matplotlib.animation import FuncAnimation

import genai_basics as gb
from genai_basics.backend import gradients
from genai_basics.gan.evaluation import change, speed
from genai_basics.gan.video_gan import MovingLayers

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("moving_digits")
clips = data.train.x
print(f"{len(clips)} clips of {clips.shape[1]} frames, {clips.shape[2]}x{clips.shape[3]} pixels")


def strip(clips, title):
    """Draw every other frame of clips from left to right, one clip below the other."""
    plt.figure(figsize=(7.5, 0.35 + 0.93 * len(clips)))
    plt.imshow(np.vstack([np.hstack(clip[::2, :, :, 0]) for clip in clips]), cmap="gray")
    plt.axis("off")
    plt.title(title)
    plt.show()


strip(clips[:2], "Two real clips, time from left to right")

# %%
# The answer in ten lines
# -----------------------

gan = gb.build_video_gan((16, 32, 32, 1), filters=(32, 64, 64), seed=0)
gan.compile()
before = gan.sample(100, seed=0)
steps = max(20, round(450 * BUDGET))
gan.fit(clips, epochs=1, steps_per_epoch=steps, verbose=0)
made = gan.sample(100, seed=0)
strip(made[:3], "Three clips from noise")

# %%
# They are made to be seen in motion: real clips on the left, generated ones on the right.


def wall(clips):
    """Return nine clips as one: three rows of three, with a grey edge."""
    framed = np.pad(clips[:9, ..., 0], ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=90)
    return np.concatenate([np.concatenate(framed[i : i + 3], axis=2) for i in (0, 3, 6)], axis=1)


walls = wall(clips), wall(made)
figure, axes = plt.subplots(1, 2, figsize=(5, 2.8))
shown = [axis.imshow(frames[0], cmap="gray", vmin=0, vmax=255) for axis, frames in zip(axes, walls)]
for axis, title in zip(axes, ("real clips", "generated clips")):
    axis.set_axis_off()
    axis.set_title(title, loc="center")


def draw(i):
    for image, frames in zip(shown, walls):
        image.set_data(frames[i])


film = FuncAnimation(figure, draw, frames=clips.shape[1], interval=120)
plt.show()

# %%
# A position with a gradient
# --------------------------
# A white pixel that is shifted to the right by 1.5 pixels lies half on one pixel and half on the
# next. The brightness of the right one increases with the shift: this is the gradient by which a
# velocity is learned.

pictures = np.full((1, 1, 3, 7, 2), -20.0, "float32")  # with masks, before the activations
pictures[0, 0, 1, 2] = 20.0
layer = MovingLayers()
layer.build(((1, 1, 3, 7, 2), (1, 1, 1, 2)))
layer.background.assign(-np.ones((3, 7, 1)))


def shifted(shift):
    """Return the picture of 3x7 pixels, shifted right by `shift` pixels."""
    path = ops.stack([ops.zeros_like(shift), shift / (7 / 4)])  # down and right, in quarters
    return layer([pictures, ops.reshape(path, (1, 1, 1, 2))])[0, 0, :, :, 0]


def brightness(shift):
    """Return pixel 4 of the middle line."""
    return shifted(shift)[1, 4]


value, slope = gradients(brightness, ops.convert_to_tensor(np.float32(1.5)))
print(f"brightness {float(value):.1f} between -1 and 1, gradient {float(slope):.1f} per pixel")

figure, axes = plt.subplots(1, 5, figsize=(7.5, 1.2))
for axis, shift in zip(axes, (0, 0.5, 1, 1.5, 2)):
    axis.imshow(shifted(ops.convert_to_tensor(np.float32(shift))), cmap="gray", vmin=-1, vmax=1)
    axis.set_title(f"by {shift}", loc="center")
    axis.set_axis_off()
figure.suptitle("A pixel shifted to the right")
plt.show()

# %%
# Do they move like real clips?
# -----------------------------
# The change from frame to frame, and how far the bright spot moves:

for who, these in (("real", clips), ("untrained", before), ("trained", made)):
    print(f"{who}: change {change(these):.1f} levels, speed {speed(these):.2f} pixels per frame")

# %%
assert float(slope) > 0, "a shift has a gradient"
if BUDGET >= 1:
    assert 0.4 < change(made) / change(clips) < 2.0
    assert 0.3 < speed(made) / speed(clips) < 2.0
