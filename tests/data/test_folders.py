"""Realistic folders of pictures: what is read, what is left out, and the warnings about it."""

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from genai_basics import data as gd
from genai_basics.data.files import inner_folder, split_folders, walk
from genai_basics.data.picture_arrays import check_channels_last
from genai_basics.data.predicting import read_inputs
from tests.picture_files import classes, count, labels, load, picture

# Contents of the folder.


def test_every_file_that_is_not_used_is_counted_by_its_ending(tmp_path):
    classes(tmp_path)
    (tmp_path / "cats" / "a.psd").write_bytes(b"x")
    (tmp_path / "cats" / "b.psd").write_bytes(b"x")
    (tmp_path / "README.txt").write_text("pictures of pets")
    (tmp_path / "dogs" / "none").write_text("x")
    for hidden in (".DS_Store", "Thumbs.db", "dogs/._0.png"):
        (tmp_path / hidden).write_text("x")
    data, said = load(tmp_path)
    assert count(data) == 12
    assert "4 files in" in said
    assert "2 .psd (cats/a.psd, ...), 1 .txt (README.txt), 1 without an ending (dogs/none)" in said
    assert "README.txt: not used" in data.skipped
    with pytest.raises(ValueError, match=r"2 \.psd .* drop `strict` \(--strict\)"):
        gd.load_data(tmp_path, strict=True)


def test_a_class_that_cannot_be_read_is_said(tmp_path):
    classes(tmp_path)
    for i in range(3):
        picture(tmp_path / "cows" / "0.png").with_name(f"{i}.heic").write_bytes(
            b"\0\0\0\x18ftypheic"
        )
    (tmp_path / "cows" / "0.png").unlink()
    data, said = load(tmp_path)
    assert data.spec.class_names == ("cats", "dogs")
    assert "Skipped 3 pictures" in said
    assert "cows/0.heic" in said
    assert "No picture of the class 'cows' can be read" in said


def test_links_are_followed_once_and_dead_ones_named(tmp_path):
    classes(tmp_path / "store", ["x"])
    classes(tmp_path / "set", ["cats", "dogs"])
    (tmp_path / "set" / "birds").symlink_to(tmp_path / "store" / "x")
    (tmp_path / "set" / "cats" / "linked.png").symlink_to(tmp_path / "store" / "x" / "0.png")
    (tmp_path / "set" / "cats" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "set" / "dogs" / "loop").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "again").symlink_to(tmp_path / "set" / "cats")
    data, said = load(tmp_path / "set")
    assert data.spec.class_names == ("birds", "cats", "dogs")
    assert count(data) == 19
    assert "broken link (cats/gone.png)" in said
    assert "2 link to a folder already read (again, ...)" in said
    with pytest.raises(ValueError, match="gone"):
        gd.load_data(tmp_path / "set", strict=True)
    assert len(walk(tmp_path / "set")[0]) == 19


def test_thumbnails_of_a_machine_are_no_pictures(tmp_path):
    classes(tmp_path)
    classes(tmp_path / "cats" / "@eaDir", ["0.png"])
    classes(tmp_path / "__MACOSX", ["cats"])
    data, said = load(tmp_path, strict=True)
    assert count(data) == 12
    assert data.spec.class_names == ("cats", "dogs")
    assert "6 in 0.png" in said or "@eaDir" in said


def test_folders_on_top_are_passed_through(tmp_path):
    classes(tmp_path / "archive" / "pets")
    data, said = load(tmp_path)
    assert data.spec.class_names == ("cats", "dogs")
    assert "Reading 'archive/pets' in" in said
    for part in ("train", "test"):
        classes(tmp_path / "b" / "data" / part / "images")
    data, _ = load(tmp_path / "b")
    assert (data.spec.class_names, len(data.test)) == (("cats", "dogs"), 12)
    classes(tmp_path / "c" / "train")
    data, _ = load(tmp_path / "c")
    assert data.spec.class_names == ("cats", "dogs")
    assert len(data.test) == 1
    picture(tmp_path / "d" / "0.png")
    picture(tmp_path / "d" / "more" / "1.png")
    assert inner_folder(tmp_path / "d", (".png",)) == tmp_path / "d"
    for i in range(8):
        picture(tmp_path / "d" / f"{i}.png")
    assert count(load(tmp_path / "d")[0]) == 9


