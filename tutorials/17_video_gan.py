"""
Pictures that move
==================

A clip is more than its frames: shuffled, they are the same pictures, and no film. So the
discriminator has two heads. One looks at some frames, each by itself: is this a picture? The
other looks at the clip through time: does it move as things move?

The generator uses what is known about things that move: they mostly keep their looks and change
their place. From the noise it makes one picture with a mask, and a speed for each frame; the
picture is pasted on a background, the same for all clips, where the speeds have taken it.

The claims at the end: shifting a picture by a part of a pixel has a slope, so speeds can be
learned; and after training the clips move by about as much as the real ones do.
"""

# %%
import os

import numpy as np
from keras import ops

import genai_basics as gb
from genai_basics.backend import gradients
from genai_basics.data.writers import write_samples
from genai_basics.gan.evaluation import change, speed
from genai_basics.gan.video_gan import MovingLayers

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less is a quicker, worse run

data = gb.load_data("moving_digits")
clips = data.train.x
print(f"{len(clips)} clips of {clips.shape[1]} frames, {clips.shape[2]}x{clips.shape[3]} pixels")


def show(clip):
    """Print every fourth frame, side by side, at half the size."""
    frames = clip[::4, ::2, ::2, 0]
    for line in np.concatenate(list(frames), axis=1):
        print("".join(" .:*#"[int(value) // 52] for value in line))


show(clips[0])

# %%
# A place with a slope
# --------------------
# One white pixel, moved to the right by 1.5 pixels, lies half on one pixel and half on the next.
# Ask how bright the right one is: the answer grows with the shift, and that is the slope through
# which a speed is learned.

pictures = np.full((1, 1, 3, 7, 2), -20.0, "float32")  # one, and its mask, before they are bent
pictures[0, 0, 1, 2] = 20.0
layer = MovingLayers()
layer.build(((1, 1, 3, 7, 2), (1, 1, 1, 2)))
layer.background.assign(-np.ones((3, 7, 1)))


def brightness(shift):
    """Return the middle line's pixel 4 when the picture lies that many pixels to the right."""
    path = ops.stack([ops.zeros_like(shift), shift / (7 / 4)])  # down and right, in quarters
    return layer([pictures, ops.reshape(path, (1, 1, 1, 2))])[0, 0, 1, 4, 0]


value, slope = gradients(brightness, ops.convert_to_tensor(np.float32(1.5)))
print(f"brightness {float(value):.1f} between -1 and 1, slope {float(slope):.1f} a pixel")

# %%
# Training
# --------

gan = gb.build_video_gan((16, 32, 32, 1), filters=(32, 64, 64), seed=0)
gan.compile()
before = gan.sample(100, seed=0)
steps = max(20, round(450 * BUDGET))
gan.fit(clips, epochs=1, steps_per_epoch=steps, verbose=0)
made = gan.sample(100, seed=0)
show(made[0])
show(made[1])
write_samples(made[:9], "clips.gif", data.spec)
print("nine clips -> clips.gif")

# %%
# How much changes from frame to frame, and how far the bright spot moves.

for who, these in (("real", clips), ("untrained", before), ("trained", made)):
    print(f"{who}: change {change(these):.1f} grey levels, speed {speed(these):.2f} pixels a frame")

# %%
assert float(slope) > 0, "a shift has a slope"
if BUDGET >= 1:
    assert 0.4 < change(made) / change(clips) < 2.0
    assert 0.3 < speed(made) / speed(clips) < 2.0
