"""
The variational autoencoder and the reparameterization trick
============================================================

The codes of an autoencoder can lie anywhere, so a random code decodes to nothing useful. The
encoder of a variational autoencoder (VAE) returns a distribution instead of a code, with a mean and
a width for each latent, and the loss pulls these distributions towards the standard normal
distribution. A draw from the standard normal is then a code like any other, and decodes to a new
picture.

The loss has two parts, in nats. The reconstruction term is -log p(x | z), for a draw z from the
picture's distribution. The KL term is the divergence of that distribution from the standard normal.
Their sum is an upper bound of -log p(x) of the picture.

The claims at the end: gradients reach the encoder through the reparameterization trick and do
not without it; a VAE that is trained without it is far worse; and a better estimate of -log p(x),
from many draws, lies below the bound, as the theory says.
"""

# %%
import os

import keras
import numpy as np
from keras import ops

import genai_basics as gb

BUDGET = float(os.environ.get("GENAI_BASICS_BUDGET", "1"))  # less: a faster, worse run
EPOCHS = max(1, round(40 * BUDGET))

data = gb.load_data("digits")
x, x_test = data.train.x, data.test.x

# %%
# The trick
# ---------
# The decoder needs a draw z from N(m, s). A random draw has no gradient with respect to m and s.
# But z = m + s * e, with e drawn from N(0, 1), has the same distribution and is a function of m and
# s: the randomness becomes an input, and the gradients are dz/dm = 1 and dz/ds = e.


class WithTheTrick(gb.Sampling):
    pass


class WithoutTheTrick(gb.Sampling):
    """Draws the same z, without a gradient."""

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
# Without the trick, the encoder's only gradient is that of the KL. So every distribution becomes
# the standard normal, the KL falls to zero, and the code contains nothing about the picture. The
# decoder can only predict the average digit.
#
# Nothing is hidden in what we built: encoder and decoder are plain Keras models.

mean, log_variance = vae.encoder(ops.cast(x_test[:1], "float32") / 255)
print(f"the first test digit's distribution: mean {np.round(ops.convert_to_numpy(mean[0]), 1)}")

# %%
# New digits
# ----------
# Draw a code and decode it. The same seed gives the same digits, also in another process.

digits = vae.sample(3, seed=1)
for row in range(8):
    print("   ".join("".join(" .:*#"[v // 52] * 2 for v in d[row, :, 0]) for d in digits))

# %%
# How good is it?
# ---------------
# The bound is loose if the encoder's distribution is not the true posterior. Many draws, each
# weighted by how well it explains the picture, make it tighter (Burda et al., 2015).

bound = well["loss"]
tighter = -vae.log_likelihood(x_test, k=100).mean()
print(f"bound {bound:.2f} nats, estimate with 100 draws {tighter:.2f} nats")

# %%
# The weight of the KL
# --------------------
# `beta` is the weight of the KL. A small weight gives sharp reconstructions, but codes that lie
# anywhere; with a large weight, the code is no longer used. `free_bits`, `warm_up` and `capacity`
# are other ways to keep it in use, and `gb.Doctor()` reports when it is not.

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
