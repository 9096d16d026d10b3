"""Tables of labels or values beside pictures."""

import json

import numpy as np
import pytest

from genai_basics import data as gd
from tests.picture_files import count, labels, load, picture


def test_labels_from_a_table(tmp_path):
    names = ["red", "blue"]
    for i in range(20):
        picture(tmp_path / "images" / f"{i}.png")
    rows = "".join(f"{i}.png,{names[i % 2]},s{i % 3}\n" for i in range(20))
    for header, ending in (
        ("file_name,label,site\n", ".png"),
        ("id,class,site\n", ""),
        ("", ".png"),
    ):
        table = tmp_path / "metadata.csv"
        options = {} if header else {"target": "column 2"}
        table.write_text(header + rows.replace(".png", ending))
        data, said = load(tmp_path, **options)
        found = labels(data)
        assert len(found) == 20
        assert all(found[f"images/{i}.png"] == names[i % 2] for i in range(20))
        assert "not used" not in said
        assert set(data.train.groups["site" if header else "column 3"]) == {"s0", "s1", "s2"}
    table.write_text("file_name,colour,site\n" + rows)
    with pytest.raises(ValueError, match=r"columns colour, site: `target` \(--target\)"):
        gd.load_data(tmp_path)
    assert load(tmp_path, target="colour")[0].spec.class_names == ("blue", "red")
    table.write_text("file_name,label,site\n" + rows + "99.png,red,s1\n")
    assert "1 files of 'metadata.csv' are not there (the first is '99.png')" in load(tmp_path)[1]
    table.write_text("file_name,label,site\n" + rows + "3.png,red,s1\n")
    with pytest.raises(ValueError, match=r"has conflicting rows for '3\.png'"):
        gd.load_data(tmp_path)


def test_boxes_in_a_table_are_no_labels(tmp_path):
    for i in range(12):
        picture(tmp_path / f"{i}.png")
    rows = "".join(f"{i}.png,{'ab'[i % 2]},1,2,5,6\n" for i in range(12))
    (tmp_path / "boxes.csv").write_text("filename,class,xmin,ymin,xmax,ymax\n" + rows)
    with pytest.raises(ValueError, match=r"boxes.csv' holds boxes: save them as Pascal VOC"):
        gd.load_data(tmp_path)
    assert gd.load_data(tmp_path, target="class").spec.class_names == ("a", "b")


def test_values_from_a_table(tmp_path):
    for i in range(40):
        picture(tmp_path / f"{i}.png")
    (tmp_path / "ages.csv").write_text(
        "image,age\n" + "".join(f"{i}.png,{i + 20}\n" for i in range(40))
    )
    data, said = load(tmp_path)
    assert data.spec.task == "regression"
    assert data.spec.num_classes is None
    for part in (data.train, data.validation, data.test):
        for name, y in zip(part.groups["file"], part.y, strict=True):
            assert y == int(name.split(".")[0]) + 20
    assert "'age' is read as numbers to predict, 20 to 59" in said
    assert load(tmp_path, task="classification")[0].spec.num_classes == 40


def test_several_labels_from_a_table(tmp_path):
    sets = ["sun|sea", "sea", "sand|sun", "sun"]
    for i in range(20):
        picture(tmp_path / f"{i}.png")
    rows = "".join(f"{i}.png,{sets[i % 4]}\n" for i in range(20))
    (tmp_path / "a.csv").write_text("file_name,tags\n" + rows)
    data, _ = load(tmp_path)
    assert data.spec.class_names == ("sand", "sea", "sun")
    assert data.spec.multi_label
    flags = "".join(
        f"{i}.png,{','.join(str(int(n in sets[i % 4])) for n in ('sand', 'sea', 'sun'))}\n"
        for i in range(20)
    )
    (tmp_path / "a.csv").write_text("file_name,sand,sea,sun\n" + flags)
    second, _ = load(tmp_path)
    np.testing.assert_array_equal(data.train.y, second.train.y)
    for name, y in zip(data.train.groups["file"], data.train.y, strict=True):
        expected = sets[int(name.split(".")[0]) % 4].split("|")
        assert [n for n, flag in zip(data.spec.class_names, y, strict=True) if flag] == sorted(
            expected
        )
    single = "".join(f"{i}.png,{i % 2},{1 - i % 2}\n" for i in range(20))
    (tmp_path / "a.csv").write_text("file_name,left,right\n" + single)
    assert labels(load(tmp_path)[0])["3.png"] == "left"


