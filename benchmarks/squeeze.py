"""With 32 numbers per picture, an autoencoder's error is a fraction of that of PCA.

MNIST, mean squared error on the test pictures (black 0, white 1), three minutes of training.
"""

import numpy as np

import genai_basics as gb

HEADERS = ("", "test error", "relative to PCA")
MINUTES, LATENT_DIM = 3.0, 32


def measure(folder):
    from sklearn.decomposition import PCA

    data = gb.load_data(folder / "mnist" / "mnist.npz")
    train, test = (
        part.x.reshape(len(part), -1) / np.float32(255) for part in (data.train, data.test)
    )
    pca = PCA(LATENT_DIM, random_state=0).fit(train)
    straight = np.square(pca.inverse_transform(pca.transform(test)) - test).mean()
    model = gb.build_autoencoder((28, 28, 1), LATENT_DIM, seed=0)
    model.compile()
    progress = gb.model.Progress(seconds=60 * MINUTES)
    model.fit(data.train.x, epochs=10**6, callbacks=[progress], verbose=0)
    ours = np.square(
        model.reconstruct(data.test.x).reshape(test.shape) / np.float32(255) - test
    ).mean()
    return [
        ("principal components", f"{straight:.5f}", "1.00"),
        ("autoencoder", f"{ours:.5f}", f"{ours / straight:.2f}"),
    ]
