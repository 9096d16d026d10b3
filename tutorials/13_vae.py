"""
The variational autoencoder and the reparameterization trick
============================================================

How can an autoencoder invent new digits? Its codes can lie anywhere, so a random code decodes to
nothing useful. The encoder of a variational autoencoder (VAE) returns a distribution instead of a
code, with a mean and a width for each latent, and the loss pulls these distributions towards the
standard normal distribution. A draw from the standard normal is then a code like any other, and
decodes to a new picture.

The claims at the end: gradients reach the encoder through the reparameterization trick and do
not without it; a VAE that is trained without it is far worse; and a better estimate of -log p(x),
from many draws, lies below the bound, as the theory says.
"""

# %%
import os

import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import ops
from matplotlib.animation import FuncAnimation

import genai_basics as gb

plt.style.use("genai_basics.plotting.genai_basics")
BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run
EPOCHS = max(1, round(40 * BUDGET))

data = gb.load_data("digits")
x, x_test = data.train.x, data.test.x


def row(pictures, title):
    """Draw pictures of 8x8 pixels side by side."""
    plt.figure(figsize=(7.5, 1.1))
    plt.imshow(np.hstack(list(np.reshape(pictures, (-1, 8, 8)))), cmap="gray", vmin=0, vmax=255)
    plt.axis("off")
    plt.title(title)
    plt.show()


# %%
# The answer in ten lines
# -----------------------
# Train, draw codes, decode them. The same seed gives the same digits, also in another process.


def trained(sampling, **options):
    options = {"latent_dim": 6, "warm_up": 0.0, **options}
    vae = gb.build_vae((8, 8, 1), hidden_units=(128,), seed=0, **options)
    vae.sampling = sampling
    vae.compile()
    before = vae.encoder.get_weights()[0].copy()
    vae.fit(x, epochs=EPOCHS, batch_size=64, verbose=0)
    moved = np.abs(vae.encoder.get_weights()[0] - before).mean()
    return vae, vae.evaluate(x_test, verbose=0, return_dict=True), moved


vae, well, moved = trained(gb.Sampling())
row(vae.sample(12, seed=1), "Digits that nobody wrote")

# %%
# The loss
# --------
# It has two parts, in nats. The reconstruction term asks how well the code explains the picture;
# the KL term asks how far the encoder's distribution is from the standard normal::
#
#     loss = -log p(x | z)  +  KL(N(m, s) || N(0, 1)),    z drawn from N(m, s)
#     KL   = sum of (m^2 + s^2 - 1 - log s^2) / 2
#
# Their sum is an upper bound of -log p(x) of the picture. Encoder and decoder are plain Keras
# models, so we can compute it by hand.

mean, log_variance = vae.encoder(ops.cast(x_test, "float32") / 255)
kl = 0.5 * ops.sum(mean**2 + ops.exp(log_variance) - 1 - log_variance, axis=1)  # over latents
print(f"KL by hand {float(ops.mean(kl)):.3f} nats, by evaluate {well['kl']:.3f}")

# %%
# The trick
# ---------
# The decoder needs a draw z from N(m, s). A random draw has no gradient with respect to m and s.
# But z = m + s * e, with e drawn from N(0, 1), has the same distribution and is a function of m and
# s: the randomness becomes an input, and the gradients are dz/dm = 1 and dz/ds = e.
#
# What happens if we take the trick away? This layer draws the same z, without a gradient.


class WithoutTheTrick(gb.Sampling):
    def call(self, inputs, noise=None):
        return ops.stop_gradient(super().call(inputs, noise))


blind, broken, _ = trained(WithoutTheTrick())
for name, logs in (("with the trick", well), ("without", broken)):
    print(f"{name}: {logs['reconstruction']:.1f} + {logs['kl']:.1f} = {logs['loss']:.1f} nats")

# %%
# The encoder's only gradient is now that of the KL. So every distribution becomes the standard
# normal, the KL falls to zero, and the code contains nothing about the picture. The decoder can
# only predict the average digit.

