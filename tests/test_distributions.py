"""Likelihoods and priors against closed forms."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import stats

from genai_basics import FlowPrior, LogisticMixture, MixturePrior, VampPrior
from genai_basics.layers import StandardNormal, get_prior, normal_log_prob

PRIORS = {
    "normal": StandardNormal,
    "mixture": lambda: MixturePrior(3),
    "vamp": lambda: VampPrior(4),
    "flow": lambda: FlowPrior(4, units=16),
}


def encode(x):
    """An encoder with two latents for examples of two numbers."""
    return 2.0 * x - 1.0, x * 0.0 - 1.0


def built(name):
    """Return a prior whose weights differ from their initial values."""
    prior = PRIORS[name]()
    prior.build(2, (2,))
    rng = np.random.default_rng(0)
    for variable in prior.trainable_variables:
        variable.assign(ops.convert_to_numpy(variable) + rng.normal(0, 0.3, variable.shape))
    return prior


@pytest.mark.parametrize("name", PRIORS)
def test_a_prior_is_a_density(name):
    prior = built(name)
    grid = np.linspace(-8, 8, 161)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2).astype("float32")
    mass = np.exp(ops.convert_to_numpy(prior.log_prob(points, encode))).sum() * 0.1**2
    assert mass == pytest.approx(1.0, abs=5e-3)


@pytest.mark.parametrize("name", PRIORS)
def test_a_priors_draws_have_the_moments_of_its_density(name):
    prior = built(name)
    seed = keras.random.SeedGenerator(0)
    draws = ops.convert_to_numpy(prior.sample(20_000, seed, encode))
    grid = np.linspace(-8, 8, 161)
    points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2).astype("float32")
    weights = np.exp(ops.convert_to_numpy(prior.log_prob(points, encode))) * 0.1**2
    mean = weights @ points
    np.testing.assert_allclose(draws.mean(axis=0), mean, atol=0.05)
    np.testing.assert_allclose(draws.var(axis=0), weights @ (points - mean) ** 2, rtol=0.06)


def test_the_known_kl_is_what_draws_estimate():
    prior = built("normal")
    mean, log_var = np.full((40_000, 1), 0.7, "float32"), np.full((40_000, 1), -1.0, "float32")
    z = mean + np.exp(log_var / 2) * np.random.default_rng(0).normal(size=mean.shape)
    z = z.astype("float32")
    known = ops.convert_to_numpy(prior.kl(mean, log_var, z)).sum(axis=-1).mean()
    drawn = (normal_log_prob(z, mean, log_var) - prior.log_prob(z)).numpy().mean()
    assert drawn == pytest.approx(known, abs=0.02)


def test_a_flow_undoes_itself():
    prior = built("flow")
    z = prior.sample(64, keras.random.SeedGenerator(1))
    back = z
    for i in range(prior.couplings):  # in the order of `log_prob`
        seen, changed = prior._parted(back, i)
        log_scale, shift = prior._coupled(i, seen)
        back = prior._joined(seen, changed * ops.exp(log_scale) + shift, i)
    first = keras.random.normal((64, 2), seed=keras.random.SeedGenerator(1))
    np.testing.assert_allclose(back, first, atol=1e-4)


def test_a_vamp_prior_starts_from_training_data():
    prior = VampPrior(4)
    prior.build(2, (2,))
    x = np.random.default_rng(0).uniform(size=(50, 2)).astype("float32")
    prior.start(ops.convert_to_tensor(x))
    rows = ops.convert_to_numpy(prior.inputs)
    assert all((x == row).all(axis=1).any() for row in rows)


def test_the_mixture_of_logistics_is_a_distribution_over_256_levels():
    likelihood = LogisticMixture(3)
    likelihood.build()
    parameters = np.random.default_rng(0).normal(0, 2, (1, 1, 9)).astype("float32")
    levels = np.arange(256, dtype="float32").reshape(256, 1, 1) / 255
    repeated = np.repeat(parameters, 256, axis=0)
    nats = likelihood.per_element(levels, ops.convert_to_tensor(repeated))
    assert float(ops.sum(ops.exp(-nats))) == pytest.approx(1.0, abs=1e-4)
    mean = likelihood.mean(ops.convert_to_tensor(parameters))
    assert mean.shape == (1, 1, 1)


def test_a_prior_goes_by_its_name_and_a_wrong_name_is_answered():
    assert isinstance(get_prior("vamp"), VampPrior)
    with pytest.raises(ValueError, match="prior='cauchy'"):
        get_prior("cauchy")
    with pytest.raises(ValueError, match="latent_dim"):
        FlowPrior().build(1)


def test_normal_log_prob_matches_scipy():
    z = np.array([[0.3, -2.0]], "float32")
    expected = stats.norm(0.5, np.exp(0.5)).logpdf(z).sum()
    got = normal_log_prob(z, np.full((1, 2), 0.5, "float32"), np.ones((1, 2), "float32"))
    assert float(got[0]) == pytest.approx(expected, rel=1e-5)
