"""A VAE comes close to the likelihoods of the IWAE paper in ten minutes.

MNIST in black and white: at each use, each pixel is drawn again with its grey value as the
probability of white. log p(x) of 1,000 test pictures, estimated by 500 importance samples each;
Burda et al. (2015) report 86.8 nats for their VAE with one level after thousands of epochs. Ours is
`build_vae(binarize="dynamic", prior="flow")`.
"""

import numpy as np

import genai_basics as gb

HEADERS = ("prior", "negative ELBO", "negative log likelihood", "standard error")
MINUTES = 10.0


def measure(folder):
    data = gb.load_data(folder / "mnist" / "mnist.npz")
    x = data.test.x[np.random.default_rng(0).permutation(len(data.test))[:1000]]
    vae = gb.build_vae((28, 28, 1), 32, prior="flow", binarize="dynamic", seed=0)
    vae.compile()
    progress = gb.model.Progress(seconds=60 * MINUTES)
    vae.fit(data.train.x, epochs=10**6, callbacks=[progress], verbose=0)
    logs = vae.evaluate(x, verbose=0, return_dict=True)
    nats = -vae.log_likelihood(x, k=500)
    bound = logs["reconstruction"] + logs["kl"]
    error = nats.std() / np.sqrt(len(nats))
    return [("flow", f"{bound:.2f}", f"{nats.mean():.2f}", f"{error:.2f}")]
