"""A density of codes, fitted after training, with which a plain autoencoder can sample."""

import keras
import numpy as np
from keras import ops

__all__ = ["CodeDensity"]

FULL_UP_TO = 128  # size of a code; above this, covariances are diagonal


@keras.saving.register_keras_serializable(package="genai_basics")
class CodeDensity(keras.layers.Layer):
    """A mixture of Gaussians over codes, fitted by scikit-learn; N(0, I) before that.

    Args:
        components: Maximum number of Gaussians.
        examples: Maximum number of codes that it is fitted to.
    """

    def __init__(self, components=10, examples=10_000, **kwargs):
        super().__init__(**kwargs)
        self.components, self.examples = components, examples

    def build(self, dim):
        full = dim <= FULL_UP_TO
        shapes = {"logits": (), "means": (dim,), "factors": (dim, dim) if full else (dim,)}
        for name, shape in shapes.items():
            initial = np.zeros((self.components, *shape), "float32")
            if name == "factors":
                initial += np.eye(dim, dtype="float32") if full else 1.0
            variable = self.add_weight(name=name, shape=initial.shape, trainable=False)
            variable.assign(initial)
            setattr(self, name, variable)
        self.built = True

    def fit(self, codes, seed=0):
        """Fit to codes (n, dim)."""
        from sklearn.mixture import GaussianMixture

        codes = np.asarray(codes, "float64")
        codes = np.repeat(codes, 2, axis=0) if len(codes) == 1 else codes  # scikit-learn needs two
        if len(codes) > self.examples:
            chosen = np.random.default_rng(seed).choice(len(codes), self.examples, replace=False)
            codes = codes[chosen]
        full = len(self.factors.shape) == 3
        # The covariance of a component needs several times `dim` examples.
        least = 5 * codes.shape[1] if full else 20
        count = int(np.clip(len(codes) // least, 1, self.components))
        kind = "full" if full else "diag"
        scale = max(float(codes.var(axis=0).mean()), 1e-12)
        mixture = GaussianMixture(
            count,
            covariance_type=kind,
            reg_covar=1e-4 * scale,
            tol=0.01,
            max_iter=200,
            random_state=seed,
        ).fit(codes)
        roots = np.linalg.cholesky(mixture.covariances_) if full else mixture.covariances_**0.5
        self._set(self.logits, np.log(np.maximum(mixture.weights_, 1e-12)), -1e9)
        self._set(self.means, mixture.means_, 0.0)
        self._set(self.factors, roots, 0.0)

    def _set(self, variable, values, rest):
        filled = np.full(variable.shape, rest, "float32")
        filled[: len(values)] = values
        variable.assign(filled)

    def sample(self, n, seed):
        """Draw codes (n, dim) with the `SeedGenerator` seed."""
        component = keras.random.categorical(self.logits[None], n, seed=seed)[0]
        mean = ops.take(self.means, component, axis=0)
        factor = ops.take(self.factors, component, axis=0)
        epsilon = keras.random.normal(ops.shape(mean), seed=seed)
        if len(factor.shape) == 2:
            return mean + factor * epsilon
        return mean + ops.einsum("nij,nj->ni", factor, epsilon)

    def get_config(self):
        own = {"components": self.components, "examples": self.examples}
        return {**super().get_config(), **own}
