"""Reading pictures: what users have, and what may be wrong with it."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image

from genai_basics import data as gd
from genai_basics.data import images as images_module


def picture(path, size=(12, 10), mode="RGB", value=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = 3 if mode == "RGB" else 1
    values = np.random.default_rng(len(str(path))).integers(0, 256, (size[1], size[0], channels))
    if value is not None:
        values[:] = value
    Image.fromarray(values.astype("uint8").squeeze()).save(path)
    return path


@pytest.fixture
def classes(tmp_path):
    for name in ("cats", "dogs"):
        for i in range(10):
            picture(tmp_path / name / f"{i}.png")
    return tmp_path


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, genai_basics.data as d; d.list_data(); "
        "heavy = {'keras', 'tensorflow', 'sklearn', 'scipy', 'PIL'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_digits_are_split_by_class_and_the_same_each_time():
    first, second = gd.load_data("digits"), gd.load_data("digits")
    assert first.spec == gd.ImageSpec((8, 8, 1), (0, 255), tuple("0123456789"))
    assert len(first.train) + len(first.validation) + len(first.test) == 1797
    assert first.train.x.dtype == np.uint8
    assert first.train.x.max() == 255
    np.testing.assert_array_equal(first.test.x, second.test.x)
    shares = np.bincount(first.test.y) / len(first.test)
    np.testing.assert_allclose(shares, np.bincount(first.train.y) / len(first.train), atol=0.01)
    assert not np.array_equal(gd.load_data("digits", seed=1).test.x, first.test.x)
    assert first.fingerprint == second.fingerprint
    assert gd.load_data(**first.source).fingerprint == first.fingerprint


def test_no_example_is_in_two_parts():
    x = np.arange(1000, dtype="float32").reshape(500, 2)
    data = gd.load_data((x, np.arange(500) % 3), seed=3)
    rows = np.concatenate([part.x[:, 0] for part in (data.train, data.validation, data.test)])
    assert sorted(rows) == list(x[:, 0])
    assert len(data.test) == 50


def test_a_class_of_one_example_stays_in_training():
    y = np.array([0] * 99 + [1])
    for seed in range(20):
        data = gd.load_data((np.random.rand(100, 2), y), seed=seed)
        assert 1 in data.train.y


def test_splits_of_a_file_are_kept(tmp_path):
    x, y = np.random.default_rng(0).integers(0, 256, (60, 8, 8)), np.arange(60).reshape(-1, 1) % 3
    arrays = {"x_train": x[:50], "y_train": y[:50], "x_test": x[50:], "y_test": y[50:]}
    np.savez(tmp_path / "d.npz", **arrays)
    data = gd.load_data(tmp_path / "d.npz")
    assert (len(data.train), len(data.validation), len(data.test)) == (45, 5, 10)
    np.testing.assert_array_equal(data.test.x[..., 0], x[50:])
    assert data.spec.class_names == ("0", "1", "2")
    np.savez(
        tmp_path / "b.npz",
        **{"train_images": x, "train_labels": y, "val_images": x[:5], "val_labels": y[:5]},
        **{"test_images": x[:7], "test_labels": y[:7]},
    )  # MedMNIST's names
    data = gd.load_data(tmp_path / "b.npz")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [len(x), 5, 7]
    np.testing.assert_array_equal(data.test.x[..., 0], x[:7])


def test_a_class_folder_gives_labels_and_a_split_folder_splits(classes, tmp_path):
    data = gd.load_data(classes)
    assert data.spec == gd.ImageSpec((10, 12, 3), (0, 255), ("cats", "dogs"))
    name = data.train.groups["file"][0]
    assert data.spec.class_names[data.train.y[0]] == name.split("/")[0]
    for split in ("train", "test"):
        for name in ("a", "b"):
            for i in range(4):
                picture(tmp_path / "split" / split / name / f"{i}.jpg", mode="L")
    data = gd.load_data(tmp_path / "split", validation=2)
    assert data.spec.shape == (10, 12, 1)
    assert len(data.test) == 8
    assert len(data.validation) == 2
    assert all(name.startswith("test") for name in data.test.groups["file"])


def test_a_flat_folder_of_mixed_sizes_takes_the_commonest_and_says_so(tmp_path):
    for i in range(8):
        picture(tmp_path / f"{i}.png", size=(20, 16) if i < 3 else (12, 10))
    with pytest.warns(UserWarning, match="3 of 8 pictures are not 10x12"):
        data = gd.load_data(tmp_path)
    assert data.train.x.shape[1:] == (10, 12, 3)
    assert data.train.y is None
    assert gd.load_data(tmp_path, image_size=6, color="grey").spec.shape == (6, 6, 1)


def test_tiles_cover_a_picture_and_stay_as_they_are():
    image = np.arange(10 * 13 * 2).reshape(10, 13, 2)
    tiles = images_module.cut_tiles(image, (4, 5))
    assert tiles.shape == (9, 4, 5, 2)
    corners = [(top, left) for top in (0, 3, 6) for left in (0, 4, 8)]
    for tile, (top, left) in zip(tiles, corners, strict=True):
        np.testing.assert_array_equal(tile, image[top : top + 4, left : left + 5])
    whole = images_module.cut_tiles(image[:8, :10], (4, 5))
    rows = whole.reshape(2, 2, 4, 5, 2).transpose(0, 2, 1, 3, 4).reshape(8, 10, 2)
    np.testing.assert_array_equal(rows, image[:8, :10])


def test_pictures_are_cut_up_and_each_stays_in_one_part(tmp_path):
    for i in range(8):
        picture(tmp_path / f"{i}.png", size=(16 + 8 * i, 12), mode="L")
    picture(tmp_path / "small.png", size=(8, 7), mode="L")
    with pytest.warns(UserWarning, match="small.png: smaller than a tile of 8x8"):
        data = gd.load_data(tmp_path, image_size=8, fit="tiles")
    assert data.spec == gd.ImageSpec((8, 8, 1), fit="tiles")
    parts = [part.groups["file"] for part in (data.train, data.validation, data.test)]
    assert sum(map(len, parts)) == 2 * sum(2 + i for i in range(8))
    assert sum(len(set(names)) for names in parts) == len(set(np.concatenate(parts))) == 8
    with Image.open(tmp_path / parts[0][0]) as image:
        np.testing.assert_array_equal(data.train.x[0, ..., 0], np.asarray(image)[:8, :8])
    with pytest.raises(ValueError, match="'tiles' needs their size"):
        gd.load_data(tmp_path, fit="tiles")


def test_one_picture_is_enough_to_cut_up(tmp_path, monkeypatch):
    path = picture(tmp_path / "one.png", size=(80, 80), mode="L")
    data = gd.load_data(path, image_size=8, fit="tiles")
    assert (len(data.train), len(data.validation), len(data.test)) == (81, 9, 10)
    with pytest.raises(ValueError, match="is one picture: give a folder of them, or cut it up"):
        gd.load_data(path)
    monkeypatch.setattr(images_module, "IN_MEMORY", 25 * 64)
    with pytest.warns(UserWarning, match="One of 4 tiles is used"):
        data = gd.load_data(path, image_size=8, fit="tiles", validation=0, test=0)
    every_fourth = images_module.cut_tiles(images_module.decode_image(path), (8, 8))[::4]
    np.testing.assert_array_equal(np.sort(data.train.x, axis=0), np.sort(every_fourth, axis=0))


def test_an_array_fits_as_a_folder_of_the_same_pictures_does(tmp_path):
    x = np.stack([np.asarray(Image.open(picture(tmp_path / f"{i}.png"))) for i in range(4)])
    for fit in ("stretch", "crop", "tiles"):
        options = {"image_size": 6, "fit": fit, "validation": 0, "test": 0}
        held, read = gd.load_data(x, **options).train.x, gd.load_data(tmp_path, **options).train.x
        assert held.shape == read.shape
        np.testing.assert_array_equal(held, read)


def test_transparent_sixteen_bit_and_turned_pictures(tmp_path):
    rgba = np.zeros((4, 4, 4), "uint8")
    Image.fromarray(rgba).save(tmp_path / "clear.png")
    assert images_module.decode_image(tmp_path / "clear.png").min() == 255
    Image.fromarray(np.full((4, 4), 40_000, "uint16")).save(tmp_path / "deep.png")
    assert images_module.decode_image(tmp_path / "deep.png").max() == round(40_000 / 257)
    Image.fromarray(np.full((4, 4), 0.5, "float32")).save(tmp_path / "float.tif")
    assert images_module.decode_image(tmp_path / "float.tif").max() == 128
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 4)).save(tmp_path / "turned.jpg", exif=exif)
    assert images_module.decode_image(tmp_path / "turned.jpg").shape == (6, 4, 3)


def test_broken_pictures_are_named_and_skipped(classes):
    (classes / "cats" / "bad.png").write_text("this is text")
    whole = picture(classes / "cats" / "cut.jpg").read_bytes()
    (classes / "cats" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match="Skipped 2 pictures .*bad.png: no picture"):
        data = gd.load_data(classes)
    assert [line.split(":")[0] for line in data.skipped] == ["cats/bad.png", "cats/cut.jpg"]
    with pytest.raises(ValueError, match=r"bad\.png"):
        gd.load_data(classes, strict=True)


def test_a_folder_larger_than_memory_streams(classes, monkeypatch):
    held = gd.load_data(classes)
    monkeypatch.setattr(images_module, "IN_MEMORY", 1000)
    data = gd.load_data(classes)
    x = data.train.x
    assert isinstance(x, gd.ImageFiles)
    assert x.shape == held.train.x.shape
    assert x.dtype == np.uint8
    np.testing.assert_array_equal(x[3:5], held.train.x[3:5])
    np.testing.assert_array_equal(x[np.array([4, 0])], held.train.x[[4, 0]])
    np.testing.assert_array_equal(x[-1], held.train.x[-1])
    assert isinstance(data.test.take([0]).x, gd.ImageFiles)
    np.testing.assert_array_equal(data.train.y, held.train.y)


def test_like_reads_other_data_as_the_first_were_read(classes, tmp_path):
    first = gd.load_data(classes)
    picture(tmp_path / "new" / "dogs" / "a.png", size=(30, 30), mode="L")
    picture(tmp_path / "new" / "dogs" / "b.png", size=(30, 30), mode="L")
    second = gd.load_data(tmp_path / "new", like=first.spec, test=0, validation=0)
    assert second.spec == first.spec
    assert set(second.train.y) == {1}
    picture(tmp_path / "new" / "cows" / "a.png")
    with pytest.raises(ValueError, match="'cows' is not one of the classes cats, dogs"):
        gd.load_data(tmp_path / "new", like=first.spec.to_config())


def test_floats_keep_their_range():
    x = np.random.default_rng(0).random((20, 6, 6))
    assert gd.load_data(x).spec.value_range == (0, 1)
    data = gd.load_data(x * 255)
    assert data.spec.value_range == (0, 255)
    assert data.train.x.dtype == np.float32


def test_limit_and_group():
    data = gd.load_data("digits", limit=50)
    assert len(data.train) == len(data.validation) == len(data.test) == 50


def test_one_class_is_no_class(tmp_path):
    for i in range(5):
        picture(tmp_path / "only" / f"{i}.png")
    with pytest.warns(UserWarning, match="have the label 'only'; a single class says nothing"):
        data = gd.load_data(tmp_path)
    assert data.train.y is None
    assert data.spec.num_classes is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p / "none", "neither a file or folder nor a name of data; .* digits"),
        (lambda p: p, "holds nothing that can be read"),
        (lambda p: np.full((9, 4, 4), np.nan), "9 of 9 examples hold NaN"),
        (lambda p: (np.zeros((9, 4, 4)), np.zeros(8)), "9 examples and 8 labels"),
        (lambda p: np.eye(4, dtype="uint8")[None] * 255, "too few examples.*give more"),
        (lambda p: np.zeros((0, 4, 4, 1), "uint8"), "no examples"),
        (lambda p: (np.random.rand(9, 4), ["a"] * 8 + [""]), "empty label"),
    ],
)
def test_bad_sources(tmp_path, make, message):
    with pytest.raises(ValueError, match=message):
        gd.load_data(make(tmp_path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "nonsense"}, '`kind` must be "images"'),
        ({"kind": "vectors"}, r"--kind.*Received: shape \(9, 4, 4\)"),
        ({"target": "price"}, "`target` does not apply to kind 'images'.*--kind"),
        ({"color": "blue"}, "color='blue'"),
        ({"image_size": 0}, "image_size=0"),
        ({"test": 1.5}, "test=1.5"),
        ({"group": "speaker"}, "group='speaker'"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        gd.load_data(np.random.default_rng(0).integers(0, 256, (9, 4, 4)), **options)


def test_values_outside_the_range():
    x = np.random.default_rng(0).normal(size=(9, 4, 4, 1))
    with pytest.raises(ValueError, match="0 to 255 or of 0 to 1"):
        gd.load_data(x)
    with pytest.warns(UserWarning, match="the same value"):
        gd.load_data(np.zeros((9, 4, 4, 1)))


@pytest.mark.parametrize("name", ["cut.npz", "cut.npy", "text.npy", "objects.npy"])
def test_broken_array_files(tmp_path, name):
    path = tmp_path / name
    if name == "text.npy":
        path.write_text("hello")
    elif name == "objects.npy":
        np.save(path, np.array([{}, None]), allow_pickle=True)
    else:
        (np.savez if name.endswith("z") else np.save)(path, np.zeros((50, 4, 4)))
        path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match=name):
        gd.load_data(path)


def test_downloads_name_the_embedded_set_where_there_is_no_network(monkeypatch):
    def fail():
        raise Exception("URL fetch failure")

    from types import SimpleNamespace

    fake = SimpleNamespace(mnist=SimpleNamespace(load_data=fail))
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(datasets=fake))
    with pytest.raises(ValueError, match="'digits' needs no network"):
        gd.load_data("mnist")


def test_specs_survive_json():
    import json

    spec = gd.TableSpec((("age", "number"), ("town", "category")), "price", "regression")
    assert gd.spec_from_config(json.loads(json.dumps(spec.to_config()))) == spec
    with pytest.raises(ValueError, match="kind='nothing'"):
        gd.spec_from_config({"kind": "nothing"})
    assert set(gd.load_data("digits").spec.facts()) == {
        *("input_shape", "value_range", "num_classes", "class_names")
    }


def test_rare_and_absent_classes_are_said():
    y = np.array([0] * 196 + [1] * 3 + [2])
    x = np.random.default_rng(0).random((200, 3))
    with warnings.catch_warnings(record=True, action="always") as record:
        gd.load_data((x, y))
    said = " ".join(str(item.message) for item in record)
    assert "1 classes have under 1% of the 162 training examples: '2' (1)" in said
    assert "2 classes have none of the 20 test examples: '1' (0), '2' (0)" in said


def test_vectors_to_regress():
    x = np.random.default_rng(0).random((50, 3))
    data = gd.load_data((x, x.sum(axis=1, keepdims=True)))
    assert data.spec == gd.VectorSpec((3,), None, "regression")
    assert data.train.y.shape == (41,)
    counts = gd.load_data((x, np.arange(50)), task="regression")
    assert gd.load_data((x, np.arange(50)), like=counts.spec).spec == counts.spec
