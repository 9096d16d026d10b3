"""
Autoencoders: reduce dimensions, denoise, compress
==================================================

How few numbers describe a digit? An autoencoder is two networks in sequence. The encoder maps a
picture of 64 numbers to a code of a few numbers; the decoder maps the code back to a picture. The
meaning of the code is not specified: the only objective is to reconstruct the picture, so the
network learns what has to be kept for that.

The claims at the end: with the same eight numbers per picture, the autoencoder's error is well
below that of principal components, the best linear method; the denoiser gains several decibels;
and the compressed file is decoded to the model's reconstructions, with less than a quarter of a
byte per pixel.
"""

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA

import genai_basics as gb
from genai_basics import metrics

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run


def epochs(number):
    return max(1, round(number * BUDGET))


def rows(title, **parts):
    """Draw ten pictures of each part in a row, below each other."""
    figure, axes = plt.subplots(len(parts), 1, figsize=(7.5, 0.9 * len(parts) + 0.4))
    for axis, (name, pictures) in zip(np.ravel(axes), parts.items()):
        axis.imshow(np.hstack(pictures[:10].reshape(-1, 8, 8)), cmap="gray", vmin=0, vmax=255)
        axis.set(xticks=(), yticks=())
        axis.set_ylabel(name.replace("_", " "), rotation=0, ha="right", va="center")
        axis.grid(False)
    figure.suptitle(title)
    plt.show()


data = gb.load_data("digits")
x, x_test = data.train.x, data.test.x

# %%
# The answer in ten lines
# -----------------------
# `latent_dim` is the width of the bottleneck. The loss is the mean squared error between input and
# output, in units where black is 0 and white is 1.

squeezer = gb.build_autoencoder((8, 8, 1), latent_dim=8, hidden_units=(256, 128), seed=0)
squeezer.compile()
squeezer.fit(x, epochs=epochs(80), batch_size=64, verbose=0)
codes = squeezer.encode(x_test)
print(f"{x_test[0].size} numbers became {codes.shape[1]}: {np.round(codes[0], 1)}")

# %%
# Principal components
# --------------------
# The linear version of the same idea: a code holds weighted sums of pixels, and a reconstruction is
# a weighted sum of eight fixed pictures::
#
#     code = (x - mean) @ components.T      reconstruction = mean + code @ components
#
# An autoencoder without activations cannot be better than that; with activations, it can.

flat, flat_test = (pictures.reshape(len(pictures), -1) / 255 for pictures in (x, x_test))
pca = PCA(8).fit(flat)
linear = pca.mean_ + ((flat_test - pca.mean_) @ pca.components_.T) @ pca.components_
assert np.allclose(linear, pca.inverse_transform(pca.transform(flat_test)))
straight = np.square(linear - flat_test).mean()
again = squeezer.reconstruct(x_test).astype("float32") / 255
bent = np.square(again.reshape(flat_test.shape) - flat_test).mean()
print(f"mean squared error: principal components {straight:.4f}, autoencoder {bent:.4f}")
rows(
    "Eight numbers per digit",
    original=255 * flat_test,
    principal_components=255 * linear,
    autoencoder=255 * again,
)

# %%
# Both networks are plain Keras models, so the code can be computed without this library's help.

by_hand = np.asarray(squeezer.encoder(x_test[:3].astype("float32") / 255))
print("largest difference:", np.abs(by_hand - codes[:3]).max())

# %%
# Between two digits
# ------------------
# Any code can be decoded. Codes on the line between those of two pictures decode to mixtures of
# both, and a density of all codes, fitted at the end of training, gives codes of new digits.

rows(
    "Every code is a picture",
    from_one_to_another=squeezer.interpolate(x_test[0], x_test[1], steps=10),
    and_back=squeezer.interpolate(x_test[1], x_test[2], steps=10),
    drawn=squeezer.sample(10, seed=0),
)

# %%
# Denoise
# -------
# Now noise is added to the encoder's input, and the target is the clean picture. The noise is drawn
# again for each picture in each epoch, so it cannot be memorized. A narrow code is not needed here,
# so the network for this task has skip connections.

denoiser = gb.build_autoencoder((8, 8, 1), noise="gaussian", noise_level=0.3, seed=0)
denoiser.compile()
denoiser.fit(x, epochs=epochs(40), batch_size=64, verbose=0)
noisy = denoiser.corrupt(x_test)  # floats: noise goes below black and above white
clean = denoiser.denoise(np.clip(noisy, 0, 255))
before, after = metrics.psnr(x_test, noisy), metrics.psnr(x_test, clean)
print(f"noisy {before:.1f} dB, denoised {after:.1f} dB; 10 dB more are a tenth of the error")
rows("Denoising", noisy=noisy, denoised=clean, original=x_test)

# %%
# Compress
# --------
# `rate` adds the bits of the code to the loss. Codes are rounded to integers, which a range coder
# writes: frequent integers in few bits, rare ones in more.

codec = gb.build_autoencoder((8, 8, 1), latent_dim=16, rate=0.01, seed=0)
codec.compile()
codec.fit(x, epochs=epochs(60), batch_size=64, verbose=0)
packed = codec.compress(x_test)
opened, _ = codec.decompress(packed)
print(f"{x_test.size:,} bytes of pixels became {len(packed):,}")
print(f"PSNR after decompression: {metrics.psnr(x_test, opened):.1f} dB")
rows(f"From 64 bytes to {len(packed) / len(x_test):.0f} per digit", original=x_test, decoded=opened)

# %%
# The claims
# ----------

outputs = codec.predict(x_test, verbose=0)
assert np.abs(opened.astype(int) - outputs.astype(int)).max() <= 1
if BUDGET >= 1:
    assert bent < 0.7 * straight
    assert after > before + 5
    assert len(packed) < 0.25 * x_test.size

# %%
# The same with your own pictures, from the shell. `--fit tiles` cuts photographs into tiles, so a
# few photographs are enough. If none of them is clean, use `--set target=noise2void` instead of
# `--noise`::
#
#     genai-basics train autoencoder --data photos/ --noise gaussian --image-size 64 --fit tiles
#     genai-basics predict runs/autoencoder noisy.png --out clean.png
#     genai-basics train autoencoder --data photos/ --rate 0.003 --image-size 64 --fit tiles \
#         --out runs/codec
#     genai-basics compress runs/codec photos/ --out photos.gbac
