"""The GAN for short clips."""

import keras
import numpy as np
import pytest

import genai_basics as gb
from genai_basics.gan import evaluation as motion
from genai_basics.gan.video_gan import MovingLayers
from genai_basics.layers import Centred


@pytest.fixture(scope="module")
def clips():
    return gb.load_data("moving_digits", limit=32).train.x[:, :8, :16, :16]


@pytest.fixture(scope="module")
def trained(clips):
    keras.utils.set_random_seed(0)
    gan = gb.build_video_gan((8, 16, 16, 1), latent_dim=8, filters=(4, 8, 8), seed=0)
    gan.compile()
    gan.fit(clips, epochs=2, batch_size=8, verbose=0, validation_data=clips[:8])
    return gan


@pytest.mark.slow
def test_samples_are_clips_that_repeat_themselves(trained, tmp_path):
    samples = trained.sample(3, seed=0)
    assert samples.shape == (3, 8, 16, 16, 1)
    assert samples.dtype == np.uint8
    trained.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(samples, again.sample(3, seed=0))


@pytest.mark.slow
def test_the_discriminator_judges_frames_and_motion(trained, clips):
    scores = trained.predict(clips[:5], verbose=0)
    assert scores.shape == (5, 2)
    backwards = clips[:5].copy()
    backwards[:, 1::2] = backwards[:, 1::2][:, ::-1]  # the frame judge sees the same frames
    again = trained.predict(backwards, verbose=0)
    np.testing.assert_allclose(scores[:, 0], again[:, 0], rtol=1e-4, atol=1e-5)
    assert not np.allclose(scores[:, 1], again[:, 1])


@pytest.mark.slow
def test_the_convolutional_generator_trains_too(clips):
    gan = gb.build_video_gan(
        (8, 16, 16, 1), network="conv", latent_dim=4, filters=(4, 4, 4), seed=0
    )
    gan.compile()
    history = gan.fit(clips, batch_size=16, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert gan.sample(2, seed=0).shape == (2, 8, 16, 16, 1)


@pytest.mark.parametrize("network", ["layers", "conv"])
def test_labels_reach_both_players(clips, network):
    gan = gb.build_video_gan(
        (8, 16, 16, 1), num_classes=3, network=network, latent_dim=4, filters=(4, 4, 4), seed=0
    )
    z = np.ones((3, 4), "float32")
    first, *others = gan.decode(z, [0, 1, 2])
    assert all((first != other).any() for other in others)
    gan.discriminator.get_layer("projection").set_weights([np.eye(3, 16, dtype="float32")])
    scores = gan.predict(clips[:1].repeat(3, axis=0), [0, 1, 2], verbose=0)
    assert len(set(scores[:, 0].tolist())) == 3
    np.testing.assert_allclose(scores[:, 1], scores[0, 1], rtol=1e-5)  # motion has no label


@pytest.mark.slow
def test_long_clips_are_cut_and_grey_ones_need_no_channel(trained, clips):
    longer = np.concatenate([clips, clips], axis=1)
    np.testing.assert_array_equal(trained.prepare(longer)[0], trained.prepare(clips)[0])
    assert trained.prepare(clips[..., 0])[0].shape == clips.shape


def test_motion_statistics_of_a_known_motion():
    clip = np.zeros((1, 6, 16, 16, 1), "uint8")
    for t in range(6):
        clip[0, t, 2 + t, 1 + 2 * t] = 255  # one pixel down, two to the right
    assert motion.speed(clip) == pytest.approx(np.sqrt(5))
    assert motion.acceleration(clip) == pytest.approx(0.0, abs=1e-5)
    assert motion.flicker(clip) == pytest.approx(0.0)
    assert motion.change(clip) == pytest.approx(2 * 255 / 256)


@pytest.mark.slow
def test_report_and_pictures(trained, clips):
    report, _ = trained.report(clips)
    for name in ("frechet_distance", "frame_frechet_distance", "speed", "speed_data", "flicker"):
        assert np.isfinite(report[name])
    assert trained.pictures(clips)["clips"].dtype == np.uint8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (16, 30, 32, 1)}, r"multiples of 8. Received: input_shape=\(16, 30"),
        ({"input_shape": (32, 32, 1)}, r"Received: input_shape=\(32, 32, 1\)"),
        ({"latent_dim": 0}, "Received: latent_dim=0"),
        ({"network": "flow"}, "Received: network='flow'"),
        ({"filters": (8, 8)}, r"Received: filters=\(8, 8\)"),
        ({"loss": "minimax"}, '"non_saturating", "hinge"'),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        gb.build_video_gan(**options)


