"""
Four voices from noise
======================

A piece of music in four voices is a grid: at each step, each voice has a note or is silent. The
generator fills the whole grid at once; at each position, the note with the largest number sounds.
The discriminator sees the whole grid, and also where a voice holds its note, since that is most of
the rhythm.

The generator is not told what a chord or a scale is. We compare its samples before and after
training: which pitches occur, which intervals sound together, how many notes are held, and how many
notes fit one scale.

The claim at the end: by all of these measures, the samples become more similar to the real music,
especially in their intervals.
"""

# %%
import os

import numpy as np

import genai_basics as gb
from genai_basics.data.writers import write_samples
from genai_basics.gan import evaluation as music

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("chords")
pieces, spec = data.train.x, data.spec
print(f"{len(pieces)} pieces of {spec.voices} voices, from pitch {spec.low} to {spec.high}")

NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]


def show(piece):
    """Print a line for each voice: the note where it begins, and a dash while it is held."""
    for voice in piece.T:
        names = [
            "-" if i and note == voice[i - 1] else NAMES[note % 12] for i, note in enumerate(voice)
        ]
        print(" ".join(f"{name:2}" for name in names))


show(np.asarray(pieces[0])[:16])

# %%
# Training
# --------
# Training uses windows of 16 steps, one bar, that begin at every quarter note. If the discriminator
# has a steep gradient somewhere, it pushes all samples to one place, and soon every bar is one held
# chord. So its gradient is penalized, at the real pieces and at the samples, by `penalty="r1_r2"`,
# the default here. With "r1", which omits the samples, the collapse occurs after about twenty
# epochs.

gan = gb.build_music_gan(spec.voices, spec.low, spec.high, steps=16, units=96, seed=0)
gan.compile()
before = gan.sample(500, seed=0)
gan.fit(pieces, epochs=max(1, round(16 * BUDGET)), verbose=0)
made = gan.sample(500, seed=0)
print()
show(made[0])
write_samples(made[:4], "bars.wav", spec)
print("four bars -> bars.wav")

# %%
# Before and after
# ----------------

real = gan.invert(np.eye(gan.pitches)[gan.prepare(data.test.x)[0]])
distance = {}
for name, histogram in music.HISTOGRAMS.items():
    real_shares = histogram(real)
    distance[name] = [music.divergence(real_shares, histogram(rolls)) for rolls in (before, made)]
    print(f"{name}: {distance[name][0]:.3f} nats from real before, {distance[name][1]:.3f} after")
for name, share in music.SHARES.items():
    print(f"{name}: real {share(real):.0%}, before {share(before):.0%}, after {share(made):.0%}")

# %%
if BUDGET >= 1:
    before_all, after_all = (sum(pair[i] for pair in distance.values()) for i in (0, 1))
    assert after_all < 0.7 * before_all, "the samples become more similar to the music"
    assert distance["interval"][1] < 0.3 * distance["interval"][0], "their intervals most of all"
    assert abs(music.held(made) - music.held(real)) < abs(music.held(before) - music.held(real))
