"""No reader drops anything silently: a folder of each kind with unusable files."""

import json
import os
import warnings

import numpy as np
import pytest
import soundfile as sf
from PIL import Image

from genai_basics import data as gd
from genai_basics import limits
from genai_basics.data.predicting import read_inputs
from genai_basics.data.writers import write_samples

PIECE = [[60, 64], [62], [64]] * 4


def grey(path, value=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8), value % 256, "uint8")).save(path)


def images(root):
    for i in range(12):
        grey(root / "ab"[i % 2] / f"{i}.png", 20 * i)
    return ".png"


def voc(root):
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"
    for i in range(12):
        grey(root / f"{i}.png", 20 * i)
        text = f"<annotation><object><name>a</name>{box}</object></annotation>"
        (root / f"{i}.xml").write_text(text)
    return ".xml"


def coco(root):
    for i in range(12):
        grey(root / "images" / f"{i}.png", 20 * i)
    content = {
        "images": [{"id": i, "file_name": f"{i}.png"} for i in range(13)],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [{"image_id": i, "category_id": 1, "bbox": [1, 1, 4, 4]} for i in range(12)],
    }
    (root / "boxes.json").write_text(json.dumps(content))
    grey(root / "images" / "12.png")
    (root / "images" / "12.png").write_bytes(b"broken")
    return None


def yolo(root):
    for i in range(12):
        grey(root / "images" / f"{i}.png", 20 * i)
        (root / "labels").mkdir(exist_ok=True)
        (root / "labels" / f"{i}.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (root / "classes.txt").write_text("a\n")
    return ".png"


def audio(root):
    for i in range(12):
        (root / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        clip = np.sin(np.arange(800) / (4 + i))
        write_samples([clip], root / "ab"[i % 2] / f"{i}.wav", gd.AudioSpec(8000))
    return ".wav"


def save_gif(path, clip):
    first, *others = map(Image.fromarray, clip)
    first.save(path, save_all=True, append_images=others)


def video(root):
    rng = np.random.default_rng(0)
    for i in range(12):
        (root / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        clip = rng.integers(0, 256, (4, 8, 8)).astype("uint8")
        save_gif(root / "ab"[i % 2] / f"{i}.gif", clip)
    return ".gif"


def music(root):
    pytest.importorskip("mido")
    for i in range(12):
        write_samples([PIECE], root / f"{i}.mid", gd.MusicSpec(4, None, 60, 64))
    return ".mid"


def text(root):
    for i in range(12):
        (root / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        (root / "ab"[i % 2] / f"{i}.txt").write_text(f"text number {i}")
    return None


def series(root):
    rows = "".join(f"{i},{i + 1},{i % 3}:{'ab'[i % 2]}\n" for i in range(12))
    text = f"@problemName walks\n@classLabel true a b\n@data\n{rows}"
    (root / "walks.ts").write_text(text)
    return None


KINDS = {"images": images, "voc": voc, "coco": coco, "yolo": yolo, "audio": audio}
KINDS |= {"video": video, "music": music, "text": text, "series": series}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_of_no_use_is_named(tmp_path, kind):
    ending = KINDS[kind](tmp_path)
    (tmp_path / "odd.xyz").write_bytes(b"?")
    if ending:
        broken = tmp_path / ("a" if (tmp_path / "a").is_dir() else ".") / f"broken{ending}"
        broken.write_bytes(b"broken")
    with warnings.catch_warnings(record=True, action="always") as caught:
        data = gd.load_data(tmp_path)
    said = " ".join(str(w.message) for w in caught)
    assert sum(map(len, (data.train, data.validation, data.test))) == 12
    assert "1 .xyz (odd.xyz)" in said
    assert any("odd.xyz" in line for line in data.skipped)
    name = f"broken{ending}" if ending else "12.png" if kind == "coco" else None
    if name:
        assert name in said
        assert any(name in line for line in data.skipped)
    with pytest.raises(ValueError, match=r"odd\.xyz|broken|12\.png"):
        gd.load_data(tmp_path, strict=True)


@pytest.mark.parametrize("kind", KINDS)
def test_predict_reads_all_that_train_reads(tmp_path, kind):
    KINDS[kind](tmp_path)
    with warnings.catch_warnings(action="ignore"):
        data = gd.load_data(tmp_path)
        _names, x = read_inputs([str(tmp_path)], data.spec)
    assert len(x) == 12
    if kind == "coco":
        with pytest.warns(UserWarning, match="12.png"):
            assert len(read_inputs([str(tmp_path / "boxes.json")], data.spec)[1]) == 12


@pytest.mark.parametrize("kind", ["images", "audio", "video", "music"])
def test_predict_says_what_it_leaves_out(tmp_path, kind):
    ending = KINDS[kind](tmp_path)
    with warnings.catch_warnings(action="ignore"):
        spec = gd.load_data(tmp_path).spec
    (tmp_path / f"broken{ending}").write_bytes(b"broken")
    (tmp_path / "odd.xyz").write_bytes(b"?")
    with warnings.catch_warnings(record=True, action="always") as caught:
        assert len(read_inputs([str(tmp_path)], spec)[1]) == 12
    said = " ".join(str(w.message) for w in caught)
    assert f"broken{ending}" in said
    assert "1 .xyz (odd.xyz)" in said


@pytest.mark.parametrize(
    ("name", "content", "whose"),
    [
        ("1.json", '{"version": "5.0", "shapes": [], "imagePath": "1.png"}', "of labelme"),
        ("annotations.xml", "<annotations><version>1.1</version></annotations>", "CVAT's own XML"),
    ],
)
def test_boxes_of_formats_that_are_not_read_are_named(tmp_path, name, content, whose):
    for i in range(4):
        grey(tmp_path / f"{i}.png", 20 * i)
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=f"{name}' holds annotations .*{whose}: export them as"):
        gd.load_data(tmp_path)
    with pytest.warns(UserWarning, match="1 files .* are not used"):
        assert gd.load_data(tmp_path, kind="images").kind == "images"


def test_a_folder_of_noise_is_no_class(tmp_path):
    for word in ("no", "yes", "_background_noise_"):
        (tmp_path / word).mkdir()
        for i in range(4):
            sf.write(tmp_path / word / f"{i}.wav", np.sin(np.arange(800) * 0.1), 8000)
    with pytest.warns(UserWarning, match="holds noise to mix in, not a class"):
        assert gd.load_data(tmp_path).spec.class_names == ("no", "yes")


def test_a_clip_that_asks_for_much_is_skipped_by_name(tmp_path):
    video(tmp_path)
    save_gif(
        tmp_path / "a" / "bomb.gif",
        np.random.default_rng(0).integers(0, 256, (4, 99, 99)).astype("uint8"),
    )
    asks = r"a/bomb\.gif: .*asks for 39,204 pixels .*, over the limit of 10,000 \(--limit-pixels\)"
    with limits.raised(pixels=10_000), pytest.warns(UserWarning, match=asks):
        data = gd.load_data(tmp_path)
    assert sum(map(len, (data.train, data.validation, data.test))) == 12


def test_pipes_and_devices_are_refused(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    for path in (tmp_path / "a.png", "/dev/zero"):
        with pytest.raises(ValueError, match="is a pipe or a device"):
            gd.load_data(path)
        with pytest.raises(ValueError, match="is a pipe or a device"):
            read_inputs([str(path)], gd.ImageSpec((8, 8, 1)))
