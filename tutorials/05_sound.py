"""
Sound as a picture
==================

How does a network hear? A sound is a long sequence of numbers; what we hear is how its frequencies
change over time. Drawn over time and frequency, it is a picture, a spectrogram, which a
convolutional network can classify. Here it learns to recognize the keys of a telephone by their
tones.

The claim at the end: it recognizes the keys in noise, however loud or quiet they are.
"""

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import genai_basics as gb

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run

data = gb.load_data("key_tones")
rate, names = data.spec.sample_rate, data.spec.class_names
clip = np.asarray(data.train.x[0])
print(data)

# %%
# The answer in ten lines
# -----------------------
# `sample_rate=` means that x holds sounds: a list of arrays of any length. The spectrogram is a
# layer of the model, so raw samples go in.

model = gb.build_cnn(
    sample_rate=rate,
    num_classes=data.spec.num_classes,
    class_names=names,
    filters=(16, 32),
    seed=0,
)
model.compile()
history = model.fit(
    data.train.x,
    data.train.y,
    batch_size=32,
    epochs=max(1, round(20 * BUDGET)),
    validation_data=(data.validation.x, data.validation.y),
    verbose=0,
)
print("this clip is the key", model.classify([clip])[0][0])

# %%
# A sound is a line of numbers
# ----------------------------
# This is the key as it comes from a microphone. The tone can be seen where the line is wide, but
# not which tone it is.

seconds = np.arange(len(clip)) / rate
plt.figure(figsize=(7, 1.8))
plt.plot(seconds, clip, linewidth=0.4)
plt.title(f"Samples of the key {names[data.train.y[0]]}")
plt.xlabel("seconds")
plt.show()

# %%
# Frequencies, by hand
# --------------------
# Cut out a short window, fade its ends, and let a Fourier transform say how much of each frequency
# is in it. Each key is two tones at once, one for its row and one for its column.

size = 256
middle = np.abs(clip).argmax()
window = clip[max(0, middle - size // 2) :][:size] * np.hanning(size)
strength = np.abs(np.fft.rfft(window))
plt.figure(figsize=(7, 2))
plt.plot(np.fft.rfftfreq(size, 1 / rate), strength)
plt.title("One window: two frequencies stand out")
plt.xlabel("Hz")
plt.show()

# %%
# A spectrogram repeats this for overlapping windows. Ears are precise at low frequencies and
# perceive loudness on a logarithmic scale, so the layer `LogMel` also adds the frequencies up in
# bands, narrow at low frequencies and wide at high ones, and takes the logarithm.

starts = range(0, len(clip) - size, size // 4)
by_hand = [np.abs(np.fft.rfft(clip[s : s + size] * np.hanning(size))) for s in starts]
mel = np.asarray(gb.LogMel(rate, bands=24)(clip[None].astype("float32")))[0]  # (frames, bands)

figure, axes = plt.subplots(1, 2, figsize=(7, 2.6))
axes[0].imshow(np.log(np.transpose(by_hand) + 1e-3), origin="lower", aspect="auto", cmap="magma")
axes[1].imshow(mel.T, origin="lower", aspect="auto", cmap="magma")
axes[0].set_title("by hand: all frequencies")
axes[1].set_title("by the layer: 24 bands")
for axis in axes:
    axis.set(xticks=(), yticks=(), xlabel="time")
axes[0].set_ylabel("frequency")
plt.show()

# %%
# All keys
# --------
# One clip of each key. Their frequencies identify the key; their position in time does not matter,
# and a convolution does not care about it.

firsts = [np.flatnonzero(data.train.y == key)[0] for key in range(len(names))]
figure, axes = plt.subplots(2, -(-len(names) // 2), figsize=(7.5, 3.2))
for axis in axes.flat:
    axis.set_axis_off()
for axis, i in zip(axes.flat, firsts):
    sound = np.asarray(data.train.x[i])[None].astype("float32")
    axis.imshow(np.asarray(gb.LogMel(rate, bands=24)(sound))[0].T, origin="lower", cmap="magma")
    axis.set_aspect("auto")
    axis.set_title(names[data.train.y[i]], loc="center")
figure.suptitle("The keys, as the network sees them")
plt.show()

# %%
# In training, the spectrograms are stretched in time, shifted a little in pitch, and partly erased
# (SpecAugment, Park et al., 2019); see `augment=` of `build_cnn`.

plt.figure(figsize=(5, 2.4))
plt.plot(np.arange(1, len(history.epoch) + 1), history.history["val_accuracy"], marker="o")
plt.title("Accuracy on validation clips")
plt.xlabel("epoch")
plt.show()

# %%
# Which bands matter
# ------------------
# The network's score is an average over positions, so each position can say what it added. The
# bands that it used are those of the two tones.

(heat,) = model.explain(data.test.x[:1])
sound = np.asarray(data.test.x[0])[None].astype("float32")
seen = np.asarray(gb.LogMel(rate, bands=24)(sound))[0]
figure, axes = plt.subplots(1, 2, figsize=(7, 2.4))
axes[0].imshow(seen.T, origin="lower", aspect="auto", cmap="magma")
axes[1].imshow(heat.T, origin="lower", aspect="auto", cmap="Oranges")
axes[0].set_title(f"the key {model.classify(data.test.x[:1])[0][0]}")
axes[1].set_title("evidence for the answer")
for axis in axes:
    axis.set(xticks=(), yticks=(), xlabel="time")
plt.show()

# %%
# The claim
# ---------

metrics, intervals = model.report(data.test.x, data.test.y)
quiet = [0.1 * np.asarray(clip) for clip in data.test.x]
same = np.mean(np.array(model.classify(quiet)[0]) == np.array(model.classify(data.test.x)[0]))
low, high = intervals["accuracy"]
print(f"accuracy {metrics['accuracy']:.3f} [{low:.3f}, {high:.3f}]; quieter: {same:.0%} the same")

if BUDGET >= 1:
    assert metrics["accuracy"] > 0.9
    assert same > 0.9
