"""The convolutional VAE is faster than Keras' example, and its bound is no worse.

MNIST, 16 latent dimensions for both, batches of 128, in five rounds of 200 steps each, after a
first round for compilation; then the test negative ELBO in nats (cross-entropy on grey values, one
sample of z).
"""

import time

import keras
import numpy as np

import genai_basics as gb

from .vae_bound import Peer

HEADERS = ("convolutional VAE on MNIST", "pictures per second", "test negative ELBO, nats")
TURNS, STEPS, BATCH = 5, 200, 128


def measure(folder):
    data = gb.load_data(folder / "mnist" / "mnist.npz")
    x, x_test = data.train.x, data.test.x.astype("float32") / 255
    ours = gb.build_vae((28, 28, 1), 16, network="conv", warm_up=0.0, seed=0)
    keras.utils.set_random_seed(0)
    peer = Peer()
    ours.compile(optimizer=keras.optimizers.Adam(1e-3))
    peer.compile(keras.optimizers.Adam(1e-3))
    scaled = x.astype("float32") / 255
    speeds = {ours: [], peer: []}
    for turn in range(TURNS + 1):
        for model, pictures in ((ours, x), (peer, scaled)):
            part = np.random.default_rng(turn).permutation(len(x))[: STEPS * BATCH]
            began = time.perf_counter()
            model.fit(pictures[part], batch_size=BATCH, epochs=1, verbose=0)
            if turn:
                speeds[model].append(STEPS * BATCH / (time.perf_counter() - began))
    logs = ours.evaluate(data.test.x, verbose=0, return_dict=True)
    bounds = {ours: logs["reconstruction"] + logs["kl"]}
    bounds[peer] = np.mean([float(peer(x_test[i : i + 1000])) for i in range(0, 10000, 1000)])
    rows = [
        (name, f"{np.median(speeds[model]):,.0f}", f"{bounds[model]:.2f}")
        for name, model in (("genai_basics", ours), ("Keras' example", peer))
    ]
    ratios = np.divide(speeds[ours], speeds[peer])
    spread = f"{np.median(ratios):.2f} [{ratios.min():.2f}, {ratios.max():.2f}]"
    return [*rows, ("ratio", spread, "")]
