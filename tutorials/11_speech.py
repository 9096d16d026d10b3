"""
Speech: from sound to symbols, without being told where
=======================================================

Who transcribes a recording does not write down when each sound begins. Connectionist temporal
classification learns from such transcriptions: each frame of sound names a symbol or a blank,
repeats and blanks are dropped, and every way to spread the transcription over the frames counts.
Our speech is that of telephones: keys, each two tones at once, several in a row, in noise.

The claim at the end: under one key in five is wrong on recordings that were never heard.
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
# What the network hears
# ----------------------
# A spectrogram in bands that are narrow where we hear finely, as logarithms: one frame each 10 ms.

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
# The likeliest symbol of each frame, the blank as a dot; then repeats and blanks dropped.

frames = model.log_probabilities([data.test.x[0]])[0].argmax(axis=1)
print("".join("." if f == 0 else model.symbols[f - 1] for f in frames))
print(model.text(collapse(frames)), "and said was", data.test.y[0])

found = model.transcribe(data.test.x)
errors = gb.metrics.character_error_rate(data.test.y, found)
print(f"{errors:.1%} of the keys are wrong")

# %%
# Claim
# -----

if BUDGET >= 1:
    assert errors < 0.2
