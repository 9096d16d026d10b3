"""Diffusion: velocity, sampler and guidance, against closed forms for normal distributions."""

import math

import keras
import numpy as np
import pytest
import scipy.fft
from keras import ops

import genai_basics as gb
from genai_basics.diffusion.networks import build_unet
from genai_basics.diffusion.spectrum import Spectrum


def vectors(**options):
    """An untrained model of 3 numbers: its velocity is that of a normal distribution."""
    arguments = {"hidden_units": (16,), "value_range": None, "seed": 0}
    return gb.build_diffusion((3,), **arguments | options)


def of_normal(mean, deviation, **options):
    model = vectors(**options)
    model.spectrum.mean.assign(np.full(3, mean, "float32"))
    model.spectrum.deviation.assign(np.full(3, deviation, "float32"))
    return model


def stirred(model, scale=0.3):
    """Give a model nonzero network outputs, as training would."""
    rng = np.random.default_rng(0)
    for weight in model.ema_network.weights:
        weight.assign(rng.normal(0, scale, weight.shape))
    return model


def test_the_first_velocity_is_the_best_one_for_normal_data():
    """E[x - e | x_t] is the regression of x - e on x_t, both normal: covariance over variance."""
    mean, s = 2.0, 0.5
    model, x = of_normal(mean, s), np.array([[-1.0, 0.0, 3.0]], "float32")
    for t in (0.0, 0.3, 0.8, 1.0):
        covariance, variance = t * s**2 - (1 - t), t**2 * s**2 + (1 - t) ** 2
        expected = mean + covariance / variance * (x - t * mean)
        velocity = model.velocity(x, np.array([[t]], "float32"))
        np.testing.assert_allclose(velocity, expected, rtol=1e-5)


def test_a_spectrum_is_that_of_cosines_and_principal_colours():
    """Its basis is orthogonal; coefficients are SciPy's DCT, and uncorrelated across colours."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 8, 6, 1)).cumsum(1).cumsum(2) * [1.0, 0.8, 0.5]
    x = (x + 0.1 * rng.normal(size=x.shape) + 3.0).astype("float32")
    spectrum = Spectrum()
    spectrum.build((None, 8, 6, 3))
    spectrum.adapt(x)
    colours, found = ops.convert_to_numpy(spectrum.colours), spectrum.forward(x - x.mean(axis=0))
    expected = scipy.fft.dctn((x - x.mean(axis=0)) @ colours, axes=(1, 2), norm="ortho")
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(spectrum.back(found), x - x.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(spectrum.deviation, expected.std(axis=0), rtol=1e-3)
    pixels = (x - x.mean(axis=0)).reshape(-1, 3) @ colours
    assert np.abs(np.corrcoef(pixels.T) - np.eye(3)).max() < 1e-3


def test_untrained_samples_have_the_mean_and_spectrum_of_the_data():
    x = np.random.default_rng(0).normal(size=(500, 8, 8, 1)).cumsum(1).cumsum(2)
    model = gb.build_diffusion((8, 8, 1), value_range=(-20, 20), hidden_units=(8,), seed=0)
    model.adapt(x)
    found = model.decode(np.random.default_rng(1).normal(size=(500, 8, 8, 1)), steps=120)
    np.testing.assert_allclose(found.mean(axis=0), x.mean(axis=0), atol=1.0)
    of = [np.log(np.var(scipy.fft.dctn(part, axes=(1, 2)), axis=0)) for part in (x, found)]
    assert np.abs(of[0] - of[1]).max() < 0.5, "high frequencies are as weak as in the data"


@pytest.mark.parametrize("s", [0.5, 1.0])
def test_the_first_loss_is_the_least_for_normal_data(s):
    """E var(x - e | x_t) = E s^2 / (t^2 s^2 + (1 - t)^2), here by quadrature over log odds."""
    model = of_normal(1.0, s)
    x = 1 + s * np.random.default_rng(0).normal(size=(50_000, 3)).astype("float32")
    losses = model.loss_terms(x)["loss"]
    assert losses.shape == (50_000,)
    odds = np.linspace(-8, 8, 2001)
    density, t = np.exp(-0.5 * odds**2) / math.sqrt(2 * math.pi), 1 / (1 + np.exp(-odds))
    least = np.trapezoid(density * s**2 / (t**2 * s**2 + (1 - t) ** 2), odds)
    assert float(ops.mean(losses)) == pytest.approx(least, rel=0.01)


def test_the_sampler_moves_noise_to_normal_data():
    """For N(m, s^2), noise e ends at m + s e; Heun's error falls with the square of the steps."""
    model, e = of_normal(2.0, 0.5), np.random.default_rng(0).normal(size=(50, 3))
    errors = [np.abs(model.decode(e, steps=n) - (2.0 + 0.5 * e)).max() for n in (15, 30, 60)]
    assert errors[0] < 3e-3
    assert 3.5 < errors[0] / errors[1] < 4.5
    assert 3.5 < errors[1] / errors[2] < 4.5


