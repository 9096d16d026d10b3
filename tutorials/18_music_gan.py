"""
Four voices from noise
======================

Can a network find out by itself which notes sound well together? A piece of music in four voices is
a grid: at each step, each voice has a note or is silent. The generator fills the whole grid at
once; at each position, the note with the largest number sounds. The discriminator sees the whole
grid, and also where a voice holds its note, since that is most of the rhythm. Neither is told what
a chord or a scale is.

The claim at the end: by all measures that we take, the samples become more similar to the real
music, especially in their intervals.
"""

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb
from genai_basics.data.writers import write_samples
from genai_basics.gan import evaluation as music

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("chords")
pieces, spec = data.train.x, data.spec
print(f"{len(pieces)} pieces of {spec.voices} voices, from pitch {spec.low} to {spec.high}")


def rolls(pieces, title):
    """Draw pieces: time to the right, pitch upwards, a colour for each voice."""
    figure, axes = plt.subplots(1, len(pieces), figsize=(7.5, 2.2), sharey=True)
    for axis, piece in zip(axes, pieces):
        for voice, notes in enumerate(np.transpose(piece)):
            (there,) = np.nonzero(notes >= 0)
            axis.hlines(notes[there], there, there + 1, color=f"C{voice}", linewidth=3)
        axis.set_xticks(range(0, 17, 4))
    axes[0].set_ylabel("pitch")
    figure.suptitle(title)
    plt.show()


rolls([np.asarray(piece)[:16] for piece in pieces[:4]], "One bar each of four real pieces")

# %%
# The answer in ten lines
# -----------------------
# Training uses windows of 16 steps, one bar, that begin at every quarter note.

gan = gb.build_music_gan(spec.voices, spec.low, spec.high, steps=16, units=96, seed=0)
gan.compile()
before = gan.sample(500, seed=0)
gan.fit(pieces, epochs=max(1, round(13 * BUDGET)), verbose=0)
made = gan.sample(500, seed=0)
rolls(before[:4], "Before training: any note at any time")
rolls(made[:4], "After training: chords that are held")
write_samples(made[:4], "bars.wav", spec)
print("listen to them: bars.wav")

# %%
# If the discriminator has a steep gradient somewhere, it pushes all samples to one place, and soon
# every bar is one held chord. So its gradient is penalized, at the real pieces and at the samples,
# by `penalty="r1_r2"`, the default here. With "r1", which omits the samples, the collapse occurs
# after about twenty epochs.
#
# Intervals
# ---------
# The interval of two notes is the number of semitones between them, without octaves. We count them
# ourselves: all pairs of voices, at all steps.

real = gan.invert(np.eye(gan.pitches)[gan.prepare(data.test.x)[0]])


def intervals(bars):
    """Return how often each interval sounds, from 0 to 11 semitones."""
    counts = np.zeros(12)
    for low in range(bars.shape[2]):
        for high in range(low):
            pair = bars[..., [low, high]].reshape(-1, 2)
            pair = pair[(pair >= 0).all(axis=1)]
            counts += np.bincount(abs(pair[:, 0] - pair[:, 1]) % 12, minlength=12)
    return counts / counts.sum()


plt.figure(figsize=(7.5, 2.6))
for i, (who, bars) in enumerate((("real", real), ("before", before), ("after", made))):
    plt.bar(np.arange(12) + 0.27 * (i - 1), intervals(np.asarray(bars)), 0.27, label=who)
names = "octave|minor 2nd|2nd|minor 3rd|3rd|4th|tritone|5th|minor 6th|6th|minor 7th|7th"
plt.xticks(range(12), names.split("|"), rotation=45)
plt.title("Which intervals sound")
plt.legend()
plt.show()

# %%
# Thirds, fourths and fifths are what chords are made of. The generator found them by noise and a
# critic alone.
#
# The claim
# ---------
# The same for pitches and for lengths, in nats of divergence from the real music; then how many
# notes are held, and how many fit one scale.

distance = {}
for name, histogram in music.HISTOGRAMS.items():
    real_shares = histogram(real)
    distance[name] = [music.divergence(real_shares, histogram(rolls)) for rolls in (before, made)]
    print(f"{name}: {distance[name][0]:.3f} nats from real before, {distance[name][1]:.3f} after")
for name, share in music.SHARES.items():
    print(f"{name}: real {share(real):.0%}, before {share(before):.0%}, after {share(made):.0%}")

if BUDGET >= 1:
    before_all, after_all = (sum(pair[i] for pair in distance.values()) for i in (0, 1))
    assert after_all < 0.7 * before_all, "the samples become more similar to the music"
    assert distance["interval"][1] < 0.3 * distance["interval"][0], "their intervals most of all"
    assert abs(music.held(made) - music.held(real)) < abs(music.held(before) - music.held(real))