row(x_test[:12], "Test digits")
row(vae.reconstruct(x_test[:12]), "Reconstructed, with the trick")
row(blind.reconstruct(x_test[:12]), "Reconstructed, without it: collapse")

# %%
# The latent plane
# ----------------
# With two latents, we can look at all codes at once. Each point is a test digit, and the colours
# are the labels, which the VAE has never seen.

flat, _, _ = trained(gb.Sampling(), latent_dim=2)
codes = flat.encode(x_test)
figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.6))
points = axes[0].scatter(*codes.T, c=data.test.y, cmap="tab10", s=10)
for digit in range(10):
    axes[0].text(*codes[data.test.y == digit].mean(axis=0), digit, weight="bold", size=12)
axes[0].set(title="where the test digits lie", xlabel="$z_1$", ylabel="$z_2$")
ticks = np.linspace(-2, 2, 13)
grid = flat.decode(np.array([(a, b) for b in ticks[::-1] for a in ticks], "float32"))
sheet = np.block([[grid[13 * i + j, :, :, 0] for j in range(13)] for i in range(13)])
axes[1].imshow(sheet, cmap="gray", extent=(-2.2, 2.2, -2.2, 2.2))
axes[1].set(title="what the decoder makes of each place", xlabel="$z_1$")
axes[1].grid(False)
plt.show()

# %%
# A walk
# ------
# A path through the codes is a film. This one goes from one test digit to the next and back.

frames = np.concatenate(
    [vae.interpolate(x_test[a], x_test[b], 9) for a, b in zip([0, 1, 2, 3], [1, 2, 3, 0])]
)
figure, axis = plt.subplots(figsize=(2.4, 2.6))
picture = axis.imshow(frames[0, :, :, 0], cmap="gray", vmin=0, vmax=255, interpolation="bicubic")
axis.set_axis_off()
axis.set_title("A walk through codes", loc="center")
walk = FuncAnimation(
    figure, lambda i: picture.set_data(frames[i, :, :, 0]), len(frames), interval=100
)
plt.show()

# %%
# How good is it?
# ---------------
# The bound is loose if the encoder's distribution is not the true posterior. Many draws, each
# weighted by how well it explains the picture, make it tighter (Burda et al., 2015).

bound = well["loss"]
draws = (1, 3, 10, 30, 100)
estimates = [-vae.log_likelihood(x_test, k=k).mean() for k in draws]
tighter = estimates[-1]
print(f"bound {bound:.2f} nats, estimate with 100 draws {tighter:.2f} nats")
plt.figure(figsize=(4.5, 2.4))
plt.axhline(bound, color="#777777", linestyle=":", label="bound")
plt.semilogx(draws, estimates, marker="o", label="estimate")
plt.title("Nats per digit")
plt.xlabel("draws")
plt.legend()
plt.show()

# %%
# The weight of the KL
# --------------------
# `beta` is the weight of the KL. A small weight gives sharp reconstructions, but codes that lie
# anywhere, so samples are poor; with a large weight, the code is no longer used. `free_bits`,
# `warm_up` and `capacity` are other ways to keep it in use, and `gb.Doctor()` reports when it is
# not.

keras.utils.set_random_seed(0)
for beta in (0.1, 1.0, 10.0):
    other = gb.build_vae((8, 8, 1), latent_dim=6, hidden_units=(128,), beta=beta, seed=0)
    other.compile()
    other.fit(x, epochs=max(1, EPOCHS // 2), batch_size=64, verbose=0)
    report, _ = other.report(x_test)
    shown = {name: round(float(report[name]), 1) for name in ("reconstruction", "kl")}
    print(f"beta {beta:4}: {shown}, {report['active_units']} of 6 latents active")
    row(
        [*other.reconstruct(x_test[:6]), *other.sample(6, seed=1)],
        f"beta = {beta}: six reconstructions, six samples",
    )

# %%
# The claims
# ----------

assert moved > 0
assert tighter < bound + 0.1
if BUDGET >= 1:
    assert broken["loss"] > well["loss"] + 1
    assert broken["kl"] < 0.5 < well["kl"]
