"""Reading boxes: each test paints a bright object and checks that its box covers it."""

import json
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from genai_basics import data as gd
from genai_basics.data.writers import write_boxes
from genai_basics.data.yolo import write_yolo

BOX = (8, 30, 24, 46)
XML = (
    "<annotation><filename>{name}</filename>{more}<size><width>{w}</width><height>{h}</height>"
    "<depth>3</depth></size>{objects}</annotation>"
)
OBJECT = (
    "<object><name>{0}</name><bndbox><xmin>{1}</xmin><ymin>{2}</ymin><xmax>{3}</xmax>"
    "<ymax>{4}</ymax></bndbox></object>"
)


def load(path, **options):
    """Return the data and all warnings."""
    with warnings.catch_warnings(record=True, action="always") as caught:
        data = gd.load_data(path, **options)
    return data, " | ".join(str(w.message) for w in caught)


def parts(data):
    return [part for part in (data.train, data.validation, data.test) if len(part)]


def paint(path, box=BOX, size=(64, 64), **options):
    """Write a black picture with a bright object; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    left, top, right, bottom = box
    array = np.zeros((size[1], size[0], 3), "uint8")
    array[top:bottom, left:right] = 250
    Image.fromarray(array).save(path, **options)
    return path


def voc(path, name=None, box=BOX, size=(64, 64), more="", label="thing"):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = OBJECT.format(label, *box)
    name = path.with_suffix(".png").name if name is None else name
    path.write_text(XML.format(name=name, more=more, w=size[0], h=size[1], objects=text))


def coco(path, names, boxes=None, first=1, size=(64, 64), **more):
    """Write COCO JSON for pictures with one box each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for i, name in enumerate(names):
        left, top, right, bottom = boxes[i] if boxes else BOX
        images.append({"id": first + i, "file_name": name, "width": size[0], "height": size[1]})
        box = [left, top, right - left, bottom - top]
        one = {"id": i, "image_id": first + i, "category_id": 3, "bbox": box, "iscrowd": 0}
        annotations.append({**one, "area": box[2] * box[3]})
    content = {"images": images, "annotations": annotations}
    content["categories"] = [{"id": 3, "name": "thing"}]
    path.write_text(json.dumps({**content, **more}))
    return path


def yolo(path, boxes=(BOX,), size=(64, 64)):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for left, top, right, bottom in boxes:
        x, y = (left + right) / 2 / size[0], (top + bottom) / 2 / size[1]
        lines.append(f"0 {x} {y} {(right - left) / size[0]} {(bottom - top) / size[1]}\n")
    path.write_text("".join(lines))


def assert_on_objects(data, count):
    """Assert that each picture has one box that encloses its object exactly."""
    assert sum(map(len, parts(data))) == count
    for part in parts(data):
        for picture, target in zip(part.x, part.y, strict=True):
            rows, columns = np.where(np.asarray(picture).mean(axis=-1) > 125)
            there = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_allclose(target["boxes"], [there], atol=1.01)


def places(i):
    """Return a unique place for the object of the i-th picture."""
    return (4 * (i % 8), 3 * (i % 10), 4 * (i % 8) + 16, 3 * (i % 10) + 12)


# Matching pictures.


def test_coco_pictures_of_equal_names_are_found_by_their_folders(tmp_path):
    names = [f"cam{1 + i % 2}/{i // 2}.png" for i in range(12)]
    for i, name in enumerate(names):
        paint(tmp_path / "images" / name, places(i))
    boxes = [places(i) for i in range(12)]
    for style in ("{}", "images\\{}", "C:\\Users\\me\\images\\{}", "/home/me/set/images/{}"):
        written = [
            style.format(name).replace("/", "\\" if "\\" in style else "/") for name in names
        ]
        coco(tmp_path / "boxes.json", written, boxes)
        data, _ = load(tmp_path)
        assert_on_objects(data, 12)
        assert sorted(n for p in parts(data) for n in p.groups["file"])[0] == "images/cam1/0.png"


