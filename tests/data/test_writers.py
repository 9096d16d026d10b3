"""Writing samples, and reading the inputs of `predict`."""

import io

import numpy as np
import pytest
from PIL import Image

from genai_basics import data as gd
from genai_basics.data.predicting import read_inputs
from genai_basics.data.sound_files import read_sound
from genai_basics.data.writers import image_grid, write_samples

GREY = gd.ImageSpec((8, 8, 1))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1)).astype("uint8")


def test_an_empty_input_is_refused():
    with pytest.raises(ValueError, match="input is empty"):
        read_inputs(["a text", " "], gd.TextSpec())


def test_a_grid_is_of_pleasant_size_and_holds_every_picture(images):
    grid = image_grid(images, columns=3)
    assert 600 <= grid.shape[1] <= 900
    side = (grid.shape[1] - 2) // 3
    cells = grid[2:, 2:, 0][: 2 * side, : 3 * side].reshape(2, side, 3, side)[:, : side - 2, :, :-2]
    means = cells.mean(axis=(1, 3)).ravel()  # smooth enlargement preserves brightness
    np.testing.assert_allclose(means, images.mean(axis=(1, 2, 3)), atol=4)


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
    with pytest.raises(ValueError, match=r"\.png, .*\.npy, \.npz, a folder"):
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


@pytest.mark.parametrize("name", ["s.png", "s.gif", "s.npy", "s.npz"])
def test_pictures_of_many_sizes_go_to_a_folder(tmp_path, name):
    images = [np.zeros((8, 8, 1), "uint8"), np.zeros((5, 6, 1), "uint8")]
    with pytest.raises(ValueError, match="use a folder"):
        write_samples(images, tmp_path / name, GREY)
    assert not list(tmp_path.iterdir())
    assert len(write_samples(images, tmp_path / "all", GREY)) == 2


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


def test_predict_takes_the_column_of_texts_and_the_side_of_sources(tmp_path):
    (tmp_path / "t.csv").write_text('text,label\n"one, and ""more""",yes\ntwo,no\n')
    assert read_inputs([str(tmp_path / "t.csv")], gd.TextSpec())[1] == ['one, and "more"', "two"]
    (tmp_path / "p.tsv").write_text("one\tun\ntwo\tdeux\n")
    assert read_inputs([str(tmp_path / "p.tsv")], gd.PairSpec())[1] == ["one", "two"]


def test_a_file_is_no_literal_text(tmp_path):
    (tmp_path / "notes.md").write_text("one\ntwo\n")
    assert read_inputs([str(tmp_path / "notes.md")], gd.TextSpec())[1] == ["one", "two"]
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\0\0")
    with pytest.raises(ValueError, match="is not a text file"):
        read_inputs([str(tmp_path / "a.jpg")], gd.TextSpec())


def test_predict_skips_what_is_broken_in_a_folder_and_says_so(tmp_path):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no picture")
    with pytest.warns(UserWarning, match=r"Skipped 1 pictures .*b\.png"):
        names, _x = read_inputs([str(tmp_path)], GREY)
    assert names == [str(tmp_path / "a.png")]
    (tmp_path / "a.png").unlink()
    with pytest.raises(ValueError, match=r"no pictures that can be read: .*b\.png"):
        read_inputs([str(tmp_path)], GREY)


@pytest.mark.parametrize("values", [-1.0, 40_000])
def test_values_that_are_no_pixels_are_refused(tmp_path, values):
    np.save(tmp_path / "x.npy", np.full((2, 8, 8), values))
    with pytest.raises(ValueError, match="0 to 255 or of 0 to 1"):
        read_inputs([str(tmp_path / "x.npy")], GREY)


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


def test_predict_reads_arrays_rows_series_and_sound(tmp_path):
    np.save(tmp_path / "v.npy", np.ones((2, 3)))
    (tmp_path / "v.csv").write_text("1,2,3\n4,5,6\n")
    names, x = read_inputs([str(tmp_path / "v.npy"), str(tmp_path / "v.csv")], gd.VectorSpec((3,)))
    assert x.shape == (4, 3)
    assert names[-1].endswith("v.csv[1]")
    assert read_inputs([str(tmp_path / "v.npy")], gd.SeriesSpec((3, 1)))[1].shape == (2, 3, 1)
    assert read_inputs([str(tmp_path / "v.csv")], gd.SeriesSpec((None, 3)))[1].shape == (1, 2, 3)
    assert len(read_inputs([str(tmp_path / "v.npy")], gd.AudioSpec(8000))[1]) == 2
    forecast = gd.ForecastSpec(("a", "b", "c"), ("a",))
    assert read_inputs([str(tmp_path / "v.npy")], forecast)[1][0].shape == (2, 3)
    for spec in (gd.VectorSpec((4,)), gd.SeriesSpec((None, 2)), GREY):
        with pytest.raises(ValueError, match="must hold"):
            read_inputs([str(tmp_path / "v.npy")], spec)
    (tmp_path / "v.csv").write_text("1,2,3\n4,5,many\n")
    with pytest.raises(ValueError, match="'many' instead of a number"):
        read_inputs([str(tmp_path / "v.csv")], gd.VectorSpec((3,)))


def test_predict_keeps_the_size_of_pictures_with_boxes(tmp_path):
    Image.new("L", (20, 30)).save(tmp_path / "a.png")
    _names, x = read_inputs([str(tmp_path / "a.png")], gd.DetectionSpec((None, None, 3), ("cat",)))
    assert x.shape == (1, 30, 20, 3)


def test_other_kinds_are_written(tmp_path):
    clips = [np.zeros(800), np.ones(400)]
    [path] = write_samples(clips, tmp_path / "a.wav", gd.AudioSpec(8000))
    assert len(read_sound(path).samples) == 800 + 2000 + 400
    assert len(write_samples(clips, tmp_path / "clips", gd.AudioSpec(8000))) == 2
    [path] = write_samples(clips, tmp_path / "a.npz", gd.AudioSpec(8000))
    assert list(np.load(path)["lengths"]) == [800, 400]
    table = {"age": np.array([1, 2]), "town": np.array(["Rome", "Oslo"])}
    spec = gd.TableSpec((("age", "number"), ("town", "category")))
    [path] = write_samples(table, tmp_path / "t.csv", spec)
    assert path.read_text() == "age,town\n1,Rome\n2,Oslo\n"
    series = np.arange(6.0).reshape(1, 3, 2)
    [path] = write_samples(series, tmp_path / "s.csv", gd.SeriesSpec((3, 2)))
    assert path.read_text().startswith("x0,x1\n0.0,1.0\n")
    assert len(write_samples(["one", "two"], tmp_path / "texts", gd.TextSpec())) == 2
    with pytest.raises(ValueError, match=r"different shapes.*\.npz"):
        write_samples(clips, tmp_path / "a.npy", gd.AudioSpec(8000))
    with pytest.raises(ValueError, match="no samples"):
        write_samples([], tmp_path / "a.txt", gd.TextSpec())