def test_kaggles_test_pictures_without_labels_are_left_out(tmp_path):
    classes(tmp_path / "train", n=10)
    for i in range(4):
        picture(tmp_path / "test" / "unknown" / f"{i}.png")
    for flat in (False, True):
        if flat:
            for i in range(4):
                (tmp_path / "test" / "unknown" / f"{i}.png").rename(tmp_path / "test" / f"{i}.png")
            (tmp_path / "test" / "unknown").rmdir()
        data, said = load(tmp_path)
        assert count(data) == 20
        assert len(data.test) == 2
        assert "The 4 pictures in 'test" in said


def test_a_class_called_train_is_a_class(tmp_path):
    classes(tmp_path, ["bus", "car", "train"])
    assert split_folders(tmp_path) == {}
    assert load(tmp_path)[0].spec.class_names == ("bus", "car", "train")
    classes(tmp_path / "b" / "training_set")
    classes(tmp_path / "b" / "test_set")
    assert len(load(tmp_path / "b")[0].test) == 12


def test_letters_composed_in_two_ways_are_one_class(tmp_path):
    for part, form in (("train", "NFC"), ("test", "NFD")):
        classes(tmp_path / part, [unicodedata.normalize(form, "Käse"), "Brot"])
    data, _ = load(tmp_path)
    assert data.spec.class_names == ("Brot", "Käse")
    assert set(data.test.y) == {0, 1}


@pytest.mark.parametrize("names", [("Cat", "cat"), ("1", "1.0"), ("a b", "a  b")])
def test_labels_that_hardly_differ_are_pointed_out(tmp_path, names):
    _, said = load(classes(tmp_path, [*names, "dog"]))
    assert f"The labels '{names[0]}' and '{names[1]}'" in said.replace(
        f"'{names[1]}' and '{names[0]}'", f"'{names[0]}' and '{names[1]}'"
    )


def test_folders_within_classes_are_pointed_out(tmp_path):
    for camera in ("left", "right"):
        classes(tmp_path / camera)
    data, said = load(tmp_path)
    assert data.spec.class_names == ("left", "right")
    assert "the outer ones are taken as classes" in said


# Scales, formats, axes.


