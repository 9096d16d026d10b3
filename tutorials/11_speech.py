"""
Speech: from sound to symbols, without alignment
================================================

A transcription does not say when each sound begins. How can a network learn from it?
Connectionist temporal classification (CTC): the network predicts a symbol or a blank for each frame
of sound, repetitions and blanks are removed, and the loss sums over all ways to distribute the
transcription over the frames. Our "speech" is the tones of telephone keys, several in a row, in
noise.

The claim at the end: fewer than one key in five is wrong on test recordings.
"""

# %%
import itertools
import os

import keras
import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb
from genai_basics.recurrent.ctc import collapse

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("key_sequences")
clip, text = data.train.x[0], data.train.y[0]
print(f"{len(clip) / data.spec.sample_rate:.1f} s of sound say {text!r}")

# %%
# The answer in ten lines
# -----------------------

model = gb.build_speech_recognizer(
    data.spec.sample_rate, data.spec.alphabet, units=64, filters=(64, 64), speed=0.1, seed=0
)
model.compile(learning_rate=4e-3)
epochs = max(1, round(32 * BUDGET))
model.fit(data.train.x, data.train.y, batch_size=16, epochs=epochs, verbose=0)
found = model.transcribe(data.test.x)
for truth, read in list(zip(data.test.y, found))[:5]:
    print(f"{truth:12} read as {read}")

# %%
# A spectrogram with its transcript
# ---------------------------------
# The input is a log-mel spectrogram with one frame every 10 ms. Below it is what the network says
# of each frame: a row for each symbol, bright where it is probable, and the blank at the bottom.

heard = np.asarray(data.test.x[0])
spectrogram = np.asarray(model.log_mel(heard[None]))[0]
frames = model.log_probabilities([heard])[0]
figure, axes = plt.subplots(2, 1, figsize=(7.5, 4.4))
axes[0].imshow(spectrogram.T, origin="lower", aspect="auto", cmap="magma")
axes[0].set(title=f"A recording of {data.test.y[0]}", ylabel="frequency", xticks=(), yticks=())
axes[1].imshow(np.exp(frames).T, origin="lower", aspect="auto", cmap="magma")
axes[1].set(title=f"Probabilities of symbols, read as {found[0]}", xlabel="frame")
axes[1].set_yticks(range(frames.shape[1]), ["blank", *model.symbols])
for axis in axes:
    axis.grid(False)
plt.show()

# %%
# The network is silent (blank) most of the time and says each key in a few frames: a spike. Nobody
# told it where.
#
# From frames to symbols
# ----------------------
# The most probable symbol of each frame, with a dot for the blank; then repetitions and blanks are
# removed. A blank between two equal symbols keeps them apart: `11` needs `1.1`.

best = frames.argmax(axis=1)
print("".join("." if f == 0 else model.symbols[f - 1] for f in best))
by_hand = "".join(model.symbols[f - 1] for f, _ in itertools.groupby(best) if f > 0)
print(by_hand, "for the transcription", data.test.y[0])
assert by_hand == model.text(collapse(best))

# %%
# The loss sums over all alignments
# ---------------------------------
# With three frames, "a" can be written `a..`, `.a.`, `..a`, `aa.`, `.aa` or `aaa`. Its probability
# is the sum over all of them. We list the paths, one by one, and Keras' loss agrees.

rng = np.random.default_rng(0)
scores = rng.normal(size=(3, 3)).astype("float32")  # frames, symbols: 0 is blank, 1 is a, 2 is b
shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
total = 0.0
for path in itertools.product(range(3), repeat=3):
    if [symbol for symbol, _ in itertools.groupby(path) if symbol] == [1]:
        total += np.prod(shares[np.arange(3), path])
        print("".join(".ab"[symbol] for symbol in path), end=" ")

loss = keras.ops.ctc_loss(np.array([[1]]), scores[None], np.array([1]), np.array([3]))
print(f"\n-log of their sum {-np.log(total):.5f}, Keras' CTC loss {float(loss[0]):.5f}")
assert np.allclose(-np.log(total), loss[0], atol=1e-4)

# %%
# With hundreds of frames there are too many paths to list. Dynamic programming adds them up from
# left to right, since all paths that end at the same symbol go on in the same way.
#
# The claim
# ---------

errors = gb.metrics.character_error_rate(data.test.y, found)
print(f"{errors:.1%} of the keys are wrong")

if BUDGET >= 1:
    assert errors < 0.2
