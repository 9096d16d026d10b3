"""
Speech: from sound to symbols, without alignment
================================================

A transcription does not say when each sound begins. Connectionist temporal classification (CTC)
learns from such transcriptions: the network predicts a symbol or a blank for each frame of sound,
repetitions and blanks are removed, and the loss sums over all ways to distribute the transcription
over the frames. Our "speech" is the tones of telephone keys, several in a row, in noise.

The claim at the end: fewer than one key in five is wrong on test recordings.
"""

# %%
import os

import numpy as np

import genai_basics as gb
from genai_basics.recurrent.ctc import collapse

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))

data = gb.load_data("key_sequences")
clip, text = data.train.x[0], data.train.y[0]
print(f"{len(clip) / data.spec.sample_rate:.1f} s of sound say {text!r}")

# %%
# The input of the network
# ------------------------
# A log-mel spectrogram with one frame every 10 ms; its bands are narrower at low frequencies, as in
# human hearing.

model = gb.build_speech_recognizer(
    data.spec.sample_rate, data.spec.alphabet, units=64, filters=(64, 64), speed=0.1, seed=0
)
spectrogram = np.asarray(model.log_mel(clip[None]))[0]
for band in range(spectrogram.shape[1] - 4, 4, -4):
    row = spectrogram[::4, band]
    print("".join(" .:*#"[min(4, max(0, int(value + 10)))] for value in row[:90]))

# %%
# Learning from transcriptions
# ----------------------------

model.compile(learning_rate=4e-3)
epochs = max(1, round(32 * BUDGET))
model.fit(data.train.x, data.train.y, batch_size=16, epochs=epochs, verbose=0)

# %%
# From frames to symbols
# ----------------------
# The most probable symbol of each frame, with a dot for the blank; then repetitions and blanks are
# removed.

frames = model.log_probabilities([data.test.x[0]])[0].argmax(axis=1)
print("".join("." if f == 0 else model.symbols[f - 1] for f in frames))
print(model.text(collapse(frames)), "for the transcription", data.test.y[0])

found = model.transcribe(data.test.x)
errors = gb.metrics.character_error_rate(data.test.y, found)
print(f"{errors:.1%} of the keys are wrong")

# %%
# Claim
# -----

if BUDGET >= 1:
    assert errors < 0.2