def test_encoding_is_the_way_back():
    model = stirred(of_normal(1.0, 0.7), 0.1)
    x = model.sample(20, seed=0, steps=50)
    noise = model.encode(x, steps=50)
    assert np.abs(noise - (x - 1.0) / 0.7).max() > 0.01, "the network does something"
    np.testing.assert_allclose(model.decode(noise, steps=50), x, atol=1e-3)


def test_guidance_moves_from_no_label_through_the_label_and_on():
    model = stirred(vectors(num_classes=2))
    rng = np.random.default_rng(1)
    x, t = rng.normal(size=(4, 3)).astype("float32"), np.full((4, 1), 0.4, "float32")
    label = model.one_hot(np.array([0, 1, 0, 1]))
    with_label, without = model.velocity(x, t, label), model.velocity(x, t, 0 * label)
    assert np.abs(with_label - without).max() > 1e-3
    for w in (0.0, 1.0, 2.5):
        model.sampling_guidance.assign(w)
        guided = model.guided_velocity(x, t, label)
        expected = without + w * (with_label - without)
        np.testing.assert_allclose(guided, expected, rtol=1e-4, atol=1e-5)


def test_without_guidance_labels_do_not_matter():
    model = stirred(vectors(num_classes=2))
    zeros, ones = (model.sample(4, seed=0, labels=[k], guidance=0) for k in (0, 1))
    np.testing.assert_allclose(zeros, ones, atol=1e-5)
    zeros, ones = (model.sample(4, seed=0, labels=[k]) for k in (0, 1))
    assert np.abs(zeros - ones).max() > 1e-3


def test_steps_and_guidance_of_the_builder_are_those_of_sample():
    model = stirred(vectors(num_classes=2, steps=3, guidance=2.0))
    usual = model.sample(4, seed=0)
    np.testing.assert_array_equal(usual, model.sample(4, seed=0, steps=3, guidance=2.0))
    assert np.abs(usual - model.sample(4, seed=0, steps=9)).max() > 1e-5
    assert np.abs(usual - model.sample(4, seed=0, guidance=1.0)).max() > 1e-5
    np.testing.assert_array_equal(usual, model.sample(4, seed=0))


@pytest.mark.slow
def test_all_labels_hidden_is_a_model_without_labels():
    model = vectors(num_classes=2, label_dropout=1.0)
    model.compile(run_eagerly=True)
    kernel = next(w for w in model.network.weights if w.shape[0] == 32 + 2)
    before = ops.convert_to_numpy(kernel)
    rng = np.random.default_rng(0)
    model.fit(rng.normal(size=(64, 3)), rng.integers(2, size=64), epochs=2, verbose=0)
    moved = np.abs(ops.convert_to_numpy(kernel) - before).max(axis=1)
    assert (moved[-2:] == 0).all(), "no gradient reaches the weights of a label never shown"
    assert (moved[:-2] > 0).any()


