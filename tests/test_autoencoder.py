"""Autoencoders: closed forms, denoising, tiles, and the exactness of the codec."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

from genai_basics import Autoencoder, Corruption, Doctor, build_autoencoder, load_data
from genai_basics.autoencoder.density import CodeDensity
from genai_basics.autoencoder.noise import blind_spots
from genai_basics.autoencoder.tiles import in_tiles

SMALL = {"hidden_units": (64,), "seed": 0}
CONV = {"filters": (8, 16), "seed": 0}


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.fixture(scope="module")
def denoiser(digits):
    model = build_autoencoder((8, 8, 1), noise="gaussian", noise_level=0.3, **CONV)
    model.compile()
    model.fit(digits.train.x, epochs=15, verbose=0)
    return model


def seed():
    return keras.random.SeedGenerator(0)


# Learning.


@pytest.mark.slow
def test_a_linear_autoencoder_reaches_the_error_of_principal_components(digits):
    from sklearn.decomposition import PCA

    x = digits.train.x.reshape(-1, 64).astype("float32") / 255
    inputs, code = keras.Input((64,)), keras.Input((4,))
    encoder = keras.Model(inputs, keras.layers.Dense(4)(inputs))
    model = Autoencoder(
        encoder, keras.Model(code, keras.layers.Dense(64)(code)), value_range=(0, 1)
    )
    model.compile(learning_rate=2e-2)
    model.fit(x, epochs=40, batch_size=64, verbose=0)
    pca = PCA(4).fit(x)
    best = np.square(pca.inverse_transform(pca.transform(x)) - x).mean()
    error = np.square(ops.convert_to_numpy(model(x)) - x).mean()
    assert best * 0.999 < error < best * 1.1  # the optimum of linear maps


@pytest.mark.slow
def test_sparsity_makes_most_of_the_code_zero(digits):
    shares = []
    for weight in (1e-6, 0.5):
        model = build_autoencoder((8, 8, 1), latent_dim=64, sparsity=weight, **SMALL)
        model.compile()
        model.fit(digits.train.x, epochs=8, verbose=0)
        shares.append((model.encode(digits.test.x) < 1e-3).mean())
        assert model.encode(digits.test.x).min() >= 0
    assert shares[1] > shares[0] + 0.1


def test_contraction_is_the_norm_of_the_jacobian():
    inputs, code = keras.Input((5,)), keras.Input((3,))
    encoder = keras.Model(inputs, keras.layers.Dense(3, "sigmoid")(inputs))
    decoder = keras.Model(code, keras.layers.Dense(5)(code))
    model = Autoencoder(encoder, decoder, contractive=1.0, value_range=(0, 1))
    x = np.random.default_rng(0).uniform(size=(1, 5)).astype("float32")
    kernel = encoder.weights[0].numpy()
    h = ops.convert_to_numpy(encoder(x))[0]
    # J = diag(h (1 - h)) W for a sigmoid layer (Rifai et al., 2011, equation 9)
    expected = np.square((h * (1 - h))[:, None] * kernel.T).sum() / 3
    repeated = ops.convert_to_tensor(np.repeat(x, 20_000, axis=0))
    _, contraction = model.contraction(repeated, seed())
    assert float(ops.mean(contraction)) == pytest.approx(expected, rel=0.02)


def test_loss_is_the_sum_of_its_terms(digits):
    model = build_autoencoder((8, 8, 1), 8, sparsity=0.1, contractive=0.2, rate=0.3, **SMALL)
    x = ops.cast(digits.train.x[:16], "float32") / 255
    terms = {name: ops.convert_to_numpy(term) for name, term in model.loss_terms(x).items()}
    expected = terms["reconstruction"] + 0.1 * terms["sparsity"] + 0.2 * terms["contraction"]
    np.testing.assert_allclose(terms["loss"], expected + 0.3 * terms["bits"] / 64, rtol=1e-5)


@pytest.mark.slow
def test_samples_come_from_where_the_codes_are(digits):
    model = build_autoencoder((8, 8, 1), latent_dim=8, **SMALL)
    model.compile()
    model.fit(digits.train.x, epochs=10, verbose=0)
    samples = model.sample(200, seed=0)
    assert samples.shape == (200, 8, 8, 1)
    codes, drawn = model.encode(digits.train.x), model.encode(samples)
    np.testing.assert_allclose(drawn.mean(0), codes.mean(0), atol=1.0 * codes.std(0).max())
    np.testing.assert_array_equal(samples, model.sample(200, seed=0))


def test_the_density_finds_two_clusters():
    rng = np.random.default_rng(0)
    codes = np.concatenate([rng.normal(-5, 1, (500, 2)), rng.normal(5, 0.5, (500, 2))])
    density = CodeDensity(components=2)
    density.build(2)
    density.fit(codes)
    drawn = ops.convert_to_numpy(density.sample(4000, seed()))
    assert (drawn[:, 0] > 0).mean() == pytest.approx(0.5, abs=0.05)
    assert drawn[drawn[:, 0] > 0].std() == pytest.approx(0.5, abs=0.05)


# Denoising.


@pytest.mark.parametrize(
    ("noise", "level", "check"),
    [
        ("gaussian", 0.2, lambda x, n: abs((n - x).std() - 0.2) < 0.01),
        ("poisson", 0.2, lambda x, n: abs((n - x).std() - 0.2 * 0.5**0.5) < 0.01),
        ("mask", 0.3, lambda x, n: abs((n == 0).mean() - 0.3) < 0.02),
        ("salt_pepper", 0.3, lambda x, n: abs((n == 1).mean() - 0.15) < 0.02),
        ("gaussian", (0.0, 0.4), lambda x, n: (n - x).std(axis=1).min() < 0.05),
    ],
)
def test_noise_has_the_strength_it_is_given(noise, level, check):
    x = np.full((200, 500), 0.5, "float32")
    noisy = Corruption(noise, level)(ops.convert_to_tensor(x), seed=seed(), training=False)
    assert check(x, ops.convert_to_numpy(noisy))


@pytest.mark.slow
def test_noise_is_added_in_training_and_never_in_predict(denoiser, digits):
    again = denoiser.predict(digits.test.x[:5], verbose=0)
    np.testing.assert_array_equal(again, denoiser.predict(digits.test.x[:5], verbose=0))
    assert (denoiser.corrupt(digits.test.x[:5]) != digits.test.x[:5]).any()


@pytest.mark.slow
def test_a_denoiser_gains_decibels(denoiser, digits):
    metrics, _ = denoiser.report(digits.test.x)
    assert metrics["psnr"] > metrics["psnr_noisy"] + 3
    assert {"ssim", "mean_squared_error"} < set(metrics)


@pytest.mark.slow
def test_noise_may_leave_the_range_but_other_data_are_warned_of(denoiser, digits):
    noisy = denoiser.corrupt(digits.test.x[:20])
    assert noisy.min() < -20
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        denoiser.denoise(noisy)
    for wrong in (digits.test.x[:20] / 255, 10 * noisy):
        with pytest.warns(UserWarning, match="does not fit value_range"):
            denoiser.denoise(wrong)


def test_noise2void_hides_few_pixels_and_changes_only_those():
    x = np.random.default_rng(0).uniform(size=(64, 16, 16, 1)).astype("float32")
    hidden, mask = blind_spots(ops.convert_to_tensor(x), seed())
    hidden, mask = ops.convert_to_numpy(hidden), ops.convert_to_numpy(mask)
    assert 0.14 < mask.mean() < 0.16
    np.testing.assert_array_equal(hidden[mask == 0], x[mask == 0])
    assert (hidden[mask == 1] != x[mask == 1]).mean() > 0.99


@pytest.mark.slow
def test_noise2void_learns_from_noisy_pictures_alone(digits):
    rng = np.random.default_rng(0)
    big = np.kron(digits.train.x[:, :, :, 0], np.ones((2, 2)))[..., None]  # equal neighbours
    clean = big[:1000].astype("float32") / 255
    noisy = clean + rng.normal(0, 0.3, clean.shape).astype("float32")
    model = build_autoencoder((16, 16, 1), target="noise2void", value_range=(-1, 2), **CONV)
    model.compile()
    model.fit(noisy, epochs=12, batch_size=32, verbose=0)
    restored = model.denoise(noisy[:100])
    before, after = (np.square(a - clean[:100]).mean() for a in (noisy[:100], restored))
    assert after < 0.6 * before
    assert set(model.report(noisy[:50])[0]) == {"hidden_pixel_error"}


@pytest.mark.slow
def test_clean_targets_can_be_given(digits):
    rng = np.random.default_rng(0)
    clean = digits.train.x[:256]
    noisy = np.clip(clean + rng.normal(0, 60, clean.shape), 0, 255).astype("uint8")
    model = build_autoencoder((8, 8, 1), network="unet", **CONV)
    model.compile()
    history = model.fit(noisy, clean, epochs=4, batch_size=32, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_targets_of_another_shape_are_refused(digits):
    model = build_autoencoder((8, 8, 1), network="unet", **CONV)
    model.compile()
    with pytest.raises(ValueError, match=r"clean examples of the shape of x, \(8, 8, 1\)"):
        model.fit(digits.train.x[:16], np.zeros((16, 10)), verbose=0)


@pytest.mark.parametrize("shape", [(37, 21, 1), (8, 8, 1), (5, 30, 1), (3, 2, 1)])
def test_tiles_join_without_a_trace(shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    np.testing.assert_allclose(in_tiles(lambda tiles: tiles, x, (8, 8, 1)), x, atol=1e-5)


def test_tiles_leave_no_seams():
    """Each tile gets its own offset; the remainder must not jump at a border."""
    rng = np.random.default_rng(0)
    x = np.zeros((64, 64, 1), "float32")
    y = in_tiles(lambda t: t + rng.normal(size=(len(t), 1, 1, 1)), x, (16, 16, 1))[..., 0]
    jumps = np.abs(np.diff(y, axis=0)).max(axis=1)
    assert jumps.max() < 1.0  # adjacent tiles without blending would jump by two or three


@pytest.mark.slow
def test_a_larger_picture_is_denoised_whole(denoiser):
    picture = np.random.default_rng(0).integers(0, 256, (30, 19, 1)).astype("uint8")
    small = picture[:5, :5]
    outputs = denoiser.denoise([picture, small])
    assert [output.shape for output in outputs] == [(30, 19, 1), (5, 5, 1)]
    assert outputs[0].dtype == np.uint8
    rows, answers = denoiser.answer([picture])
    assert rows[0]["mean_absolute_change"] > 0
    assert answers.shape == (1, 30, 19, 1)


def test_sounds_of_any_length_are_denoised():
    rng = np.random.default_rng(0)
    clips = [
        np.sin(np.arange(n) / 3 + rng.uniform(0, 6)).astype("float32") for n in [90, 128, 70] * 20
    ]
    model = build_autoencoder(sample_rate=100, max_length=128, noise="gaussian", **CONV)
    model.compile()
    model.fit(clips, epochs=6, batch_size=16, verbose=0)
    outputs = model.denoise([clips[0], np.tile(clips[1], 3)])
    assert [len(output) for output in outputs] == [90, 384]
    metrics, _ = model.report(clips[:20])
    assert metrics["mean_squared_error"] < 0.3**2


# Starts, and unusual data.


@pytest.mark.parametrize("rate", [0.0, 1e-9])
@pytest.mark.parametrize("network", ["dense", "conv"])
def test_an_autoencoder_starts_as_principal_components(network, rate):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 16, 24, 3)).cumsum(axis=1).cumsum(axis=2).astype("float32")
    x = 255 * (x - x.min()) / (x.max() - x.min())
    sizes = SMALL if network == "dense" else CONV
    model = build_autoencoder((16, 24, 3), 20, network=network, rate=rate, **sizes)
    model.adapt(x)
    unit = x / 255
    rows = unit.reshape(300, -1) - unit.reshape(300, -1).mean(axis=0)
    if network == "conv" and rate:  # blocks, with one mean per channel
        rows = unit - unit.mean(axis=(0, 1, 2))
        rows = rows.reshape(300, 4, 4, 6, 4, 3).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 48)
    variances = np.linalg.svd(rows, compute_uv=False) ** 2
    error = np.square(ops.convert_to_numpy(model.decoder(model.encoder(unit))) - unit).mean()
    assert error == pytest.approx(variances[20:].sum() / rows.size, rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [{}, {"network": "conv"}, {"sparsity": 0.001}])
def test_bright_pictures_are_learned_as_dark_ones_are(digits, arguments):
    errors = []
    for x in (digits.train.x, 255 - digits.train.x):
        model = build_autoencoder(
            (8, 8, 1), 8, **arguments, **(CONV if "network" in arguments else SMALL)
        )
        model.compile()
        model.fit(x, epochs=5, verbose=0)
        errors.append(model.evaluate(x, verbose=0, return_dict=True)["reconstruction"])
    assert errors[0] == pytest.approx(errors[1], rel=0.15)


@pytest.mark.parametrize("n", [1, 5])
def test_codes_that_are_all_alike_are_sampled(n):
    density = CodeDensity()
    density.build(3)
    density.fit(np.full((n, 3), 7.0))
    codes = density.sample(4, keras.random.SeedGenerator(0))
    np.testing.assert_allclose(codes, np.full((4, 3), 7.0), rtol=1e-5)


@pytest.mark.slow
def test_an_empty_code_is_named(digits):
    model = build_autoencoder((8, 8, 1), rate=100.0, **SMALL)
    model.compile()
    with pytest.warns(UserWarning, match="the same code.*lower `rate`"):
        model.fit(digits.train.x, epochs=5, verbose=0, callbacks=[Doctor()])


# Saving, and bad input.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "arguments"),
    [
        ((8, 8, 1), {"network": "conv", "latent_dim": 4}),
        ((8, 8, 3), {"network": "conv", "rate": 0.01, "latent_dim": 4}),
        ((9, 13, 1), {"noise": "mask"}),
        ((12,), {"latent_dim": 3, "noise": "gaussian"}),
        ((33, 2), {"noise": "gaussian"}),
        ((8, 8, 1), {"contractive": 0.1, "sparsity": 0.1, "latent_dim": 4}),
    ],
)
def test_every_variant_trains_and_comes_back_from_its_file(shape, arguments, tmp_path):
    sizes = CONV if len(shape) > 1 and {"network", "noise"} & set(arguments) else SMALL
    model = build_autoencoder(shape, **sizes, **arguments)
    x = np.random.default_rng(0).uniform(0, 255, (40, *shape)).astype("float32")
    model.compile()
    assert np.isfinite(model.fit(x, epochs=1, batch_size=20, verbose=0).history["loss"]).all()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert model.predict(x, verbose=0).shape == x.shape
    if model.can_sample:
        np.testing.assert_array_equal(loaded.sample(3, seed=1), model.sample(3, seed=1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latent_dim": 0}, "latent_dim=0"),
        ({"network": "cnn"}, "network='cnn'"),
        ({"noise": "pink"}, "noise='pink'"),
        ({"noise": "gaussian", "noise_level": -0.1}, "noise_level=-0.1"),
        ({"noise": "mask", "noise_level": 1.5}, "noise_level=1.5"),
        ({"noise_level": (0.3, 0.1)}, "a pair that rises"),
        ({"target": "noisy"}, "target='noisy'"),
        ({"target": "noise2void", "noise": "mask"}, "leave `noise` out"),
        ({"rate": -1.0}, "rate=-1.0"),
        ({"sparsity": 0.1, "network": "unet"}, "no code of its own"),
        ({"input_shape": (4, 4, 1), "network": "conv"}, 'use network="dense"'),
        ({"input_shape": (8, None, 1)}, "input_shape="),
    ],
)
def test_a_wrong_argument_is_named_with_what_came(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_autoencoder(**arguments)


@pytest.mark.slow
def test_what_a_model_cannot_do_is_said_in_one_sentence(denoiser, digits):
    x = digits.test.x[:2]
    for call in (lambda: denoiser.encode(x), lambda: denoiser.sample(1)):
        with pytest.raises(ValueError, match='network="dense" or "conv"'):
            call()
    with pytest.raises(ValueError, match="does not compress"):
        denoiser.compress(x)
    with pytest.raises(ValueError, match="other sizes with as many axes"):
        denoiser.denoise([np.zeros((5, 5, 3), "uint8")])


def test_an_all_black_set_trains_and_samples():
    model = build_autoencoder((8, 8, 1), 4, **SMALL)
    model.compile()
    model.fit(np.zeros((64, 8, 8, 1), "uint8"), epochs=30, batch_size=16, verbose=0)
    assert model.sample(4, seed=0).max() < 60
