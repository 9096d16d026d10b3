"""Compression by an autoencoder: the rate, the tables, and the exactness of the codec."""

import subprocess
import sys

import numpy as np
import pytest
from keras import ops

from genai_basics import EntropyModel, build_autoencoder, load_data
from genai_basics.autoencoder.compression import CodecError, pack, unpack
from genai_basics.autoencoder.entropy import LARGEST, round_straight_through
from genai_basics.autoencoder.transform import step_of
from genai_basics.backend import gradients

SMALL = {"hidden_units": (64,), "seed": 0}


CONV = {"filters": (8, 16), "seed": 0}


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


@pytest.fixture(scope="module")
def codec(digits):
    model = build_autoencoder((8, 8, 1), latent_dim=8, rate=0.01, **SMALL)
    model.compile()
    model.fit(digits.train.x, epochs=15, verbose=0)
    return model


def test_the_gradient_passes_straight_through_the_rounding():
    z = ops.convert_to_tensor(np.array([0.2, 1.7, -3.4], "float32"))
    values, slopes = gradients(lambda z: round_straight_through(z) * 2.0, z)
    np.testing.assert_array_equal(values, [0.0, 4.0, -6.0])
    np.testing.assert_array_equal(slopes, [2.0, 2.0, 2.0])


def test_the_rate_is_a_distribution_over_whole_numbers_with_the_gradient_of_its_formula():
    entropy = EntropyModel()
    entropy.build(2)
    rng = np.random.default_rng(0)
    for variable in entropy.trainable_variables:
        variable.assign(ops.convert_to_numpy(variable) + rng.normal(0, 0.5, variable.shape))
    grid = np.repeat(np.arange(-80, 81, dtype="float32")[:, None], 2, axis=1)
    mass = np.exp(-ops.convert_to_numpy(entropy.nats(grid))).sum(axis=0)
    np.testing.assert_allclose(mass, 1.0, atol=1e-4)
    z, step = np.array([[0.3, -2.2]], "float32"), 1e-2
    _, slope = gradients(lambda z: ops.sum(entropy.bits(z)), ops.convert_to_tensor(z))
    for j in range(2):
        move = np.eye(2, dtype="float32")[j] * step
        ends = [float(ops.sum(entropy.bits(z + sign * move))) for sign in (1, -1)]
        assert float(slope[0, j]) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=2e-2)


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((1, 2)),
        np.full((50, 2), LARGEST),
        np.array([[-LARGEST, LARGEST], [LARGEST, -LARGEST]] * 30),
        np.random.default_rng(0).integers(-LARGEST, LARGEST + 1, (2000, 2)),
    ],
    ids=["one", "largest", "alternating", "random"],
)
def test_the_coder_returns_every_code_exactly(codes):
    pytest.importorskip("constriction")
    entropy = EntropyModel()
    entropy.build(2)
    entropy.fit_tables(np.zeros((100, 2)))  # fitted to zeros only
    assert int(entropy.frequencies.numpy().sum(axis=1)[0]) == 2**20
    again = entropy.decode(entropy.encode(codes), codes.size)
    np.testing.assert_array_equal(again.reshape(codes.shape), codes)


@pytest.mark.slow
def test_pictures_come_back_as_the_model_reconstructs_them(codec, digits):
    data = codec.compress(digits.test.x, names=[f"{i}.png" for i in range(len(digits.test))])
    pictures, names = codec.decompress(data)
    expected = codec.predict(digits.test.x, verbose=0).astype(int)
    assert np.abs(pictures.astype(int) - expected).max() <= 1
    assert names[3] == "3.png"


def test_the_file_is_as_short_as_the_rate_says(codec, digits):
    codes = codec.encode(digits.train.x)
    counts = [np.unique(column, return_counts=True)[1] / len(codes) for column in codes.T]
    entropy = -sum((p * np.log2(p)).sum() for p in counts) / 8 * len(codes)
    assert len(codec.compress(digits.train.x)) < 1.05 * entropy + 50


