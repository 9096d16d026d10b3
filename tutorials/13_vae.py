"""
The variational autoencoder, and the trick without which it breaks
===================================================================

An autoencoder's codes lie wherever they like, so a code made up out of thin air decodes to
nothing in particular. A variational autoencoder (VAE) makes room for made-up codes: its encoder
answers with a cloud, a mean and a width for each latent, and the clouds of all pictures together
are drawn towards one standard normal distribution. Then a draw from that distribution is a code
like any other, and decodes to a new picture.

The loss has a name for each wish, in nats. Reconstruction: how surprising the picture is, given
a draw from its cloud. KL: how far the cloud is from the standard normal. Their sum bounds the
surprise of the picture itself, -log p(x), from above.

The claims at the end: gradients reach the encoder through the reparameterization trick and do
not without it; a VAE trained without it is far worse; and the sharper estimate of -log p(x),
from many draws, lies below the bound, as the mathematics says.
"""

# %%
import os

import keras
import numpy as np
from keras import ops

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less is a quicker, worse run
EPOCHS = max(1, round(40 * BUDGET))

data = gb.load_data("digits")
x, x_test = data.train.x, data.test.x

# %%
# The trick
# ---------
# The decoder needs a draw z from the cloud N(m, s). Drawing is no function: it has no slope with
# respect to m and s. But z = m + s * e with e drawn from N(0, 1) is one. The randomness comes in
# from the side, and slopes pass through: dz/dm = 1, dz/ds = e.


class WithTheTrick(gb.Sampling):
    pass


class WithoutTheTrick(gb.Sampling):
    """Draws the same z, but as if it had fallen from the sky."""

    def call(self, inputs, noise=None):
        return ops.stop_gradient(super().call(inputs, noise))


def trained(sampling):
    vae = gb.build_vae((8, 8, 1), latent_dim=6, hidden_units=(128,), warm_up=0.0, seed=0)
    vae.sampling = sampling
    vae.compile()
    before = vae.encoder.get_weights()[0].copy()
    vae.fit(x, epochs=EPOCHS, batch_size=64, verbose=0)
    moved = np.abs(vae.encoder.get_weights()[0] - before).mean()
    return vae, vae.evaluate(x_test, verbose=0, return_dict=True), moved


vae, well, moved = trained(WithTheTrick())
_, broken, _ = trained(WithoutTheTrick())
for name, logs in (("with the trick", well), ("without", broken)):
    print(f"{name}: {logs['reconstruction']:.1f} + {logs['kl']:.1f} = {logs['loss']:.1f} nats")

# %%
# Without the trick the encoder hears of the KL alone. It does as told: every cloud becomes the
# standard normal, the KL goes to nothing, and the code says nothing about the picture. The
# decoder is left to guess the average digit.
#
# What we build has nothing hidden: encoder and decoder are plain Keras models.

mean, log_variance = vae.encoder(ops.cast(x_test[:1], "float32") / 255)
print(f"the first test digit's cloud: mean {np.round(ops.convert_to_numpy(mean[0]), 1)}")

# %%
# New digits
# ----------
# Draw a code, decode. The same seed draws the same digits, in another process too.

digits = vae.sample(3, seed=1)
for row in range(8):
    print("   ".join("".join(" .:*#"[v // 52] * 2 for v in d[row, :, 0]) for d in digits))

# %%
# How good is it?
# ---------------
# The bound is loose where the cloud is not the true posterior. Many draws, each weighted by how
# well it explains the picture, make it tighter (Burda et al., 2015).

bound = well["loss"]
tighter = -vae.log_likelihood(x_test, k=100).mean()
print(f"bound {bound:.2f} nats, estimate with 100 draws {tighter:.2f} nats")

# %%
# More or less of the KL
# ----------------------
# `beta` weighs the KL. A small one makes sharp reconstructions and codes that lie anywhere; a
# large one makes the code fall silent. `free_bits`, `warm_up` and `capacity` are gentler ways
# to keep it talking, and `gb.Doctor()` says when it has stopped.

keras.utils.set_random_seed(0)
for beta in (0.1, 1.0, 10.0):
    other = gb.build_vae((8, 8, 1), latent_dim=6, hidden_units=(128,), beta=beta, seed=0)
    other.compile()
    other.fit(x, epochs=max(1, EPOCHS // 2), batch_size=64, verbose=0)
    report, _ = other.report(x_test)
    shown = {name: round(float(report[name]), 1) for name in ("reconstruction", "kl")}
    print(f"beta {beta:4}: {shown}, {report['active_units']} of 6 latents active")

# %%
# The claims
# ----------

assert moved > 0
assert tighter < bound + 0.1
if BUDGET >= 1:
    assert broken["loss"] > well["loss"] + 1
    assert broken["kl"] < 0.5 < well["kl"]
