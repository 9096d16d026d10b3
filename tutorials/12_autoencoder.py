"""
Autoencoders: reduce dimensions, denoise, compress
==================================================

An autoencoder is two networks in sequence. The encoder maps a picture of 64 numbers to a code of a
few numbers; the decoder maps the code back to a picture. The meaning of the code is not specified:
the only objective is to reconstruct the picture, so the network learns what has to be kept for
that.

This tutorial does three things with the embedded digits: it reduces them to eight numbers, removes
noise from them, and compresses them into a file.

The claims at the end: with the same eight numbers per picture, the autoencoder's error is well
below that of principal components, the best linear method; the denoiser gains several decibels;
and the compressed file is decoded to the model's reconstructions, with less than a quarter of a
byte per pixel.
"""

# %%
import os

import numpy as np
from sklearn.decomposition import PCA

import genai_basics as gb
from genai_basics import metrics

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run


def epochs(number):
    return max(1, round(number * BUDGET))


data = gb.load_data("digits")
x, x_test = data.train.x, data.test.x

# %%
# Reduce dimensions
# -----------------
# `latent_dim` is the width of the bottleneck. The loss is the mean squared error between input and
# output, in units where black is 0 and white is 1.

squeezer = gb.build_autoencoder((8, 8, 1), latent_dim=8, hidden_units=(256, 128), seed=0)
squeezer.compile()
squeezer.fit(x, epochs=epochs(80), batch_size=64, verbose=0)
codes = squeezer.encode(x_test)
print(f"{x_test[0].size} numbers became {codes.shape[1]}: {np.round(codes[0], 1)}")

# %%
# Principal component analysis is the linear version: the code holds weighted sums of pixels, and a
# reconstruction is a weighted sum of eight fixed pictures. An autoencoder without activations
# cannot be better than that; with activations, it can.

flat, flat_test = (pictures.reshape(len(pictures), -1) / 255 for pictures in (x, x_test))
pca = PCA(8).fit(flat)
straight = np.square(pca.inverse_transform(pca.transform(flat_test)) - flat_test).mean()
again = squeezer.reconstruct(x_test).astype("float32") / 255
bent = np.square(again.reshape(flat_test.shape) - flat_test).mean()
print(f"mean squared error: principal components {straight:.4f}, autoencoder {bent:.4f}")

# %%
# Any code can be decoded. The code halfway between those of two pictures decodes to a mixture of
# both. A density of all codes is fitted at the end of training; codes drawn from it decode to new
# digits.

line = squeezer.interpolate(x_test[0], x_test[1], steps=5)
print(f"{len(line)} pictures from one digit to another, and {len(squeezer.sample(9))} new ones")

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

# %%
# The claims
# ----------

rows = codec.predict(x_test, verbose=0)
assert np.abs(opened.astype(int) - rows.astype(int)).max() <= 1
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