def test_tables_of_splits_and_of_kaggle(tmp_path):
    for i in range(30):
        picture(tmp_path / ("train" if i < 20 else "test") / f"{i}.png")
    rows = [f"{i},{'ab'[i % 2]}\n" for i in range(30)]
    (tmp_path / "train.csv").write_text("id,label\n" + "".join(rows[:20]))
    (tmp_path / "test.csv").write_text("id\n" + "".join(f"{i}\n" for i in range(20, 30)))
    (tmp_path / "sample_submission.csv").write_text("id,label\n" + "".join(rows[20:]))
    data, said = load(tmp_path)
    assert count(data) == 20
    assert len(data.test) == 2
    assert "'test.csv' has no column label: its 10 pictures are left out" in said
    (tmp_path / "test.csv").write_text("id,label\n" + "".join(rows[20:]))
    assert len(load(tmp_path)[0].test) == 10
    for name in ("train.csv", "test.csv", "sample_submission.csv"):
        (tmp_path / name).unlink()
    rows = [f"{row.strip()},{'train' if i < 25 else 'test'}\n" for i, row in enumerate(rows)]
    (tmp_path / "all.csv").write_text("id,label,split\n" + "".join(rows))
    assert len(load(tmp_path)[0].test) == 5


def test_tables_as_programs_write_them(tmp_path):
    for i in range(12):
        picture(tmp_path / "img" / f"{i:04d}.png")
    lines = [f"{i};{'ab'[i % 2]}\r\n" for i in range(12)]  # without leading zeros
    (tmp_path / "labels.csv").write_text("\ufeffid;label\r\n" + "".join(lines), encoding="utf-8")
    assert labels(load(tmp_path)[0])["img/0003.png"] == "b"
    (tmp_path / "labels.csv").unlink()
    records = [{"file_name": f"img/{i:04d}.png", "label": "ab"[i % 2]} for i in range(12)]
    path = tmp_path / "metadata.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    assert labels(load(tmp_path)[0])["img/0003.png"] == "b"
    path.unlink()
    for cells in ([f"{i},5" for i in range(12)], [str(23 + 3 * i) for i in range(12)]):
        lines = [f"{i:04d}.png;{cell}\n" for i, cell in enumerate(cells)]
        (tmp_path / "ages.csv").write_text("file;wert\n" + "".join(lines))
        data, _ = load(tmp_path, validation=0, test=0)
        assert data.spec.task == "regression"
        expected = sorted(float(cell.replace(",", ".")) for cell in cells)
        np.testing.assert_allclose(np.sort(data.train.y), expected)
    lines = [f"{i:04d}.png;{1 if i % 2 else -1};{1 if i % 3 else -1}\n" for i in range(12)]
    (tmp_path / "ages.csv").write_text("file;smile;hat\n" + "".join(lines))
    data, _ = load(tmp_path, validation=0, test=0)
    assert data.spec.multi_label
    assert sorted(map(tuple, data.train.y.tolist())) == sorted(
        (int(i % 2 > 0), int(i % 3 > 0)) for i in range(12)
    )


def test_a_table_of_files_in_split_folders_keeps_the_splits(tmp_path):
    for i in range(20):
        picture(tmp_path / "data" / ("train" if i < 14 else "test") / f"{i}.png")
    rows = [f"data/{'train' if i < 14 else 'test'}/{i}.png,{'ab'[i % 2]}\n" for i in range(20)]
    (tmp_path / "metadata.csv").write_text("file_name,label\n" + "".join(rows))
    data, _ = load(tmp_path)
    assert len(data.test) == 6
    assert all(name.startswith("data/test") for name in data.test.groups["file"])