def test_a_width_of_rounding_suits_the_rate():
    step = step_of(0.01)
    bits, error = np.array([6.0, 6.001]), []
    for b in bits:  # bits of a uniform number in [0, 1), in steps of 2^-b
        error.append((2.0**-b) ** 2 / 12)
    slope = (error[0] - error[1]) / (bits[1] - bits[0])
    assert step_of(slope) == pytest.approx(2.0**-6, rel=1e-3)
    assert step**2 / 12 == pytest.approx(0.01 / (2 * np.log(2)))


@pytest.mark.slow
def test_bright_pictures_are_kept_too(digits):
    bright = 255 - digits.train.x
    model = build_autoencoder((8, 8, 1), rate=0.003, **SMALL)
    model.compile()
    model.fit(bright, epochs=2, verbose=0)
    x = 255 - digits.test.x
    file = model.compress(x)
    error = np.square(x - model.decompress(file)[0].astype("float32")).mean()
    assert error < 0.1 * (x - bright.mean(axis=0)).var()
    assert len(file) / len(x) < 40  # instead of 64 bytes


@pytest.mark.slow
@pytest.mark.parametrize(("most", "tables"), [(2048, 4 * 4 * 3), (10, 3)], ids=["place", "channel"])
def test_a_code_with_places_has_tables_for_each_or_for_its_channels(monkeypatch, most, tables):
    monkeypatch.setattr("genai_basics.autoencoder.autoencoder.TABLES", most)
    x = np.random.default_rng(0).integers(0, 256, (64, 16, 16, 1)).astype("uint8")
    model = build_autoencoder((16, 16, 1), latent_dim=3, rate=0.001, **CONV)
    model.compile()
    model.fit(x, epochs=1, verbose=0)
    assert model.encode(x[:2]).shape == (2, 4, 4, 3)
    assert model.entropy.frequencies.shape[0] == tables
    opened, _ = model.decompress(model.compress(x[:20]))
    assert np.abs(opened.astype(int) - model.predict(x[:20], verbose=0).astype(int)).max() <= 1


def test_pictures_of_other_sizes_are_cut_into_tiles(codec):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, size).astype("uint8") for size in ((20, 9, 1), (3, 8, 1))]
    outputs, _ = codec.decompress(codec.compress(pictures))
    assert [output.shape for output in outputs] == [(20, 9, 1), (3, 8, 1)]


def test_the_pictures_of_a_codec_show_it_beside_others(codec, digits):
    pictures = codec.pictures(digits.test.x)
    assert set(pictures) == {"reconstructions", "rate_distortion"}


@pytest.mark.slow
def test_a_file_decodes_in_a_new_process(codec, digits, tmp_path):
    codec.save(tmp_path / "codec.keras")
    (tmp_path / "digits.gbac").write_bytes(codec.compress(digits.test.x[:20]))
    code = (
        "import keras, numpy as np, genai_basics\n"
        "model = keras.models.load_model('codec.keras')\n"
        "x, _ = model.decompress(open('digits.gbac', 'rb').read())\n"
        "np.save('x.npy', x)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    expected = codec.predict(digits.test.x[:20], verbose=0).astype(int)
    assert np.abs(np.load(tmp_path / "x.npy").astype(int) - expected).max() <= 1


def test_every_truncation_and_every_flipped_bit_is_an_error():
    data = pack(b"modelxyz", {"n": 3}, b"some body of words")
    assert unpack(data, b"modelxyz") == ({"n": 3}, b"some body of words")
    for size in range(len(data)):
        with pytest.raises(CodecError, match=r"cut off|not a file"):
            unpack(data[:size], b"modelxyz")
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CodecError, match=r"damaged|cut off|not a file"):
            unpack(bytes(flipped), b"modelxyz")


def test_another_model_or_version_is_told_from_damage(codec, digits, monkeypatch):
    data = codec.compress(digits.test.x[:3])
    other = build_autoencoder((8, 8, 1), latent_dim=8, rate=0.01, **SMALL)
    with pytest.raises(CodecError, match="another model"):
        other.decompress(data)
    monkeypatch.setattr("genai_basics.autoencoder.compression.VERSION", 2)
    newer = codec.compress(digits.test.x[:3])
    monkeypatch.undo()
    with pytest.raises(CodecError, match="version 2"):
        codec.decompress(newer)
    with pytest.raises(CodecError, match="not a file that"):
        codec.decompress(b"PNG but not really")
