"""Writing samples, and reading what `predict` is given."""

import io

import numpy as np
import pytest
from PIL import Image

from genai_basics import data as gd
from genai_basics.data.inputs import read_inputs
from genai_basics.data.writers import image_grid, write_samples

GREY = gd.ImageSpec((8, 8, 1))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1)).astype("uint8")


def test_a_grid_is_of_pleasant_size_and_holds_every_picture(images):
    grid = image_grid(images, columns=3)
    assert 600 <= grid.shape[1] <= 900
    side = (grid.shape[1] - 2) // 3
    corners = grid[2 : 2 + 2 * side : side, 2 : 2 + 3 * side : side, 0]
    np.testing.assert_array_equal(corners.ravel(), images[:, 0, 0, 0])


@pytest.mark.parametrize("name", ["grid.png", "s.npy", "s.npz", "folder"])
def test_pictures_are_written_as_the_ending_says(tmp_path, images, name):
    written = write_samples(images, tmp_path / "new" / name, GREY, labels=list("abcdef"))
    assert all(path.exists() for path in written)
    assert not list((tmp_path / "new").rglob(".*"))
    if name == "s.npz":
        file = np.load(written[0])
        np.testing.assert_array_equal(file["samples"], images)
        assert list(file["labels"]) == list("abcdef")
    if name == "folder":
        assert [path.name for path in written][:2] == ["0_a.png", "1_b.png"]
        np.testing.assert_array_equal(np.asarray(Image.open(written[3])), images[3, :, :, 0])


def test_an_unsuitable_ending_lists_the_suitable(tmp_path, images):
    with pytest.raises(ValueError, match=r"\.png, \.npy, \.npz, a folder"):
        write_samples(images, tmp_path / "s.mid", GREY)


def test_a_place_that_cannot_be_written(tmp_path, images):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written"):
        write_samples(images, tmp_path / "file" / "grid.png", GREY)


def test_floats_of_0_to_1_are_written_bright(tmp_path):
    spec = gd.ImageSpec((8, 8, 1), (0, 1))
    [path] = write_samples(np.ones((1, 8, 8, 1), "float32"), tmp_path / "one.png", spec)
    assert np.asarray(Image.open(path)).min() == 255


def test_texts_are_one_a_line(tmp_path):
    [path] = write_samples(["one", "two\nlines"], tmp_path / "s.txt", gd.TextSpec())
    assert path.read_text() == "one\ntwo\\nlines\n"


def test_clips_play(tmp_path):
    clips = np.random.default_rng(0).integers(0, 256, (3, 5, 8, 8, 1)).astype("uint8")
    spec = gd.VideoSpec((5, 8, 8, 1), fps=10)
    [path] = write_samples(clips, tmp_path / "s.gif", spec)
    assert Image.open(path).n_frames == 5


def test_predict_converts_pictures_of_other_sizes_and_modes(tmp_path, images):
    Image.new("RGB", (20, 30), "white").save(tmp_path / "a.png")
    np.save(tmp_path / "b.npy", images.squeeze())
    names, x = read_inputs([str(tmp_path / "a.png"), str(tmp_path / "b.npy")], GREY)
    assert x.shape == (7, 8, 8, 1)
    assert x.dtype == np.uint8
    assert names[0].endswith("a.png")
    assert names[1].endswith("b.npy[0]")
    np.testing.assert_array_equal(x[1:], images)
    assert len(read_inputs([str(tmp_path)], GREY)[1]) == 7


def test_predict_reads_texts_files_of_lines_and_standard_input(tmp_path, monkeypatch):
    (tmp_path / "t.txt").write_text("one\ntwo\n", encoding="utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO("three\n"))
    names, x = read_inputs(["a film", str(tmp_path / "t.txt"), "-"], gd.TextSpec())
    assert x == names == ["a film", "one", "two", "three"]


@pytest.mark.parametrize(
    ("argument", "message"), [("none.png", "none.png"), (".", "holds no pictures")]
)
def test_inputs_that_are_not_there_are_named(tmp_path, monkeypatch, argument, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        read_inputs([argument], GREY)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"text\.png"):
        read_inputs(["text.png"], GREY)
