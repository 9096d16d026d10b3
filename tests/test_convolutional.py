"""Tests for genai_basics.convolutional, including the layers for pictures and sounds."""

import keras
import numpy as np
import pytest
from scipy import signal

from genai_basics import LogMel, build_cnn, load_data, train_feature_extractor
from genai_basics.convolutional.evaluation import draw_explained
from genai_basics.layers import RandomAffine, RandomErasing, RandomSeries
from genai_basics.layers.spectral import mel_filters


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.fixture(scope="module")
def cnn(digits):
    names = digits.spec.class_names
    model = build_cnn((8, 8, 1), 10, class_names=names, filters=(16, 32), seed=0)
    model.compile()
    model.fit(digits.train.x, digits.train.y, epochs=10, verbose=0)
    return model


@pytest.fixture(scope="module")
def listener():
    data = load_data("key_tones")
    spec = data.spec
    model = build_cnn(
        sample_rate=spec.sample_rate,
        num_classes=spec.num_classes,
        class_names=spec.class_names,
        filters=(8, 16),
        seed=0,
    )
    model.compile()
    model.fit(data.train.x, data.train.y, batch_size=32, epochs=8, verbose=0)
    return model, data


@pytest.mark.slow
def test_digits_are_told_apart(cnn, digits):
    report, intervals = cnn.report(digits.test.x, digits.test.y)
    assert report["accuracy"] > 0.93
    low, high = intervals["accuracy"]
    assert low <= report["accuracy"] <= high


@pytest.mark.slow
def test_keys_are_heard(listener):
    model, data = listener
    logs = model.evaluate(data.test.x, data.test.y, verbose=0, return_dict=True)
    assert logs["accuracy"] > 0.5


@pytest.mark.slow
def test_augmentation_is_off_at_inference(cnn, digits):
    x = digits.test.x[:8]
    np.testing.assert_array_equal(cnn.predict(x, verbose=0), cnn.predict(x, verbose=0))
    numbers = cnn.preprocessor(x)
    vary = cnn.network.get_layer("vary")
    np.testing.assert_array_equal(vary(numbers, training=False), numbers)
    assert not np.array_equal(vary(numbers, training=True), numbers)


def test_digits_are_not_mirrored_and_photographs_are():
    for names, mirror in ((tuple("0123456789"), False), (("cat", "dog"), True)):
        model = build_cnn((16, 16, 3), len(names), class_names=names, filters=(4,))
        assert model.network.get_layer("vary").mirror == mirror


def test_map_of_a_class_averages_to_its_logit(digits):
    model = build_cnn((8, 8, 1), 10, filters=(8, 8), blocks=0, seed=0)
    x = digits.test.x[:4]
    numbers = model.preprocessor(x)
    maps = model._explain_prepared(x, np.full(4, 3, "int32"))
    assert maps.shape == (4, 8, 8)
    head = model.network.get_layer("head")
    features = keras.Model(model.network.inputs, model.network.get_layer("features").output)
    logit = keras.ops.matmul(features(numbers), head.kernel)[:, 3]
    places = model._place_network(numbers, training=False)[0]
    own = keras.ops.sum(places * head.kernel[:, 3], axis=-1)
    np.testing.assert_allclose(keras.ops.mean(own, axis=(1, 2)), logit, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_explanation_points_where_the_evidence_is():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 50, (300, 16, 16, 1))
    y = np.arange(300) % 2
    x[y == 1, 2:6, 2:6] += 200  # class 1 has a bright corner
    model = build_cnn((16, 16, 1), 2, filters=(8, 8), augment=False, seed=0)
    model.compile(learning_rate=0.01)
    model.fit(x.astype("uint8"), y, batch_size=30, epochs=6, verbose=0)
    maps = model.explain(x[y == 1][:10].astype("uint8"), label=1)
    inside, outside = maps[:, 1:7, 1:7].mean(), maps[:, 8:, 8:].mean()
    assert inside > outside
    drawn = draw_explained(model, x[:2].astype("uint8"))
    assert drawn.shape == (2, 16, 16, 3)
    assert drawn.dtype == np.uint8


@pytest.mark.slow
def test_answer_explains_where_asked(cnn, digits):
    rows, outputs = cnn.answer(digits.test.x[:3], top=2, explain=True)
    assert len(rows) == 3
    assert outputs.shape == (3, 8, 8, 3)


@pytest.mark.slow
def test_a_sound_is_heard_alike_alone_and_beside_longer_ones(listener):
    model, _ = listener
    rng = np.random.default_rng(0)
    clips = [rng.normal(0, 0.1, length) for length in (3001, 2999, 1601, 700, 4000)]
    together = model.predict(clips, verbose=0)
    alone = np.concatenate([model.predict([clip], verbose=0) for clip in clips])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert model.explain(clips).ndim == 3


@pytest.mark.slow
@pytest.mark.parametrize("clip", [np.zeros(4000), np.zeros(3), np.ones(1), np.full(50, 0.1)])
def test_silent_and_short_clips_get_an_answer(listener, clip):
    assert np.isfinite(listener[0].predict([clip], verbose=0)).all()


@pytest.mark.slow
def test_integers_and_stereo_are_read_as_samples(listener):
    model, data = listener
    clip = np.asarray(data.test.x[0], "float64").clip(-1, 1 - 2**-15)
    integers = np.round(clip * 2**15).astype("int16")
    stereo = np.stack([clip, clip], axis=1)
    expected = model.predict([clip], verbose=0)
    for other in (integers, stereo):
        np.testing.assert_allclose(model.predict([other], verbose=0), expected, atol=2e-2)