def test_coco_names_that_do_not_tell_the_picture_are_refused(tmp_path):
    for i in range(4):
        paint(tmp_path / f"cam{1 + i % 2}" / f"{i // 2}.png", places(i))
    coco(tmp_path / "boxes.json", ["0.png", "1.png"])
    with pytest.raises(ValueError, match=r"'0.png' of 'boxes.json' may be 'cam1/0.png' or 'cam2"):
        gd.load_data(tmp_path)
    flat = tmp_path / "flat"
    paint(flat / "0.png")
    coco(flat / "boxes.json", ["cam1/0.png", "cam2/0.png"])
    with pytest.raises(ValueError, match=r"'cam1/0.png' and 'cam2/0.png' .* both lead to '0.png'"):
        gd.load_data(flat)
    paint(tmp_path / "part" / "cam1" / "0.png")
    paint(tmp_path / "part" / "cam2" / "1.png")
    coco(tmp_path / "part" / "boxes.json", ["cam1/0.png", "cam1/1.png"])
    data, said = load(tmp_path / "part", validation=0, test=0)
    assert_on_objects(data, 1)
    assert "cam1/1.png: the picture is missing" in said


def test_a_name_leads_nowhere_outside_of_the_folder(tmp_path):
    paint(tmp_path / "secret.png")
    paint(tmp_path / "set" / "0.png")
    for name in ("../secret.png", str(tmp_path / "secret.png")):
        coco(tmp_path / "set" / "boxes.json", ["0.png", name])
        data, said = load(tmp_path / "set", validation=0, test=0)
        assert_on_objects(data, 1)
        assert "secret.png: the picture is missing" in said


