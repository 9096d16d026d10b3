"""
Autoencoders: squeeze, clean, pack
==================================

An autoencoder is two networks in a row. The encoder squeezes a picture of 64 numbers into a code
of a few; the decoder makes a picture of the code again. Nobody tells them what a code should
mean: the only wish is that the picture comes back. What must be kept to make it come back is
what the network learns.

Three jobs on the embedded digits follow: squeezing them into eight numbers, taking noise off
them, and packing them into a file of real bytes.

The claims at the end: with the same eight numbers a picture, the autoencoder's error is well
below that of principal components, the best that straight lines can do; the denoiser gains
decibels; and the packed file opens again to what went in, in a quarter of a byte a pixel.
"""

# %%
import os

import numpy as np
from sklearn.decomposition import PCA

import genai_basics as gb
from genai_basics import metrics

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less is a quicker, worse run


def epochs(number):
    return max(1, round(number * BUDGET))


data = gb.load_data("digits")
x, x_test = data.train.x, data.test.x

# %%
# Squeeze
# -------
# `latent_dim` is the width of the bottleneck. The loss is the mean squared error between what
# goes in and what comes out, in units where black is 0 and white is 1.

squeezer = gb.build_autoencoder((8, 8, 1), latent_dim=8, hidden_units=(256, 128), seed=0)
squeezer.compile()
squeezer.fit(x, epochs=epochs(80), batch_size=64, verbose=0)
codes = squeezer.encode(x_test)
print(f"{x_test[0].size} numbers became {codes.shape[1]}: {np.round(codes[0], 1)}")

# %%
# Principal components do the same with straight lines: a code is a weighted sum of pixels, and a
# picture a weighted sum of eight fixed ones. An autoencoder without activations cannot be better
# than that. With them, it bends.

flat, flat_test = (pictures.reshape(len(pictures), -1) / 255 for pictures in (x, x_test))
pca = PCA(8).fit(flat)
straight = np.square(pca.inverse_transform(pca.transform(flat_test)) - flat_test).mean()
again = squeezer.reconstruct(x_test).astype("float32") / 255
bent = np.square(again.reshape(flat_test.shape) - flat_test).mean()
print(f"mean squared error: principal components {straight:.4f}, autoencoder {bent:.4f}")

# %%
# A code can be decoded wherever it comes from. Half way between two pictures' codes lies a
# picture that is a little of both. And a density of all codes, fitted when training ends, makes
# new digits: draw a code from it, decode.

line = squeezer.interpolate(x_test[0], x_test[1], steps=5)
print(f"from one digit to another in {len(line)} pictures; and {len(squeezer.sample(9))} new ones")

# %%
# Clean
# -----
# Now noise is added to what the encoder sees, and the clean picture is what must come out. The
# noise is drawn anew for each picture in each epoch, so there is nothing to learn by heart. A
# narrow code is not needed here, so the network for this job leads connections past it.

denoiser = gb.build_autoencoder((8, 8, 1), noise="gaussian", noise_level=0.3, seed=0)
denoiser.compile()
denoiser.fit(x, epochs=epochs(40), batch_size=64, verbose=0)
noisy = denoiser.corrupt(x_test)  # floats: noise goes below black and above white
clean = denoiser.denoise(np.clip(noisy, 0, 255))
before, after = metrics.psnr(x_test, noisy), metrics.psnr(x_test, clean)
print(f"noisy {before:.1f} dB, cleaned {after:.1f} dB; ten decibels are a tenth of the error")

# %%
# Pack
# ----
# `rate` charges for the bits of the code beside the error. Codes are rounded to whole numbers,
# which a range coder writes: frequent numbers in few bits, rare ones in more.

codec = gb.build_autoencoder((8, 8, 1), latent_dim=16, rate=0.01, seed=0)
codec.compile()
codec.fit(x, epochs=epochs(60), batch_size=64, verbose=0)
packed = codec.compress(x_test)
opened, _ = codec.decompress(packed)
print(f"{x_test.size:,} bytes of pixels became {len(packed):,}")
print(f"they open at {metrics.psnr(x_test, opened):.1f} dB")

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
# To do the same with pictures of your own, from the shell. `--fit tiles` cuts photographs up, so
# that a few are enough. Where none is clean, `--set target=noise2void` stands in for `--noise`.
#
#     genai-basics train autoencoder --data photos/ --noise gaussian --image-size 64 --fit tiles
#     genai-basics predict runs/autoencoder noisy.png --out clean.png
#     genai-basics train autoencoder --data photos/ --rate 0.003 --image-size 64 --fit tiles \
#         --out runs/codec
#     genai-basics compress runs/codec photos/ --out photos.gbac
