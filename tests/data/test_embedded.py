"""The embedded data sets contain what they claim."""

import re

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from genai_basics import data as gd
from genai_basics.data.loading import NAMES

EMBEDDED = [name for name, (module, _, _) in NAMES.items() if module != "downloads"]


@pytest.fixture(scope="module")
def loaded():
    return {name: gd.load_data(name) for name in EMBEDDED}


@pytest.mark.parametrize("name", EMBEDDED)
def test_every_set_loads_the_same_each_time(loaded, name):
    data, again = loaded[name], gd.load_data(**loaded[name].source)
    assert data.fingerprint == again.fingerprint
    assert data.spec == again.spec
    assert gd.list_data()[name].startswith(data.kind)
    assert min(len(data.train), len(data.validation), len(data.test)) > 0
    assert gd.spec_from_config(data.spec.to_config()) == data.spec


def test_letters_are_legible(loaded):
    data = loaded["letters"]
    assert "".join(data.spec.class_names) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert data.spec.shape == (28, 28, 1)
    flat = data.train.x.reshape(len(data.train), -1) / 255.0
    right = KNeighborsClassifier(3).fit(flat, data.train.y)
    held_out = data.test.x.reshape(len(data.test), -1) / 255.0
    assert right.score(held_out, data.test.y) > 0.95
    edges = np.concatenate([data.train.x[:, [0, -1]], data.train.x[:, :, [0, -1]].swapaxes(1, 2)])
    assert not edges.any()  # no letter is cut off
    assert gd.load_data("letters", n=260, image_size=14).spec.shape == (14, 14, 1)


@pytest.mark.parametrize(
    ("name", "text", "language"),
    [("place_names", "Bulharsko", "Czech"), ("terms", "couronne suédoise", "French")],
)
def test_names_have_one_language_each(loaded, name, text, language):
    data = loaded[name]
    assert len(data.spec.class_names) == 8
    parts = data.train, data.validation, data.test
    texts = [one for part in parts for one in part.x]
    labels = [label for part in parts for label in part.y]
    assert len(set(texts)) == len(texts)
    assert data.spec.class_names[labels[texts.index(text)]] == language


def test_dates_mean_the_same_on_both_sides(loaded):
    pairs = zip(loaded["dates"].train.x, loaded["dates"].train.y, strict=True)
    for text, iso in list(pairs)[:200]:
        year, _, day = iso.split("-")
        assert year in text
        assert int(day) in map(int, re.findall(r"\d+", text))


def test_key_tones_hold_the_tones_of_their_key(loaded):
    part, names = loaded["key_tones"].test, loaded["key_tones"].spec.class_names
    right = 0
    for clip, label in zip(part.x, part.y, strict=True):
        spectrum = np.abs(np.fft.rfft(clip, 8000))
        row = np.argmax([spectrum[f - 14 : f + 15].max() for f in (697, 770, 852, 941)])
        column = np.argmax([spectrum[f - 25 : f + 26].max() for f in (1209, 1336, 1477)])
        right += ("123", "456", "789", "*0#")[row][column] == names[label]
    assert right > 0.97 * len(part)
    sequences = loaded["key_sequences"]
    assert sequences.spec.alphabet == tuple(sorted("0123456789*#"))
    assert {len(text) for text in sequences.train.y} == {3, 4, 5, 6}


@pytest.mark.parametrize(("name", "rounding"), [("moving_digits", 1e-7), ("moving_letters", 5e-3)])
def test_moving_pictures_keep_their_shape_and_move_a_little(loaded, name, rounding):
    x = loaded[name].train.x
    assert x.shape[1:] == (16, 32, 32, 1)
    ink = x.astype("float64").sum(axis=(2, 3, 4))
    np.testing.assert_allclose(ink, ink[:, :1].repeat(16, axis=1), rtol=rounding)
    rows = np.arange(32)[:, None, None]
    centre = (x * rows).sum(axis=(2, 3, 4)) / ink
    assert np.abs(np.diff(centre, axis=1)).max() <= 4
    assert centre.std(axis=1).mean() > 1


@pytest.mark.parametrize("name", ["scattered_digits", "scattered_letters"])
def test_boxes_hold_the_scattered_objects(loaded, name):
    part = loaded[name].train
    for image, target in zip(part.x, part.y, strict=True):
        assert 1 <= len(target["labels"]) <= 7
        for left, top, right, bottom in target["boxes"].astype(int):
            inside = image[top:bottom, left:right]
            assert inside.max() > 100
            assert inside.size == (bottom - top) * (right - left)


def test_chords_are_chords(loaded):
    data = loaded["chords"]
    assert data.spec.voices == 4
    pieces = np.stack(data.train.x)
    assert pieces.shape[1:] == (64, 4)
    assert (np.diff(pieces[:, ::8], axis=2) < 0).all()  # voices never cross
    leaps = np.abs(np.diff(pieces[:, ::8, 0], axis=1))
    assert leaps.mean() < 3
    final = pieces[:, -8]
    thirds = (final - final[:, 3:]) % 12  # above the root: unison, third, fifth
    assert np.isin(thirds, (0, 3, 4, 7)).all()


def test_sunspots_are_the_observed(loaded):
    x = loaded["sunspots"].train.x[:, 0]
    np.testing.assert_allclose(x[:3], [58.0, 62.6, 70.0], atol=1e-4)
    assert loaded["sunspots"].test.groups["time"][-1] == np.datetime64("1983-12")


def test_topics_are_a_corpus(loaded):
    data = loaded["python_topics"]
    assert data.spec.corpus
    assert len(data.train.x[0]) > 200_000


def test_options_of_sets():
    assert gd.load_data("dates", n=50, locales=("fr",)).spec.kind == "pairs"
    with pytest.raises(ValueError, match="'klingon'"):
        gd.load_data("place_names", languages=("klingon",))
    with pytest.raises(ValueError, match="`image_size` does not apply to 'dates'"):
        gd.load_data("dates", image_size=8)
    with pytest.raises(ValueError, match="leave `kind`"):
        gd.load_data("digits", kind="text")