def test_voc_pictures_are_found_by_path_and_by_what_the_file_says(tmp_path):
    for i in range(6):
        cam, name = f"cam{1 + i % 2}", str(i // 2)
        paint(tmp_path / "a" / "JPEGImages" / cam / f"{name}.png", places(i))
        voc(tmp_path / "a" / "Annotations" / cam / f"{name}.xml", box=places(i))
        paint(tmp_path / "b" / "photos" / cam / f"{name}.png", places(i))
        path = f"<path>D:\\old\\photos\\{cam}\\{name}.png</path>"
        voc(tmp_path / "b" / "xml" / f"{i}x.xml", name=f"{name}.png", box=places(i), more=path)
        paint(tmp_path / "c" / f"{i}.png", places(i))
        voc(tmp_path / "c" / f"{i}.xml", name="0.png", box=places(i))
    for name in "abc":
        data, said = load(tmp_path / name, validation=0, test=0)
        assert_on_objects(data, 6)
        assert ("the annotations' own names are used" in said) == (name == "c")


def test_voc_files_that_contradict_their_names_are_refused(tmp_path):
    for i in range(6):
        paint(tmp_path / f"{i}.png", places(i))
        voc(tmp_path / f"{i}.xml", name=f"{5 - i}.png")
    with pytest.raises(ValueError, match=r"'0.xml' says that its picture is '5.png'"):
        gd.load_data(tmp_path)


# Sizes, rotations, corners.


def test_boxes_of_a_picture_of_another_size_are_scaled_or_refused(tmp_path):
    for i in range(12):
        paint(tmp_path / "a" / f"{i}.png")
        voc(tmp_path / "a" / f"{i}.xml", box=[2 * v for v in BOX], size=(128, 128))
    data, said = load(tmp_path / "a")
    assert_on_objects(data, 12)
    assert "12 annotations were made for another picture size" in said
    voc(tmp_path / "a" / "3.xml", size=(128, 64))
    data, said = load(tmp_path / "a")
    assert_on_objects(data, 11)
    assert "3.xml: it gives the picture size 128x64 (width x height), but '3.png' is 64x64" in said
    with pytest.raises(ValueError, match=r"3\.xml"):
        gd.load_data(tmp_path / "a", strict=True)
    paint(tmp_path / "b" / "0.png")
    coco(tmp_path / "b" / "boxes.json", ["0.png"], size=(128, 128), boxes=[[2 * v for v in BOX]])
    assert_on_objects(load(tmp_path / "b", validation=0, test=0)[0], 1)
    coco(tmp_path / "b" / "boxes.json", ["0.png"], size=(100, 300))
    with pytest.raises(ValueError, match="picture size 100x300"):
        gd.load_data(tmp_path / "b", validation=0, test=0)
    coco(tmp_path / "b" / "boxes.json", ["0.png"], size=(0, 0))
    assert_on_objects(load(tmp_path / "b", validation=0, test=0)[0], 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_are_turned_as_their_picture_is(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for i in range(4):
        paint(tmp_path / f"{i}.png", places(i), size=(64, 48), exif=exif)
        voc(tmp_path / f"{i}.xml", box=places(i), size=(64, 48))
    quarter = orientation >= 5  # others keep the size, which then decides nothing
    if not quarter:
        exif[0x0112] = 6
        paint(tmp_path / "t.png", size=(64, 48), exif=exif)
        voc(tmp_path / "t.xml", size=(64, 48))
    data, _ = load(tmp_path, validation=0, test=0)
    assert_on_objects(data, 4 if quarter else 5)


def test_boxes_of_turned_pictures_as_they_are_shown(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    shown = (48 - BOX[3], BOX[0], 48 - BOX[1], BOX[2])
    for i in range(4):
        paint(tmp_path / f"{i}.jpg", size=(64, 48), exif=exif, quality=95)
        voc(tmp_path / f"{i}.xml", name=f"{i}.jpg", box=shown, size=(48, 64))
    assert_on_objects(load(tmp_path, validation=0, test=0)[0], 4)


def test_swapped_corners_fractions_and_polygons(tmp_path):
    left, top, right, bottom = BOX
    for i in range(4):
        for name in "abcd":
            paint(tmp_path / name / f"{i}.png")
        voc(tmp_path / "a" / f"{i}.xml", box=(right, top, left, bottom))
        voc(tmp_path / "b" / f"{i}.xml", box=[v / 64 for v in BOX])
        points = "".join(
            f"<x{k}>{x}</x{k}><y{k}>{y}</y{k}>"
            for k, (x, y) in enumerate([(left, top), (right, top), (right, bottom)], 1)
        )
        item = f"<object><name>thing</name><polygon>{points}</polygon></object>"
        text = XML.format(name=f"{i}.png", more="", w=64, h=64, objects=item)
        (tmp_path / "c" / f"{i}.xml").write_text(text)
    for name, words in (("a", "4 boxes have swapped corners"), ("b", "fractions"), ("c", "")):
        data, said = load(tmp_path / name, validation=0, test=0)
        assert_on_objects(data, 4)
        assert words in said
    path = coco(tmp_path / "d" / "boxes.json", [f"{i}.png" for i in range(4)])
    content = json.loads(path.read_text())
    for item in content["annotations"]:
        item["segmentation"] = [[left, top, right, top, right, bottom]]
        del item["bbox"]
    path.write_text(json.dumps(content))
    assert_on_objects(load(tmp_path / "d", validation=0, test=0)[0], 4)


def test_coco_boxes_that_are_corners_are_refused(tmp_path):
    for i in range(4):
        paint(tmp_path / f"{i}.png", (40, 40, 56, 56))
    path = coco(tmp_path / "boxes.json", [f"{i}.png" for i in range(4)])
    content = json.loads(path.read_text())
    for item in content["annotations"]:
        item["bbox"] = [40, 40, 56, 56]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="they look like corners"):
        gd.load_data(tmp_path)


def test_objects_without_a_name_or_a_box_are_said(tmp_path):
    for i in range(3):
        paint(tmp_path / f"{i}.png")
        voc(tmp_path / f"{i}.xml", label="" if i == 1 else "thing")
    data, said = load(tmp_path, validation=0, test=0)
    assert "1.xml: an object has no name" in said
    assert data.train.groups["file"].tolist() == ["0.png", "2.png"]  # no background pictures
    assert data.spec.class_names == ("thing",)
    text = (tmp_path / "0.xml").read_text()
    (tmp_path / "0.xml").write_text(text.replace("<xmin>8</xmin>", ""))
    _, said = load(tmp_path, validation=0, test=0)
    assert "0.xml: a side of the box of its object 'thing' is missing" in said
    (tmp_path / "0.xml").write_text(f'<!DOCTYPE a [<!ENTITY b "c">]>{text}')
    assert "0.xml: it defines XML entities" in load(tmp_path, validation=0, test=0)[1]


def test_no_boxes_left_is_an_error(tmp_path):
    paint(tmp_path / "a" / "0.png")
    voc(tmp_path / "a" / "0.xml", box=(70, 70, 90, 90))
    with pytest.raises(ValueError, match=r"None of the boxes .* lies within its picture"):
        gd.load_data(tmp_path / "a")
    paint(tmp_path / "b" / "0.png")
    coco(tmp_path / "b" / "boxes.json", ["0.png"], annotations=[])
    with pytest.raises(ValueError, match="holds no boxes that can be used"):
        gd.load_data(tmp_path / "b")


# Splits and several files.


def test_split_folders_stay_splits(tmp_path):
    for i in range(10):
        part = "train" if i < 6 else "valid" if i < 8 else "test"
        paint(tmp_path / "a" / part / f"{i}.png", places(i))
        voc(tmp_path / "a" / part / f"{i}.xml", box=places(i))
        paint(tmp_path / "b" / f"{part}2017" / f"{i}.png", places(i))
        paint(tmp_path / "c" / part / f"{i}.png", places(i))
    for part, numbers in (("train", range(6)), ("valid", range(6, 8)), ("test", range(8, 10))):
        names, boxes = [f"{i}.png" for i in numbers], [places(i) for i in numbers]
        file = tmp_path / "b" / "annotations" / f"instances_{part.replace('valid', 'val')}2017.json"
        coco(file, names, boxes)
        coco(tmp_path / "c" / part / "_annotations.coco.json", names, boxes)
    for name in "abc":
        data, said = load(tmp_path / name)
        assert [len(part) for part in (data.train, data.validation, data.test)] == [6, 2, 2]
        assert_on_objects(data, 10)
        assert "not used" not in said


def test_several_coco_files_are_joined_and_captions_passed_over(tmp_path):
    for i in range(8):
        paint(tmp_path / "images" / f"{i}.png", places(i))
    folder = tmp_path / "annotations"
    for k in range(2):
        names = [f"{i}.png" for i in range(4 * k, 4 * k + 4)]
        coco(folder / f"batch{k}.json", names, [places(i) for i in range(4 * k, 4 * k + 4)])
    caption = [{"id": 1, "image_id": 1, "caption": "a thing"}]
    coco(folder / "captions.json", ["0.png"], annotations=caption)
    point = [{"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 9, 9], "keypoints": [1]}]
    coco(folder / "person_keypoints.json", ["0.png"], annotations=point)
    data, said = load(tmp_path)
    assert_on_objects(data, 8)
    assert "skipped: captions.json, person_keypoints.json" in said


def test_a_picture_of_crowds_alone_is_no_background(tmp_path):
    for i in range(6):
        paint(tmp_path / f"{i}.png", places(i))
    path = coco(
        tmp_path / "boxes.json", [f"{i}.png" for i in range(6)], [places(i) for i in range(6)]
    )
    content = json.loads(path.read_text())
    for i in (0, 1):
        content["annotations"][i]["iscrowd"] = 1
    content["annotations"].append({**content["annotations"][0], "id": 9, "iscrowd": 0})
    del content["annotations"][5]  # the last picture is background
    path.write_text(json.dumps(content))
    data, said = load(tmp_path, validation=0, test=0)
    files = data.train.groups["file"].tolist()
    assert files == ["0.png", "2.png", "3.png", "4.png", "5.png"]
    assert [len(y["boxes"]) for y in data.train.y] == [1, 1, 1, 1, 0]
    assert "2 crowd regions in 'boxes.json' are left out" in said
    assert "1 pictures in 'boxes.json' have objects but no box that can be used" in said
    assert "'1.png'" in said
    assert "not used" not in said


def test_a_picture_in_two_parts_is_refused(tmp_path):
    for i in range(4):
        paint(tmp_path / "images" / f"{i}.png")
    for part in ("train", "val"):
        coco(tmp_path / f"{part}.json", [f"{i}.png" for i in range(4)])
    with pytest.raises(ValueError, match=r"'images/0.png' is in the train and in the validation"):
        gd.load_data(tmp_path)


def test_a_broken_coco_file_is_named_in_short(tmp_path):
    paint(tmp_path / "0.png")
    path = coco(tmp_path / "boxes.json", ["0.png"])
    path.write_bytes(path.read_bytes().replace(b"thing", b"th\xffng") + b" " * 10**6)
    with pytest.raises(ValueError, match=r"boxes\.json' is not valid COCO JSON") as caught:
        gd.load_data(path)
    assert len(str(caught.value)) < 300 + len(str(path))


# YOLO.


@pytest.mark.parametrize("names", ["data.yaml", "classes.txt", None])
def test_yolo_folders(tmp_path, names):
    for part, n in (("train", 8), ("val", 4)):
        for i in range(n):
            paint(tmp_path / "images" / part / f"{i}.png", places(i))
            yolo(tmp_path / "labels" / part / f"{i}.txt", [places(i)])
    paint(tmp_path / "images" / "train" / "empty.png")
    if names == "data.yaml":
        (tmp_path / names).write_text("train: ../images/train\nval: images/val\nnames: [thing]")
    elif names:
        (tmp_path / names).write_text("thing\n\n")
    data, said = load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test)) == (9, 4, 0)
    assert data.spec.class_names == (("thing",) if names else ("0",))
    assert ("called by their numbers" in said) == (names is None)
    assert "1 pictures have no labels and count as background" in said
    assert "not used" not in said
    place = list(data.train.groups["file"]).index("images/train/empty.png")
    assert data.train.y[place]["boxes"].shape == (0, 4)
    (tmp_path / "images" / "train" / "empty.png").unlink()
    assert_on_objects(load(tmp_path)[0], 12)


def test_yolo_as_tools_write_it(tmp_path):
    for i in range(6):
        part = "train" if i < 4 else "valid"
        paint(tmp_path / "a" / part / "images" / f"{i}.png", places(i))
        yolo(tmp_path / "a" / part / "labels" / f"{i}.txt", [places(i)])
        paint(tmp_path / "b" / f"{i}.png", places(i))
        yolo(tmp_path / "b" / f"{i}.txt", [places(i)])
        paint(tmp_path / "c" / "images" / f"{i}.png", places(i))
        left, top, right, bottom = (v / 64 for v in places(i))
        line = f"0 {left} {top} {right} {top} {right} {bottom} {left} {bottom}\n"
        (tmp_path / "c" / "labels").mkdir(exist_ok=True)
        (tmp_path / "c" / "labels" / f"{i}.txt").write_text(line)
    text = "train: ../train/images\nval: ../valid/images\nnc: 1\nnames: ['thing']\n"
    (tmp_path / "a" / "data.yaml").write_text(text)
    (tmp_path / "b" / "classes.txt").write_text("thing\n")
    (tmp_path / "c" / "train.txt").write_text("".join(f"./images/{i}.png\n" for i in range(4)))
    (tmp_path / "c" / "val.txt").write_text("/x/images/4.png\n/x/images/5.png\n")
    (tmp_path / "c" / "my.yaml").write_text("train: train.txt\nval: val.txt\nnames: {0: thing}")
    for name in "abc":
        data, _ = load(tmp_path / name)
        assert_on_objects(data, 6)
        assert data.spec.class_names == ("thing",)
        assert name == "b" or len(data.validation) == 2
    assert_on_objects(load(tmp_path / "a" / "data.yaml")[0], 6)


def test_what_is_wrong_with_yolo_is_named(tmp_path):
    for i in range(4):
        paint(tmp_path / "images" / f"{i}.png")
        yolo(tmp_path / "labels" / f"{i}.txt")
    yolo(tmp_path / "labels" / "5.txt")
    (tmp_path / "labels" / "1.txt").write_text("0 16 38 16 16\n")
    (tmp_path / "labels" / "2.txt").write_text("0 0.2 0.2 0.1\n")
    (tmp_path / "data.yaml").write_text("names: [thing]")
    data, said = load(tmp_path, validation=0, test=0)
    assert_on_objects(data, 2)
    assert "labels/5.txt: its picture is missing" in said
    assert "labels/1.txt: line 1 holds 16 instead of a fraction of a side" in said
    assert "labels/2.txt: " in said
    yolo(tmp_path / "labels" / "1.txt")
    (tmp_path / "labels" / "3.txt").write_text("4 0.5 0.5 0.2 0.2\n")
    with pytest.raises(ValueError, match=r"labels/3.txt' has the class 4 .* 'data.yaml' names 1"):
        gd.load_data(tmp_path)
    (tmp_path / "data.yaml").write_text("names: !!python/object:os.system [a]")
    with pytest.raises(ValueError, match=r"data.yaml' is not valid YAML"):
        gd.load_data(tmp_path)


def test_yolo_validation_pictures_that_are_those_of_training(tmp_path):
    for i in range(10):
        paint(tmp_path / "images" / f"{i}.png", places(i))
        yolo(tmp_path / "labels" / f"{i}.txt", [places(i)])
    (tmp_path / "data.yaml").write_text("path: ../x\ntrain: images\nval: images\nnames: [thing]")
    data, said = load(tmp_path)
    assert "validation pictures are those of train" in said
    assert (len(data.train), len(data.validation), len(data.test)) == (8, 1, 1)


# Round trips.

sides = st.integers(8, 80)


@st.composite
def scenes(draw):
    """Draw pictures of several sizes with boxes."""
    scenes = []
    for _ in range(draw(st.integers(2, 4))):
        width, height, boxes = draw(sides), draw(sides), []
        for _ in range(draw(st.integers(1, 3))):
            x, y = draw(st.integers(0, width - 2)), draw(st.integers(0, height - 2))
            right, bottom = draw(st.integers(x + 1, width)), draw(st.integers(y + 1, height))
            boxes.append((x, y, right, bottom))
        scenes.append(((width, height), boxes))
    return scenes


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenes(), st.sampled_from(["voc", "coco", "yolo"]))
def test_boxes_survive_every_format(tmp_path_factory, scenes, form):
    root = tmp_path_factory.mktemp(form)
    images, annotations = [], []
    for i, (size, boxes) in enumerate(scenes):
        paint(root / "images" / f"{i}.png", (0, 0, 1, 1), size)
        images.append({"id": i, "file_name": f"{i}.png", "width": size[0], "height": size[1]})
        for box in boxes:
            corners = [*box[:2], box[2] - box[0], box[3] - box[1]]
            one = {"id": len(annotations) + 1, "image_id": i, "category_id": 1, "iscrowd": 0}
            annotations.append({**one, "bbox": corners, "area": corners[2] * corners[3]})
        if form == "voc":
            items = "".join(OBJECT.format("thing", *box) for box in boxes)
            text = XML.format(name=f"{i}.png", more="", w=size[0], h=size[1], objects=items)
            (root / "images" / f"{i}.xml").write_text(text)
        elif form == "yolo":
            yolo(root / "labels" / f"{i}.txt", boxes, size)
    if form == "coco":
        content = {"images": images, "annotations": annotations}
        content["categories"] = [{"id": 1, "name": "thing"}]
        (root / "boxes.json").write_text(json.dumps(content))
    data, _ = load(root, validation=0, test=0)
    read = dict(zip(data.train.groups["file"], data.train.y, strict=True))
    for i, (_, boxes) in enumerate(scenes):
        np.testing.assert_allclose(read[f"{i}.png"]["boxes"], boxes, atol=1e-3)
    if form == "coco":
        judge = pytest.importorskip("pycocotools.coco").COCO(root / "boxes.json")
        for i in range(len(scenes)):
            true = [one["bbox"] for one in judge.loadAnns(judge.getAnnIds(i))]
            boxes = read[f"{i}.png"]["boxes"]
            np.testing.assert_allclose(np.c_[boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], true)
    again = write_yolo(
        root / "out" / "data.yaml", list(data.train.x), data.train.y, data.spec.class_names
    )
    assert again[0].name == "data.yaml"
    second, _ = load(root / "out", validation=0, test=0)
    for one, other in zip(data.train.y, second.train.y, strict=True):
        np.testing.assert_allclose(one["boxes"], other["boxes"], atol=1e-3)


def test_split_files_that_overlap_are_refused(tmp_path):
    for i in range(8):
        paint(tmp_path / "JPEGImages" / f"img {i}.png", places(i))
        voc(tmp_path / "Annotations" / f"img {i}.xml", box=places(i))
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("".join(f"img {i}\r\n" for i in range(6)))
    (lists / "test.txt").write_text("".join(f"JPEGImages/img {i}.png\n" for i in range(6, 8)))
    data, _ = load(tmp_path, validation=0)
    assert (len(data.train), len(data.test)) == (6, 2)
    assert_on_objects(data, 8)
    (lists / "test.txt").write_text("img 5\nimg 6\n")
    with pytest.raises(ValueError, match=r"'JPEGImages/img 5.png' is in the test and in the train"):
        gd.load_data(tmp_path)


def test_two_voc_folders_are_joined(tmp_path):
    for k, year in enumerate(("VOC2007", "VOC2012")):
        for i in range(4):
            paint(tmp_path / year / "JPEGImages" / f"{i}.png", places(4 * k + i))
            voc(tmp_path / year / "Annotations" / f"{i}.xml", box=places(4 * k + i))
        lists = tmp_path / year / "ImageSets" / "Main"
        lists.mkdir(parents=True)
        for name, text in (("train", "0\n1\n"), ("val", "2\n3\n"), ("trainval", "0\n1\n2\n3\n")):
            (lists / f"{name}.txt").write_text(text)
    data, _ = load(tmp_path)
    assert (len(data.train), len(data.validation)) == (4, 4)
    assert_on_objects(data, 8)


def test_names_and_labels_as_programs_write_them(tmp_path):
    for i in range(6):
        paint(tmp_path / "images" / f"a {i}.png", places(i))
    names, boxes = [f"a%20{i}.png" for i in range(6)], [places(i) for i in range(6)]
    path = coco(tmp_path / "boxes.json", names, boxes)
    assert_on_objects(load(tmp_path)[0], 6)
    content = json.loads(path.read_text())
    content["categories"] = [{"id": 3, "name": "Thing"}, {"id": 4, "name": "thing "}]
    for i, item in enumerate(content["annotations"]):
        item.update(category_id=str(3 + i % 2), image_id=str(item["image_id"]))
    path.write_text(json.dumps(content))
    data, said = load(tmp_path)
    assert_on_objects(data, 6)
    assert "The labels 'Thing' and 'thing' of the boxes are nearly identical" in said
    content["categories"] = []
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="no category 3"):
        gd.load_data(tmp_path)


def test_what_is_found_is_written_as_yolo(tmp_path):
    images = [np.zeros((20, 30, 3), "uint8"), np.zeros((40, 10, 1), "uint8")]
    rows = [
        {"input": "a/x.jpg", "boxes": [[1.0, 2.0, 11.0, 12.0]], "labels": ["dog"]},
        {"input": "b/x.jpg", "boxes": [], "labels": []},
    ]
    spec = gd.DetectionSpec((None, None, 3), ("cat", "dog"))
    written = write_boxes(rows, images, tmp_path / "new" / "data.yaml", spec)
    assert len(written) == 5
    assert (tmp_path / "new" / "labels" / "0-x.txt").read_text().startswith("1 0.2000000 0.35")
    data, _ = load(tmp_path / "new", validation=0, test=0)
    assert data.spec.class_names == ("cat", "dog")
    np.testing.assert_allclose(data.train.y[0]["boxes"], [[1, 2, 11, 12]], atol=1e-4)
    assert data.train.y[1]["boxes"].shape == (0, 4)
    with pytest.raises(ValueError, match="Only boxes are written to"):
        write_boxes(rows, images, tmp_path / "a.yaml", gd.ImageSpec((8, 8, 1)))
