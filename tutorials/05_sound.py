"""
Sound as a picture
==================

A sound is a long sequence of numbers; what we hear is how its frequencies change over time. Drawn
over time and frequency, it is a picture, a spectrogram, which a convolutional network can
classify. Here it learns to recognize the keys of a telephone by their tones, from raw samples: the
spectrogram is a layer of the model.

The claim at the end: it recognizes the keys in noise, however loud or quiet they are.
"""

# %%
import os

import numpy as np

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))

data = gb.load_data("key_tones")
rate = data.spec.sample_rate
print(data)
print("seconds:", [round(len(clip) / rate, 2) for clip in data.train.x[:6]])

# %%
# From samples to a picture
# -------------------------
# A log-mel spectrogram takes four steps: cut the sound into short, overlapping windows; compute the
# strength of every frequency in each window by a Fourier transform; add the frequencies up in bands
# that are narrow at low frequencies, where hearing is precise, and wide at high ones; and take the
# logarithm, since loudness is perceived on such a scale.

mel = gb.LogMel(rate, bands=24)
clip = data.train.x[0]
picture = np.asarray(mel(clip[None]))[0]  # (frames, bands)
print("key", data.spec.class_names[data.train.y[0]])
shades = np.digitize(picture, np.quantile(picture, [0.5, 0.75, 0.9, 0.97]))
for band in range(23, -1, -1):
    print("".join(" .:*#"[shade] for shade in shades[::2, band][:60]))

# %%
# Each key is two tones at once, one for its row and one for its column. Their frequencies identify
# the key; their position in time does not matter.
#
# The network
# -----------
# `sample_rate=` means that x holds sounds: a list of arrays of any length. Inside the model, each
# clip's spectrogram is standardized, so that loudness has no influence, and a mask marks where a
# clip ends and the padding begins.

model = gb.build_cnn(
    sample_rate=rate,
    num_classes=data.spec.num_classes,
    class_names=data.spec.class_names,
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
print("validation:", np.round(history.history["val_accuracy"][::4], 3))

# %%
# In training, the spectrograms are stretched in time, shifted a little in pitch, and partly erased
# (SpecAugment, Park et al., 2019); see `augment=` of `build_cnn`.
#
# Which bands matter
# ------------------

(heat,) = model.explain(data.test.x[:1])
print("key", model.classify(data.test.x[:1])[0][0], "by the bands", np.argsort(-heat.mean(0))[:4])

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
