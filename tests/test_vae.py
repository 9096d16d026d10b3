"""The VAE against closed forms."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy import integrate, stats

from genai_basics import VAE, Sampling, build_vae, load_data
from genai_basics.backend import gradient_step, gradients
from genai_basics.layers import Bernoulli, DiscretizedLogistic, Gaussian, Shift, bounded


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.fixture
def vae():
    return build_vae((4, 4, 1), latent_dim=3, hidden_units=(8,), seed=0)


@pytest.fixture
def x():
    return np.random.default_rng(0).integers(0, 256, (32, 4, 4, 1)).astype("uint8")


def constant_encoder(mean, log_var):
    inputs = keras.Input((4, 4, 1))
    zero = keras.layers.Flatten()(inputs)[:, :3] * 0.0
    return keras.Model(inputs, [zero + mean, zero + log_var])


@pytest.mark.parametrize(("mean", "log_var"), [(0.0, 0.0), (2.0, 0.5), (-0.3, -1.0)])
def test_kl_is_the_integral_that_defines_it(vae, x, mean, log_var):
    model = VAE(constant_encoder(mean, log_var), vae.decoder)
    kl = ops.mean(model.loss_terms(ops.cast(x, "float32") / 255)["kl"])
    q, p = stats.norm(mean, np.exp(log_var / 2)), stats.norm(0, 1)
    one, _ = integrate.quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), mean - 12, mean + 12)
    assert float(kl) == pytest.approx(3 * one, rel=1e-5)


def test_gradients_reach_the_encoder_through_the_sampling_and_only_there(vae, x):
    x = ops.cast(x, "float32") / 255

    def moved(model):
        before = [ops.convert_to_numpy(v) for v in model.encoder.trainable_variables]
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(model.trainable_variables)
        gradient_step(
            lambda: ops.mean(model.loss_terms(x, training=True)["reconstruction"]),
            model.trainable_variables,
            optimizer,
        )
        pairs = zip(before, model.encoder.trainable_variables, strict=True)
        return [not np.array_equal(a, b) for a, b in pairs]

    assert all(moved(vae))

    class Cut(Sampling):
        def call(self, inputs, noise=None):
            return ops.stop_gradient(super().call(inputs, noise))

    vae.sampling = Cut()
    assert not any(moved(vae))


def test_sampling_has_the_moments_it_is_given():
    mean, log_var = ops.full((20000, 1), 3.0), ops.full((20000, 1), np.log(4.0))
    z = np.array(Sampling(seed=0)([mean, log_var]))
    assert z.mean() == pytest.approx(3.0, abs=0.05)
    assert z.std() == pytest.approx(2.0, abs=0.05)


def test_loss_is_reconstruction_plus_beta_kl_at_each_step(x):
    model = build_vae((4, 4, 1), 3, hidden_units=(8,), beta=2.5, warm_up=0.5, seed=0)
    model.compile()

    class Check(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.betas = []

        def on_train_batch_end(self, batch, logs=None):
            beta = (logs["loss"] - logs["reconstruction"]) / logs["kl"]
            self.betas.append(beta)

        def on_train_batch_begin(self, batch, logs=None):
            self.model.reset_metrics()  # so that the logs cover one step

    check = Check()
    model.fit(x, batch_size=8, epochs=4, verbose=0, callbacks=[check])
    assert check.betas[0] == pytest.approx(0.02 * 2.5, rel=1e-3)  # start of the rise
    assert check.betas[-1] == pytest.approx(2.5, rel=1e-4)
    logs = model.evaluate(x, batch_size=8, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["reconstruction"] + 2.5 * logs["kl"], rel=1e-6)


def test_no_encoder_leaves_the_range_of_the_exponential(x):
    inside = np.linspace(-10, 10, 5).astype("float32")
    np.testing.assert_array_equal(bounded(inside), inside)
    values, slopes = gradients(bounded, np.array([-1e30, -60.0, 60.0, 1e30], "float32"))
    np.testing.assert_allclose(values, [-14.0, -10 - 50 / 13.5, 10 + 50 / 13.5, 14.0], rtol=1e-5)
    assert min(slopes[1:3]) > 1e-3  # there is still a gradient
    for log_var in (-1e4, 1e4):
        vae = VAE(constant_encoder(0.0, log_var), build_vae((4, 4, 1), 3, seed=0).decoder)
        terms = vae.loss_terms(vae.preprocessor(x), training=True)
        assert all(np.isfinite(value).all() for value in terms.values())


def test_a_rise_of_beta_never_starts_without_a_penalty(vae):
    vae.compile()
    vae.stand_at(0.0, 0.0)
    assert float(vae.ramp) == pytest.approx(0.02)
    vae.stand_at(0.1, 0.1)
    assert float(vae.ramp) == pytest.approx(0.5)


def test_a_smaller_last_batch_counts_by_its_size(vae, x):
    vae.compile()
    vae.evaluation_noise.state.assign([1, 1])
    whole = vae.evaluate(x[:30], batch_size=30, verbose=0, return_dict=True)
    parts = vae.evaluate(x[:30], batch_size=16, verbose=0, return_dict=True)
    assert parts["kl"] == pytest.approx(whole["kl"], rel=1e-5)


def test_the_bound_falls_in_training_and_two_evaluations_agree(digits):
    model = build_vae((8, 8, 1), 4, hidden_units=(64,), seed=0)
    model.compile()
    before = model.evaluate(digits.test.x, verbose=0)
    model.fit(digits.train.x, epochs=5, verbose=0)
    after = model.evaluate(digits.test.x, verbose=0)
    assert after[0] < before[0] - 5
    assert model.evaluate(digits.test.x, verbose=0) == after


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "logistic"])
@pytest.mark.parametrize(
    ("shape", "network"), [((8, 8, 3), "conv"), ((9, 13, 1), "conv"), ((5, 4, 3), "dense")]
)
def test_every_likelihood_and_network_keeps_the_shape(shape, network, likelihood):
    widths = {"filters": (4, 8)} if network == "conv" else {"hidden_units": (8,)}
    model = build_vae(shape, 2, network=network, likelihood=likelihood, seed=0, **widths)
    x = np.random.default_rng(0).integers(0, 256, (8, *shape)).astype("uint8")
    model.compile()
    losses = model.fit(x, epochs=1, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert model.sample(3, seed=0).shape == (3, *shape)
    assert model.sample(3, seed=0).dtype == np.uint8


def test_the_discretized_logistic_is_a_distribution_over_256_levels():
    likelihood = DiscretizedLogistic()
    likelihood.build()
    levels = ops.reshape(ops.arange(256, dtype="float32") / 255, (256, 1))
    for mean in (-0.2, 0.0, 0.37, 1.0):
        nats = likelihood.per_element(levels, ops.full((256, 1), mean))
        assert float(ops.sum(ops.exp(-nats))) == pytest.approx(1.0, abs=1e-4)


def test_bernoulli_and_gaussian_match_scipy():
    x, logits = np.array([[0.0, 1.0, 1.0]]), np.array([[0.3, -2.0, 9.0]])
    expected = -stats.bernoulli(1 / (1 + np.exp(-logits))).logpmf(x).sum()
    got = Bernoulli().negative_log_likelihood(ops.convert_to_tensor(x), logits)
    assert float(got[0]) == pytest.approx(expected, rel=1e-5)
    gaussian = Gaussian()
    gaussian.build()
    x, mean = np.array([[0.2, 0.7]]), np.array([[0.5, 0.5]])
    expected = -stats.norm(mean, np.exp(-1.0)).logpdf(x).sum()
    got = gaussian.negative_log_likelihood(ops.convert_to_tensor(x), mean)
    assert float(got[0]) == pytest.approx(expected, rel=1e-5)


def test_a_conditional_vae_obeys_its_label(digits):
    from sklearn.linear_model import LogisticRegression

    flat = digits.train.x.reshape(len(digits.train), -1) / 255
    judge = LogisticRegression(max_iter=300).fit(flat, digits.train.y)
    model = build_vae((8, 8, 1), 4, hidden_units=(128,), num_classes=10, seed=0)
    model.compile()
    model.fit(digits.train.x, digits.train.y, epochs=25, batch_size=64, verbose=0)
    labels = np.repeat(np.arange(10), 10)
    samples = model.sample(100, labels=labels, seed=0).reshape(100, -1) / 255
    assert judge.score(samples, labels) > 0.9


def test_labels_are_asked_for_checked_and_taken_by_name(x):
    model = build_vae((4, 4, 1), 2, hidden_units=(8,), num_classes=2, class_names=("cat", "dog"))
    model.compile()
    with pytest.raises(ValueError, match="needs labels"):
        model.fit(x, verbose=0)
    with pytest.raises(ValueError, match=r"between 0 and 1\. Received: \[2\]"):
        model.fit(x, np.arange(32) % 3, verbose=0)
    model.fit(x, ["cat", "dog"] * 16, verbose=0)
    assert model.sample(2, labels="dog", seed=0).shape == (2, 4, 4, 1)
    with pytest.raises(ValueError, match="among cat, dog"):
        model.sample(2, labels="cow")


def test_codes_lead_back_and_interpolation_begins_and_ends_at_its_ends(vae, x):
    codes = vae.encode(x)
    assert codes.shape == (32, 3)
    np.testing.assert_array_equal(vae.decode(codes), vae.reconstruct(x))
    line = vae.interpolate(x[0], x[1], steps=5)
    np.testing.assert_allclose(line[[0, -1]].astype(int), vae.reconstruct(x[:2]), atol=1)
    with pytest.raises(ValueError, match=r"shape \(n, 3\)"):
        vae.decode(np.zeros((2, 4)))


@pytest.mark.slow
def test_vectors_are_standardized_and_come_back_in_their_units():
    x = np.random.default_rng(0).normal((50.0, -3.0), (9.0, 0.1), (512, 2))
    model = build_vae((2,), latent_dim=2, hidden_units=(32,), seed=0)
    model.compile(learning_rate=5e-3)
    model.fit(x, epochs=20, verbose=0)
    samples = model.sample(500, seed=0)
    assert samples[:, 0].mean() == pytest.approx(50.0, abs=2.0)
    assert samples[:, 1].mean() == pytest.approx(-3.0, abs=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latent_dim": 0}, "latent_dim=0"),
        ({"network": "cnn"}, "network='cnn'"),
        ({"likelihood": "poisson"}, "likelihood='poisson'"),
        ({"beta": -1}, "beta=-1"),
        ({"num_classes": 1}, "num_classes=1"),
        ({"input_shape": (8, 8)}, r"input_shape=\(8, 8\)"),
        ({"input_shape": (4, 4, 1), "network": "conv"}, "at least 8x8 pixels; use network"),
    ],
)
def test_a_wrong_argument_is_named_with_what_came(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_vae(**arguments)


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_the_encoder_sees_data_less_their_mean(network):
    x = np.random.default_rng(0).integers(100, 256, (200, 8, 8, 3)).astype("uint8")
    widths = {"filters": (4,)} if network == "conv" else {"hidden_units": (8,)}
    model = build_vae((8, 8, 3), 2, network=network, seed=0, **widths)
    model.adapt(x)
    layer = model.encoder.get_layer("less_mean")
    centred = ops.convert_to_numpy(layer(x / np.float32(255)))
    means = centred.mean(axis=0 if network == "dense" else (0, 1, 2))
    np.testing.assert_allclose(means, 0.0, atol=1e-5)
    again = Shift(1, shared=network == "conv")
    again.build(x.shape)
    again.start(x / np.float32(255))
    np.testing.assert_allclose(again(centred), x / np.float32(255), atol=1e-5)


@pytest.mark.parametrize("name", ["loss", "metrics", "weighted_metrics", "loss_weights"])
def test_what_would_have_no_effect_is_refused_in_compile(name):
    vae = build_vae((8, 8, 1), 2, hidden_units=(8,), seed=0)
    with pytest.raises(ValueError, match=rf"choose it by `likelihood`.* Received: {name}="):
        vae.compile(**{name: ["mae"]})