@pytest.fixture(scope="module")
def two_points():
    """A conditional model of 2 numbers: class 0 is near (-2, 0), class 1 near (2, 0)."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=2000)
    x = np.stack([4.0 * y - 2.0, 0.0 * y], axis=1) + 0.2 * rng.normal(size=(2000, 2))
    model = gb.build_diffusion((2,), num_classes=2, hidden_units=(64, 64), seed=0)
    model.compile()
    history = model.fit(x, y, epochs=15, verbose=0)
    return model, x, y, history.history["loss"]


@pytest.mark.slow
def test_training_finds_what_is_not_normal(two_points):
    model, _, _, losses = two_points
    normal = 1.75  # the loss of the best normal distribution, see above
    assert losses[-1] < 0.7 * normal
    labels = np.arange(400) % 2
    samples = model.sample(400, seed=0, labels=labels)
    assert (np.abs(samples[:, 0]) > 1).mean() > 0.97, "samples lie at the two places"
    assert ((samples[:, 0] > 0) == labels).mean() > 0.97, "and at that of their label"
    assert samples[labels == 1].std(axis=0) == pytest.approx(0.2, abs=0.08)


@pytest.mark.slow
def test_two_places_are_found_without_labels(two_points):
    model = gb.build_diffusion((2,), hidden_units=(64, 64), seed=0)
    model.compile()
    model.fit(two_points[1], epochs=15, verbose=0)
    samples = model.sample(400, seed=0)
    assert (np.abs(samples[:, 0]) > 1).mean() > 0.95
    assert 0.35 < (samples[:, 0] > 0).mean() < 0.65


@pytest.mark.slow
def test_the_label_that_fits_is_the_one_of_least_loss(two_points):
    model, x, y, _ = two_points
    rows, _ = model.answer(x[:50])
    assert np.mean([row["label"] == label for row, label in zip(rows, y[:50], strict=True)]) > 0.95
    far = model.predict(x[:50] + 5.0, y[:50])
    assert far.mean() > 2 * model.predict(x[:50], y[:50]).mean()


@pytest.mark.slow
def test_interpolation_ends_at_both_examples(two_points):
    model, x, y, _ = two_points
    a, b = x[y == 0][0], x[y == 1][0]
    way = model.interpolate(a, b, steps=5, labels=[0, 1])
    assert way.shape == (5, 2)
    np.testing.assert_allclose(way[[0, -1]], [a, b], atol=0.15)
    assert len(model.sample(7, seed=0, interpolate=3)) == 7


@pytest.mark.parametrize("shape", [(8, 8, 1), (15, 9, 3), (28, 28, 1), (33, 40, 3), (64, 64, 3)])
def test_unet_keeps_the_shape_and_starts_at_zero(shape):
    network = build_unet(shape, (4, 6), 3, "glorot_uniform")
    x = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    outputs = network([x, np.ones((2, 1)), np.eye(3)[:2]])
    np.testing.assert_array_equal(outputs, np.zeros((2, *shape)))


def test_pictures_are_pictures():
    model = gb.build_diffusion((8, 8, 3), network="conv", filters=(4, 4), steps=2, seed=0)
    samples = model.sample(3, seed=0)
    assert (samples.shape, samples.dtype) == ((3, 8, 8, 3), np.uint8)
    small = model.network
    assert isinstance(gb.Diffusion(small, value_range=(0, 255)), keras.Model), "own networks fit"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"steps": 0}, "`steps` must be at least 1. Received: steps=0"),
        ({"guidance": -1}, "`guidance` must be at least 0. Received: guidance=-1"),
        ({"label_dropout": 2}, "`label_dropout` must lie between 0 and 1"),
        ({"num_classes": 1}, "`num_classes` must be at least 2"),
        ({"network": "unet"}, "`network` must be"),
    ],
)
def test_wrong_arguments_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        vectors(**options)


def test_wrong_requests_are_refused():
    model = vectors()
    with pytest.raises(ValueError, match="`guidance` needs a model with labels"):
        model.sample(2, guidance=2.0)
    with pytest.raises(ValueError, match=r"z must have shape \(n, 3\)"):
        model.decode(np.zeros((2, 4)))
    model = vectors(num_classes=2)
    model.compile()
    with pytest.raises(ValueError, match="needs labels"):
        model.fit(np.zeros((4, 3)))


def test_larger_pictures_start_slowly():
    """A tenth of training is a warm-up, and the rate is lower: otherwise 64x64 learns nothing."""
    small = gb.build_diffusion((28, 28, 1), seed=0)
    large = gb.build_diffusion((64, 64, 3), filters=(4,), seed=0)
    assert (small.learning_rate, large.learning_rate) == (5e-3, 1e-3)
    for progress, share in ((0.0, 0.02), (0.05, 0.52), (0.2, 1.0), (0.9, 1.0)):
        usual = small.anneal(progress, progress)
        assert large.anneal(progress, progress) == pytest.approx(share * usual)