@pytest.mark.slow
def test_empty_and_broken_clips_are_refused(listener):
    for clip in (np.zeros(0), np.array([np.nan, 0.0])):
        with pytest.raises(ValueError, match="a clip must be"):
            listener[0].predict([clip], verbose=0)


def test_log_mel_agrees_with_scipy():
    rate = 8000
    samples = np.random.default_rng(0).normal(size=(1, 4000)).astype("float32")
    layer = LogMel(rate, bands=20, window=0.032, hop=0.016, low=0.0)
    window = signal.get_window("hann", 256)
    _, _, power = signal.spectrogram(
        samples[0], rate, window, 256, 128, detrend=False, scaling="spectrum", mode="psd"
    )
    power[1:-1] /= 2  # scipy adds the negative frequencies
    expected = np.log(power.T @ mel_filters(20, 256, rate) + 1e-6)
    found = keras.ops.convert_to_numpy(layer(samples))[0]
    assert found.shape == (32, 20)  # 4000 / 128, rounded up
    np.testing.assert_allclose(found[: len(expected)], expected, atol=1e-3)


def test_sine_lies_in_its_band():
    rate, frequency = 16000, 1000
    time = np.arange(rate) / rate
    mel = LogMel(rate, bands=40)(np.sin(2 * np.pi * frequency * time)[None].astype("float32"))
    mels = np.linspace(*(2595 * np.log10(1 + np.array([20, rate / 2]) / 700)), 42)[1:-1]
    centre = np.argmin(np.abs(mels - 2595 * np.log10(1 + frequency / 700)))
    assert int(np.argmax(keras.ops.convert_to_numpy(mel)[0].mean(axis=0))) == centre


def test_clip_shorter_than_a_window_has_a_frame():
    assert LogMel(8000)(np.zeros((2, 10), "float32")).shape == (2, 1, 40)


def test_affine_shifts_by_whole_pixels_and_mirrors():
    x = np.arange(2 * 6 * 6, dtype="float32").reshape(2, 6, 6, 1)
    same = RandomAffine(shift=0.0, zoom=0.0)(x, training=True)
    np.testing.assert_allclose(same, x, atol=1e-4)
    mirrored = RandomAffine(shift=0.0, zoom=0.0, mirror=True, seed=0)
    seen = {
        tuple(np.allclose(image, way, atol=1e-3) for way in (original, original[:, ::-1]))
        for _ in range(8)
        for image, original in zip(np.asarray(mirrored(x, training=True)), x, strict=True)
    }
    assert seen == {(True, False), (False, True)}


def test_erasing_leaves_the_rest_alone():
    x = np.ones((4, 12, 12, 1), "float32")
    erased = np.asarray(RandomErasing(0.5, seed=0)(x, training=True))
    assert set(np.unique(erased)) <= {0.0, 1.0}
    assert 0.5 < erased.mean() < 1.0


def test_series_keep_their_shape_and_move_a_little():
    x = np.random.default_rng(0).normal(size=(3, 50, 2)).astype("float32")
    moved = np.asarray(RandomSeries(seed=0)(x, training=True))
    assert moved.shape == x.shape
    assert not np.array_equal(moved, x)
    still = RandomSeries(scale=0.0, jitter=0.0, warp=0.0)(x, training=True)
    np.testing.assert_allclose(still, x, atol=1e-6)


def test_series_of_several_channels_and_lengths():
    rng = np.random.default_rng(0)
    time = np.arange(60)
    y = np.arange(40) % 2
    x = [np.stack([np.sin(time * (0.3 + 0.5 * c)), rng.normal(size=60)], 1)[: 50 + i % 10]
         for i, c in enumerate(y)]  # fmt: skip
    model = build_cnn((None, 2), 2, filters=(8, 8), seed=0)
    model.compile(learning_rate=0.01)
    model.fit(x, y, batch_size=8, epochs=8, verbose=0)
    assert model.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] > 0.9


def test_clips_of_video_are_grids_too():
    model = build_cnn((4, 16, 16, 1), 3, filters=(4, 4), blocks=0, seed=0)
    assert model.predict(np.zeros((2, 4, 16, 16, 1), "uint8"), verbose=0).shape == (2, 3)


@pytest.mark.slow
def test_saved_model_hears_the_same(listener, tmp_path):
    model, data = listener
    model.save(tmp_path / "cnn.keras")
    loaded = keras.saving.load_model(tmp_path / "cnn.keras")
    np.testing.assert_array_equal(
        loaded.predict(data.test.x[:5], verbose=0), model.predict(data.test.x[:5], verbose=0)
    )


def test_features_tell_classes_apart(digits):
    model = train_feature_extractor(digits.train.x, digits.train.y, epochs=2)
    features = model.features(digits.test.x)
    assert features.shape == (len(digits.test.x), 128)
    y = digits.test.y
    centres = np.stack([features[y == label].mean(axis=0) for label in range(10)])
    spread = np.mean([features[y == label].var(axis=0).sum() for label in range(10)])
    assert centres.var(axis=0).sum() > 0.5 * spread


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 2}, "give `input_shape`, or `sample_rate`"),
        ({"input_shape": (8, 8, 1), "sample_rate": 8000}, "Received: input_shape=\\(8, 8, 1\\)"),
        ({"input_shape": (8,), "num_classes": 2}, "Received: input_shape=\\(8,\\)"),
        ({"input_shape": (8, 8, 1), "num_classes": 2, "filters": ()}, "Received: filters=\\(\\)"),
        ({"input_shape": (8, 8, 1), "num_classes": 2, "blocks": -1}, "Received: blocks=-1"),
        ({"input_shape": (8, 8, 1), "num_classes": 2, "dropout": -0.1}, "Received: dropout=-0.1"),
    ],
)
def test_bad_arguments_are_named_in_the_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_cnn(**arguments)
