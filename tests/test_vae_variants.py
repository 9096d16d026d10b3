"""The VAE's variants: order of the bounds, schedules, priors, levels."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from scipy import stats

from genai_basics import VAE, VampPrior, build_vae, load_data
from genai_basics.layers import Gaussian
from genai_basics.losses import averaged
from genai_basics.vae import ELBO, Binarization, ImportanceWeighted, Schedule
from genai_basics.vae.bounds import Draw

SMALL = {"input_shape": (8, 8, 1), "latent_dim": 4, "hidden_units": (16,)}
CONV = {"network": "conv", "filters": (4, 8), "hidden_units": (512, 512)}


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


def linear_gaussian(d=5, k=2, sigma=0.5, exact=True):
    """Return a VAE with p(x | z) = N(W z + b, sigma^2) and its true marginal N(b, W W' + sigma^2).

    With `exact`, its encoder is the true posterior (Tipping & Bishop, 1999): precision
    M = I + W'W / sigma^2, which is diagonal, since the columns of W are orthogonal.
    """
    rng = np.random.default_rng(0)
    w = np.linalg.qr(rng.normal(size=(d, k)))[0] * np.array([1.5, 0.8])
    b = rng.normal(size=d)
    precision = 1 + np.square(w).sum(axis=0) / sigma**2
    x, z = keras.Input((d,)), keras.Input((k,))
    mean, spread = layers.Dense(k), layers.Dense(k, kernel_initializer="zeros")
    encoder = keras.Model(x, [mean(x), spread(x)])
    decoder_layer = layers.Dense(d)
    decoder = keras.Model(z, decoder_layer(z))
    decoder_layer.set_weights([w.T, b])
    posterior = w / sigma**2 / precision
    shift = 0.0 if exact else 0.3
    mean.set_weights([posterior, -b @ posterior + shift])
    spread.set_weights([np.zeros((d, k)), -np.log(precision)])
    likelihood = Gaussian()
    likelihood.build()
    likelihood.log_var.assign(2 * np.log(sigma))
    vae = VAE(encoder, decoder, likelihood=likelihood, value_range=(0, 1))
    truth = stats.multivariate_normal(b, w @ w.T + sigma**2 * np.eye(d))
    return vae, truth


def bound(vae, x, repeats=400):
    """Return the ELBO of x, averaged over many samples."""
    x = ops.convert_to_tensor(np.tile(x, (repeats, 1)), "float32")
    return -float(averaged(vae.loss_terms(x))["loss"])


@pytest.fixture
def x():
    return linear_gaussian()[1].rvs(20, random_state=0).astype("float32")


@pytest.mark.filterwarnings("ignore:x lies in")
def test_with_the_true_posterior_every_estimate_is_the_true_likelihood(x):
    vae, truth = linear_gaussian()
    expected = truth.logpdf(x)
    np.testing.assert_allclose(vae.log_likelihood(x, k=1), expected, rtol=1e-4)
    np.testing.assert_allclose(vae.log_likelihood(x, k=60), expected, rtol=1e-4)
    assert bound(vae, x) == pytest.approx(expected.mean(), abs=0.05)


@pytest.mark.filterwarnings("ignore:x lies in")
def test_with_another_posterior_the_estimate_rises_with_k_to_the_true_likelihood(x):
    vae, truth = linear_gaussian(exact=False)
    expected = truth.logpdf(x).mean()
    estimates = [vae.log_likelihood(np.tile(x, (20, 1)), k=k).mean() for k in (1, 5, 50, 500)]
    assert bound(vae, x) < expected - 0.3
    assert estimates == sorted(estimates)
    assert estimates[0] == pytest.approx(bound(vae, x), abs=0.1)
    assert estimates[-1] == pytest.approx(expected, abs=0.02)


@pytest.mark.filterwarnings("ignore:x lies in")
def test_importance_weights_tighten_the_bound_by_the_gain(x):
    vae, _ = linear_gaussian(exact=False)
    networks = {"encoder": vae.encoder, "decoder": vae.decoder, "likelihood": vae.likelihood}
    weighted = VAE(**networks, bound=ImportanceWeighted(20), value_range=(0, 1))
    terms = weighted.loss_terms(ops.convert_to_tensor(x))
    mean = {name: float(value) for name, value in averaged(terms).items()}
    assert mean["gain"] > 0
    assert mean["loss"] == pytest.approx(
        mean["reconstruction"] + mean["kl"] - mean["gain"], rel=1e-5
    )
    assert mean["loss"] < -bound(vae, x)


def test_free_bits_charge_at_least_so_many_nats(digits):
    vae = build_vae(**SMALL, free_bits=0.7, warm_up=0.0, beta=2.0, seed=0)
    x = ops.cast(digits.train.x[:32], "float32") / 255
    terms = vae.loss_terms(x)
    mean = {name: float(value) for name, value in averaged(terms).items()}
    assert mean["loss"] == pytest.approx(
        mean["reconstruction"] + 2.0 * mean["charged_kl"], rel=1e-6
    )
    assert mean["charged_kl"] >= max(mean["kl"], 4 * 0.7) - 1e-5
    parts = ops.convert_to_tensor([[0.1, 2.0, 0.5, 0.9], [0.3, 4.0, 0.5, 0.9]])
    charged = ELBO(free_bits=0.7).charged(Draw(z=parts, kl=parts))
    assert float(ops.mean(charged)) == pytest.approx(0.7 + 3.0 + 0.7 + 0.9)
    np.testing.assert_allclose(charged, [0.7 + 2.0 + 0.7 + 0.9, 0.7 + 4.0 + 0.7 + 0.9], rtol=1e-6)


def test_capacity_charges_the_distance_of_the_mean_kl():
    kl = ops.convert_to_tensor([[1.0, 2.0], [4.0, 4.0]])
    for capacity, ramp in ((2.0, 1.0), (9.0, 1.0), (9.0, 0.5)):
        charged = ELBO(capacity=capacity).charged(Draw(z=kl, kl=kl), ramp)
        assert float(ops.mean(charged)) == pytest.approx(abs(5.5 - capacity * ramp))


@pytest.mark.slow
def test_capacity_draws_the_kl_to_its_aim(digits):
    vae = build_vae(**SMALL, capacity=6.0, beta=50.0, seed=0)
    vae.compile()
    vae.fit(digits.train.x, epochs=25, batch_size=64, verbose=0)
    assert vae.evaluate(digits.test.x, verbose=0, return_dict=True)["kl"] == pytest.approx(6, abs=1)


def test_beta_rises_in_each_cycle():
    vae = build_vae(**SMALL, beta=2.0, warm_up=0.5, cycles=2)
    x, betas = np.zeros((2, 8, 8, 1), "float32"), []
    vae.compile()
    for progress in (0.0, 0.125, 0.25, 0.49, 0.5, 0.625, 0.99, 1.0):
        vae.stand_at(progress, progress)
        betas.append(float(vae.loss_terms(x, training=True)["beta"][0]))
    np.testing.assert_allclose(betas, [0, 1, 2, 2, 0, 1, 2, 2], atol=1e-4)
    assert float(vae.loss_terms(x)["beta"][0]) == 2.0
    assert Schedule()(0.3) == 1.0
    assert Schedule(0.2)(0.001, risen=0.1) == Schedule(0.2)(0.0, before=0.5) == 0.5


@pytest.mark.parametrize(
    "made",
    [Schedule(0.2, 3), ELBO(0.1), ELBO(capacity=2.0), ImportanceWeighted(7), Binarization(0.4)],
)
def test_what_is_handed_in_is_saved_with_the_model(made):
    config = keras.saving.serialize_keras_object(made)
    assert keras.saving.deserialize_keras_object(config) == made


def test_dynamic_binarization_draws_anew_in_training_and_the_same_in_evaluation():
    vae = build_vae(**SMALL, binarize="dynamic", seed=0)
    x = np.full((4, 8, 8, 1), 0.5, "float32")
    draws = [ops.convert_to_numpy(vae.binarized(x, training=True)) for _ in range(2)]
    assert set(np.unique(draws)) == {0.0, 1.0}
    assert (draws[0] != draws[1]).any()
    pictures = np.full((64, 8, 8, 1), 128, "uint8")
    vae.compile()
    assert vae.evaluate(pictures, verbose=0) == vae.evaluate(pictures, verbose=0)
    threshold = build_vae(**SMALL, binarize=0.4)
    assert ops.convert_to_numpy(threshold.binarized(x)).min() == 1.0


VARIANTS = {
    "flow": {"prior": "flow"},
    "mixture": {"prior": "mixture"},
    "vamp": {"prior": VampPrior(20)},
    "levels": {"levels": 2},
    "levels conv": {"levels": 2, **CONV},
    "levels vamp": {"levels": 2, "prior": VampPrior(10), "importance_samples": 3},
    "logistic mixture": {"likelihood": "logistic_mixture"},
    "logistic mixture conv": {"likelihood": "logistic_mixture", **CONV},
    "conditional levels": {"levels": 2, "num_classes": 10},
    "free bits flow": {"free_bits": 0.01, "prior": "flow"},
    "cycles": {"cycles": 2, "warm_up": 0.5, "binarize": "dynamic"},
}


SLOW = ("mixture", "levels conv", "logistic mixture conv", "conditional levels", "cycles")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in VARIANTS],
)
def test_every_variant_learns_and_comes_back_from_its_file(name, digits, tmp_path):
    arguments = VARIANTS[name]
    vae = build_vae(**{**SMALL, **arguments}, seed=0)
    vae.compile()
    labels = digits.train.y[:300] if "num_classes" in arguments else None
    x, before = digits.train.x[:300], [ops.convert_to_numpy(v) for v in vae.trainable_variables]
    vae.fit(x, labels, epochs=1, batch_size=64, verbose=0)
    moved = [
        (ops.convert_to_numpy(v) != w).any()
        for v, w in zip(vae.trainable_variables, before, strict=True)
    ]
    assert all(moved)
    vae.save(tmp_path / "vae.keras")
    loaded = keras.models.load_model(tmp_path / "vae.keras")
    np.testing.assert_array_equal(loaded.sample(4, seed=1), vae.sample(4, seed=1))
    some = None if labels is None else labels[:20]
    estimate = vae.log_likelihood(x[:20], some, k=30)
    np.testing.assert_array_equal(loaded.log_likelihood(x[:20], some, k=30), estimate)
    logs = vae.evaluate(x[:20], some, verbose=0, return_dict=True)
    if "importance_samples" not in arguments:
        assert estimate.mean() > -(logs["reconstruction"] + logs["kl"]) - 1.0


def test_two_levels_have_the_kl_of_two_gaussians(digits):
    vae = build_vae(**SMALL, levels=2, seed=0)
    x = ops.cast(digits.train.x[:64], "float32") / 255
    _, kl, ratio = vae.infer(ops.repeat(x, 200, axis=0))
    assert kl.shape[-1] == 6
    whole = ops.convert_to_numpy(ops.sum(kl, axis=-1)).mean()
    assert ops.convert_to_numpy(ratio).mean() == pytest.approx(whole, abs=0.05)


def test_bits_a_dimension_are_reported_for_discrete_likelihoods(digits):
    vae = build_vae(**SMALL, likelihood="logistic", seed=0)
    vae.compile()
    vae.fit(digits.train.x, epochs=1, verbose=0)
    metrics, intervals = vae.report(digits.test.x)
    expected = metrics["negative_elbo"] / 64 / np.log(2)
    assert metrics["bits_per_dimension"] == pytest.approx(expected)
    assert metrics["iwae_500"] < metrics["negative_elbo"]
    assert intervals["iwae_500"][0] < metrics["iwae_500"] < intervals["iwae_500"][1]


def test_pictures_show_the_plane_of_two_latents_and_traverses_of_more(digits):
    for latent_dim in (2, 4):
        vae = build_vae(**{**SMALL, "latent_dim": latent_dim}, seed=0)
        pictures = vae.pictures(digits.test.x)
        assert set(pictures) == {"reconstructions", "latents"}
        assert all(picture.dtype == np.uint8 for picture in pictures.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"free_bits": -1}, "free_bits=-1"),
        ({"capacity": -1}, "capacity=-1"),
        ({"cycles": 0}, "cycles=0"),
        ({"importance_samples": 0}, "importance_samples=0"),
        ({"warm_up": 2.0}, "warm_up=2.0"),
        ({"levels": 3}, "levels=3"),
        ({"binarize": 2.0}, "binarize=2.0"),
        ({"prior": "cauchy"}, "prior='cauchy'"),
        ({"free_bits": 0.1, "capacity": 3.0}, "not both"),
        ({"prior": "vamp", "num_classes": 10}, "conditional"),
        ({"importance_samples": 5, "free_bits": 1.0}, "cannot be combined"),
    ],
)
def test_a_wrong_argument_is_named_with_what_came(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_vae(**{**SMALL, **arguments})