@pytest.mark.slow
def test_clips_of_differing_lengths_are_refused(trained, clips):
    with pytest.raises(ValueError, match=r"one shape.*Received: shapes"):
        trained.fit([clips[0], clips[1][:5]])


def test_a_picture_moves_along_its_path_before_the_background():
    layer = MovingLayers()
    layer.build(((1, 1, 4, 8, 2), (1, 1, 3, 2)))
    background = np.full((4, 8, 1), -0.5, "float32")
    layer.background.assign(background)
    pictures = np.full((1, 1, 4, 8, 2), -30.0, "float32")
    pictures[0, 0, 1, 2] = 30.0  # one white pixel, and its mask
    # It is 2, 3 and 5 pixels to the right, in quarters of the width: the sum of three cosines.
    k = np.arange(3)
    waves = np.cos(np.pi * k * (k[:, None] + 0.5) / 3) * (1, 1, 1 / 4)
    path = np.zeros((1, 1, 3, 2), "float32")
    path[0, 0, :, 1] = np.linalg.solve(waves, np.array([2, 3, 5]) / (8 / 4))
    frames = keras.ops.convert_to_numpy(layer([pictures, path]))[0]
    # Standardized, the one pixel of 32 is 31 ** 0.5 and the others are minus its inverse.
    number = np.full((4, 8, 1), -(31**-0.5))
    number[1, 2] = 31**0.5
    mask, picture = 1.0 / (1.0 + np.exp(2.0 - 4.0 * number)), np.tanh(2.0 * number)
    for frame, right in zip(frames, (2, 3, 5), strict=True):
        wanted = background.copy()
        there = mask[:, :-right]
        wanted[:, right:] *= 1.0 - there
        wanted[:, right:] += there * picture[:, :-right]
        assert wanted[1, 2 + right] == pytest.approx(1.0)
        np.testing.assert_allclose(frame, wanted, atol=1e-5)


def test_frames_are_centred_on_what_differs_from_the_background():
    layer = Centred()
    layer.build((None, 16, 16, 1))
    layer.background.assign(np.full((16, 16, 1), -1.0))
    frames = np.full((3, 16, 16, 1), -1.0, "float32")
    picture = np.random.default_rng(0).uniform(0, 1, (4, 4, 1))
    for frame, (top, left) in zip(frames, [(0, 0), (6, 6), (12, 3)], strict=True):
        frame[top : top + 4, left : left + 4] = picture
    crops = keras.ops.convert_to_numpy(layer(frames))
    assert crops.shape == (3, 12, 12, 1)
    np.testing.assert_array_equal(crops, crops[:1].repeat(3, axis=0))
    np.testing.assert_allclose(crops[0].sum(), (picture + 1.0).sum(), rtol=1e-6)


def test_a_picture_shows_however_small_its_numbers():
    layer = MovingLayers()
    layer.build(((1, 1, 4, 8, 2), (1, 1, 2, 2)))
    pictures = np.random.default_rng(0).normal(-50.0, 1e-2, (1, 1, 4, 8, 2)).astype("float32")
    frames = keras.ops.convert_to_numpy(layer([pictures, np.zeros((1, 1, 2, 2), "float32")]))
    assert frames.max() - frames.min() > 0.5


def test_the_background_is_what_stands_still(clips):
    gan = gb.build_video_gan((8, 16, 16, 1), latent_dim=4, filters=(4, 4, 4), seed=0)
    still = np.full_like(clips, 200)
    gan.adapt(still)
    np.testing.assert_allclose(gan.generator.layers[-1].background, 200 / 127.5 - 1, atol=1e-6)


def test_a_frozen_background_stays(clips):
    gan = gb.build_video_gan((8, 16, 16, 1), latent_dim=4, filters=(4, 4, 4), seed=0)
    gan.generator.layers[-1].trainable = False
    gan.adapt(np.full_like(clips, 200))
    np.testing.assert_array_equal(gan.generator.layers[-1].background, 0.0)