@pytest.mark.parametrize("bits", [12, 16])
def test_a_folder_of_deep_pictures_has_one_scale(tmp_path, bits):
    top = 2**bits - 1
    for i in range(12):
        values = np.full((8, 8), top // 16 * (1 + i % 4), "uint16")
        values[0, 0] = top - 9 if i == 5 else 0
        path = tmp_path / "ab"[i % 2] / f"{i}.{'png' if i % 3 else 'tif'}"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(values).save(path)
    data, said = load(tmp_path)
    assert data.spec.scale == (0, top)
    assert f"{top} white in all of them" in said
    for part in (data.train, data.validation, data.test):
        for name, x in zip(part.groups["file"], part.x, strict=True):
            expected = 255 / 16 * (1 + int(name[2:].split(".")[0]) % 4)
            assert abs(x[4, 4, 0] - expected) < 1
    _names, x = read_inputs([str(tmp_path / "b" / "1.png")], data.spec)
    assert abs(x[0, 4, 4, 0] - 255 / 8) < 1
    again = gd.load_data(tmp_path / "b", like=gd.spec_from_config(data.spec.to_config()))
    assert again.spec.scale == data.spec.scale


@pytest.mark.parametrize(
    ("values", "scale"),
    [([0.0, 0.5, 1.0], (0, 1)), ([3.0, 100.0, 255.0], (0, 255)), ([-2.0, 0.0, 6.0], (-2, 6))],
)
def test_a_folder_of_floats_has_one_scale(tmp_path, values, scale):
    for i in range(12):
        array = np.full((8, 8), values[i % 3], "float32")
        Image.fromarray(array).save(tmp_path / f"{i}.tif")
    data = load(tmp_path, validation=0, test=0)[0]
    assert data.spec.scale == scale
    expected = [round(255 * (v - scale[0]) / (scale[1] - scale[0])) for v in values]
    assert sorted({int(x[0, 0, 0]) for x in data.train.x}) == expected


def test_pictures_as_pillow_decodes_them(tmp_path):
    for i in range(3):
        for ending in ("jpg", "jfif", "jpe", "avif", "webp", "bmp", "tga", "jp2", "pnm"):
            picture(tmp_path / f"{ending}{i}.{ending}", mode="RGB", size=16)
    path = tmp_path / "jpg0.jpg"
    path.write_bytes(path.read_bytes() + bytes(20_000))
    (tmp_path / "png.png").write_bytes((tmp_path / "jpg1.jpg").read_bytes())
    assert count(load(tmp_path)[0]) == 28
    heif = pytest.importorskip("pillow_heif")
    image = Image.fromarray(np.full((16, 16, 3), 120, "uint8"))
    heif.from_pillow(image).save(tmp_path / "phone.HEIC")
    data = load(tmp_path, validation=0, test=0)[0]
    place = list(data.train.groups["file"]).index("phone.HEIC")
    np.testing.assert_allclose(data.train.x[place], 120, atol=3)


def test_a_streamed_folder_is_read_to_its_end_first(tmp_path, monkeypatch):
    from genai_basics.data import images

    monkeypatch.setattr(images, "IN_MEMORY", 1000)
    for i in range(6):
        array = np.random.default_rng(i).integers(0, 256, (64, 64, 3), "uint8")
        Image.fromarray(array).save(tmp_path / f"{i}.jpg")
    whole = (tmp_path / "2.jpg").read_bytes()
    (tmp_path / "2.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "3.jpg").write_bytes((tmp_path / "3.jpg").read_bytes() + bytes(9000))
    data, said = load(tmp_path)
    assert isinstance(data.train.x, gd.ImageFiles)
    assert count(data) == 5
    assert "2.jpg" in said


def test_programs_are_never_started_to_read_a_picture(tmp_path):
    classes(tmp_path)
    (tmp_path / "cats" / "e.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n")
    assert "cats/e.png: no picture" in load(tmp_path)[0].skipped


def test_several_frames_are_said(tmp_path):
    frames = [Image.fromarray(np.full((8, 8), 60 * i, "uint8")) for i in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    for i in range(5):
        picture(tmp_path / f"{i}.png")
    assert "1 pictures have several frames or pages (the first is 'a.gif')" in load(tmp_path)[1]


@pytest.mark.parametrize("shape", [(60, 3, 16, 16), (60, 1, 16, 16), (16, 16, 3, 60)])
def test_channels_elsewhere_are_refused_by_name(tmp_path, shape):
    x = np.zeros(shape, "uint8")
    np.savez(tmp_path / "a.npz", x_train=x, y_train=np.arange(60) % 2)
    with pytest.raises(
        ValueError, match=r"`x_train` .* channels .* np\.transpose\(x_train"
    ) as caught:
        gd.load_data(tmp_path / "a.npz")
    order = eval(str(caught.value).split("np.transpose(x_train, ")[1].split("))")[0] + ")")
    check_channels_last(np.transpose(x, order))
    assert np.transpose(x, order).shape[0] == 60
    with pytest.raises(ValueError, match="channels"):
        gd.load_data(x, kind="images")


def test_grey_pictures_of_other_numbers(tmp_path):
    x = np.random.default_rng(0).integers(0, 4000, (30, 12, 10)).astype("uint16")
    data = gd.load_data(x, validation=0, test=0)
    assert data.spec == gd.ImageSpec((12, 10, 1), scale=(0, 4095))
    np.testing.assert_allclose(
        np.sort(data.train.x.ravel()), np.sort(x.ravel()) / 4095 * 255, atol=1e-3
    )
    standard = np.random.default_rng(0).normal(size=(30, 12, 12))
    with pytest.raises(ValueError, match="looks like grey pictures"):
        gd.load_data(standard)
    assert gd.load_data(standard, kind="series").kind == "series"
    np.savez(tmp_path / "a.npz", images=standard[:, :, :10])
    with pytest.raises(ValueError, match=r"`images` .* looks like grey pictures"):
        gd.load_data(tmp_path / "a.npz")
    scaled = gd.load_data(standard, kind="images", scale=(-4, 4), validation=0, test=0)
    assert scaled.spec.scale == (-4, 4)
    _names, again = read_inputs([str(tmp_path / "a.npz")], gd.ImageSpec((12, 10, 1), scale=(-4, 4)))
    np.testing.assert_allclose(again[..., 0], (standard[:, :, :10] + 4) / 8 * 255, atol=1e-3)


def test_transparent_arrays_become_white_as_files_do():
    x = np.zeros((20, 8, 8, 4), "uint8")
    x[:, :4, :, 3] = 255
    data = gd.load_data(x, validation=0, test=0)
    assert set(data.train.x[:, :4].ravel()) == {0}
    assert set(data.train.x[:, 4:].ravel()) == {255}


def test_labels_that_are_values_or_sets():
    x = np.random.default_rng(0).integers(0, 256, (30, 8, 8), "uint8")
    data = gd.load_data((x, np.linspace(0, 1, 30)))
    assert data.spec.task == "regression"
    flags = np.random.default_rng(0).integers(0, 2, (30, 3))
    data = gd.load_data((x, flags))
    assert data.spec.multi_label
    assert data.train.y.shape[1] == 3


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(4, 9), min_size=2, max_size=4),
    st.integers(0, 3),
    st.floats(0, 0.3),
    st.floats(0, 0.3),
)
def test_any_split_of_a_folder(tmp_path_factory, counts, seed, validation, test):
    root = tmp_path_factory.mktemp("folder")
    for label, n in zip("abcd", counts, strict=False):
        for i in range(n):
            picture(root / label / f"{i}.png", size=2)
    options = {"seed": seed, "validation": validation, "test": test}
    data, _ = load(root, **options)
    parts = (data.train, data.validation, data.test)
    files = [name for part in parts for name in part.groups["file"]]
    assert len(files) == len(set(files)) == sum(counts)
    assert all(name[0] == label for name, label in labels(data).items())
    assert set(data.train.y) == set(range(len(counts)))
    assert bool(len(data.test)) == (test > 0)
    again, _ = load(root, **options)
    np.testing.assert_array_equal(again.test.groups["file"], data.test.groups["file"])


def test_splits_that_share_the_rest_of_their_names(tmp_path):
    for part in ("train", "test"):
        classes(tmp_path / f"seg_{part}" / f"seg_{part}")
    picture(tmp_path / "seg_pred" / "0.png")
    data, said = load(tmp_path)
    assert data.spec.class_names == ("cats", "dogs")
    assert len(data.test) == 12
    assert "1 .png (seg_pred/0.png)" in said
    assert set(split_folders(classes(tmp_path / "b", ["train_station", "bus_stop"]))) == set()


def test_a_folder_without_pictures_is_no_class_and_said(tmp_path):
    (classes(tmp_path) / "cows").mkdir()
    data, said = load(tmp_path)
    assert data.spec.class_names == ("cats", "dogs")
    assert "1 folders in" in said
    assert "(cows)" in said


def test_names_that_look_like_classes_are_pointed_out(tmp_path):
    for i in range(6):
        picture(tmp_path / "train" / f"cat.{i}.png")
        picture(tmp_path / "train" / f"dog.{i}.png")
        picture(tmp_path / "test" / f"{i}.png")
    data, said = load(tmp_path)
    assert data.spec.class_names is None
    assert "their names begin with cat, dog" in said
    for i in range(12):
        picture(tmp_path / "b" / f"IMG_{i}.png")
    assert load(tmp_path / "b")[1] == ""


@pytest.mark.parametrize("name", ["a.wav", "a.mid", "a.xml"])
def test_one_file_of_many_names_the_folder(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match="give the folder that holds it"):
        gd.load_data(tmp_path / name)


def test_a_folder_around_one_file_of_data_names_the_file(tmp_path):
    np.savez(tmp_path / "faces.npz", x=np.zeros((9, 8, 8)))
    (tmp_path / "SOURCE.txt").write_text("from there")
    with pytest.raises(ValueError, match=r"give a single file, such as '.*faces\.npz'"):
        gd.load_data(tmp_path)


def test_pictures_of_many_sizes_take_the_median_size(tmp_path):
    for i in range(12):
        Image.fromarray(np.zeros((20 + i, 60 - i), "uint8")).save(tmp_path / f"{i}.png")
    data, said = load(tmp_path)
    assert data.spec.shape == (25, 54, 1)
    assert "pictures are not 25x54, the usual size" in said
