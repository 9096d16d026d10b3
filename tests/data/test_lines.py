"""Lines of text and pairs: each line is one text, in any encoding and file format."""

import bz2
import gzip
import json
import lzma
import warnings

import pytest

from genai_basics import data as gd
from genai_basics.data.encodings import decode_text
from genai_basics.data.predicting import read_inputs


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def load(path, **options):
    """Return (texts of all parts, data set, warnings)."""
    with warnings.catch_warnings(record=True, action="always") as caught:
        data = gd.load_data(path, **options)
    texts = [text for part in (data.train, data.validation, data.test) for text in part.x]
    return texts, data, " | ".join(str(item.message) for item in caught)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_one_line_is_one_text(tmp_path, end):
    lines = [f"a \u2028 b \x0c c \x85 d {i}" for i in range(40)]
    path = write(tmp_path / "a.txt", end.join(lines) + end)
    assert sorted(load(path)[0]) == sorted(lines)
    path = write(tmp_path / "b.txt", end.join(["one", "", "x \u2028 y", ""]))
    assert read_inputs([str(path)], gd.TextSpec())[1] == ["one", "", "x \u2028 y"]
    assert read_inputs([str(path)], gd.PairSpec())[1] == ["one", "", "x \u2028 y"]


def test_a_list_with_blank_lines_is_no_corpus(tmp_path):
    names = [f"name{i}" for i in range(200)]
    texts, _, said = load(write(tmp_path / "a.txt", "\n\n".join(names)))
    assert sorted(texts) == sorted(names)
    assert "its 199 blank lines are left out (--load corpus=True" in said
    verses = "\n\n".join("the rain falls down on my roof,\nand I hear it." for _ in range(20))
    assert load(write(tmp_path / "b.txt", verses))[1].spec.corpus
    stray = "\n".join(f"A film {i} that I have seen." for i in range(150)) + "\n\nOne more."
    assert len(load(write(tmp_path / "c.txt", stray))[0]) == 151


def test_pairs_of_all_layouts(tmp_path):
    words = [(f"word {i}", f"mot {i}") for i in range(40)]
    write(tmp_path / "a.tsv", "".join(f"{x}\t{y}\tCC-BY\n" for x, y in words))
    four = "".join(f"{i}\t{x}\t{900 + i}\t{y}\n" for i, (x, y) in enumerate(words))
    write(tmp_path / "tatoeba.tsv", four)
    write(tmp_path / "tatoeba.txt", four)
    lines = [json.dumps({"translation": {"en": x, "fr": y}}) for x, y in words]
    write(tmp_path / "a.jsonl", "\n".join(lines))
    (tmp_path / "b.tsv.gz").write_bytes(gzip.compress((tmp_path / "a.tsv").read_bytes()))
    unit = '<tu><tuv xml:lang="{}"><seg>{}</seg></tuv><tuv xml:lang="{}"><seg>{}</seg></tuv></tu>'
    mark = 'mot <bpt i="1">&lt;b&gt;</bpt>{}<ept i="1">&lt;/b&gt;</ept>'
    units = "".join(unit.format("fr", mark.format(i), "en-US", x) for i, (x, _) in enumerate(words))
    head = '<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx><header srclang="en-US"/>'
    write(tmp_path / "a.tmx", f"{head}<body>{units}</body></tmx>")
    wide = f"{head}<body>{units}</body></tmx>".replace("1.0?", "1.0' encoding='utf-16?")
    (tmp_path / "b.tmx").write_bytes(
        wide.replace("\"1.0'", "'1.0'").replace('16?"', "16'?").encode("utf-16")
    )
    for part, chosen in (("train", words[:34]), ("valid", words[34:37]), ("test", words[37:])):
        for side, ending in ((0, "en"), (1, "fr")):
            content = "".join(pair[side] + "\n" for pair in chosen)
            write(tmp_path / "two" / f"{part}.{ending}", content)
            name = f"{('src', 'tgt')[side]}-{part}.txt"
            write(tmp_path / "opennmt" / name, content)
    for path in sorted(tmp_path.iterdir()):
        _, data, _ = load(path)
        assert data.kind == "pairs", path
        parts = (data.train, data.validation, data.test)
        found = [pair for part in parts for pair in zip(part.x, part.y, strict=True)]
        assert sorted(found) == sorted(words), path
    assert len(load(tmp_path / "two")[1].test) == 3
    assert load(tmp_path / "two" / "train.fr")[0][0] == "mot 0"
    assert load(tmp_path / "two", target="en")[0][0] == "mot 0"
    write(tmp_path / "two" / "train.fr", "un\n")
    with pytest.raises(ValueError, match=r"train.en' has 34 lines and '.*train.fr' 1;"):
        load(tmp_path / "two")


def test_texts_of_all_kinds_are_read_from_compressed_files(tmp_path):
    texts = [f"a film number {i} to see" for i in range(40)]
    lines = "".join(f"{text}\n" for text in texts)
    contents = {
        "a.txt": lines,
        "a.csv": "text,label\n" + "".join(f"{t},{'ab'[i % 2]}\n" for i, t in enumerate(texts)),
        "b.tsv": "".join(f"{text}\tun film {i}\n" for i, text in enumerate(texts)),
        "a.jsonl": "".join(
            json.dumps({"text": t, "label": i % 2}) + "\n" for i, t in enumerate(texts)
        ),
        "two/train.en": lines,
        "two/train.fr": lines.upper(),
        "a.tmx": "<tmx><header srclang='en'/><body>"
        + "".join(
            f'<tu><tuv xml:lang="en"><seg>{t}</seg></tuv><tuv xml:lang="fr"><seg>f</seg></tuv></tu>'
            for t in texts
        )
        + "</body></tmx>",
    }
    for pack, ending in ((gzip.compress, ".gz"), (bz2.compress, ".bz2"), (lzma.compress, ".xz")):
        root = tmp_path / ending[1:]
        for name, content in contents.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / f"{name}{ending}").write_bytes(pack(content.encode()))
        for name in contents:
            if "train.fr" not in name:
                assert sorted(load(root / f"{name}{ending}")[0]) == sorted(texts), (name, ending)


def test_texts_in_records(tmp_path):
    rows = [{"text": f"a film number {i} to see", "label": "ab"[i % 2]} for i in range(40)]
    write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    write(tmp_path / "a.json", json.dumps({"version": 1, "data": rows}))
    pd = pytest.importorskip("pandas")
    for source in (tmp_path / "a.jsonl", tmp_path / "a.json", pd.DataFrame(rows)):
        texts, data, _ = load(source, kind="text")
        assert data.spec.class_names == ("a", "b")
        assert sorted(texts) == sorted(row["text"] for row in rows)
    texts, *_ = load(write(tmp_path / "b.json", json.dumps([row["text"] for row in rows])))
    assert len(texts) == 40
    with pytest.raises(ValueError, match=r"Line 2 of .* is not valid JSON"):
        load(write(tmp_path / "c.jsonl", '{"a": 1}\n{"a": \n'))


def test_texts_with_labels_among_other_columns(tmp_path):
    texts = [f"a film number {i} to see" for i in range(40)]
    kinds = ["ham" if i % 4 else "spam" for i in range(40)]
    rows = [
        f'{k},"{t}",{"more" if i == 7 else ""},,'
        for i, (k, t) in enumerate(zip(kinds, texts, strict=True))
    ]
    path = write(tmp_path / "spam.csv", "v1,v2,,,\n" + "\n".join(rows))
    found, data, said = load(path)
    assert data.spec.class_names == ("ham", "spam")
    assert sorted(found) == sorted(texts)
    assert "The columns column_3 of" in said
    assert "are not used: the texts are those of 'v2', the labels those of 'v1'" in said
    write(tmp_path / "more.csv", "text,v2\nanother column that is longer,one\na column,two")
    assert read_inputs([str(tmp_path / "more.csv")], data.spec)[1] == ["one", "two"]
    rows = [f'"{1 + i % 4}","title {i}","{text}"' for i, text in enumerate(texts)]  # no header
    found, data, _ = load(write(tmp_path / "news.csv", "\n".join(rows)))
    assert (sorted(found), data.spec.class_names) == (sorted(texts), ("1", "2", "3", "4"))
    rows = [f"{text},{('a|b', 'a', 'b')[i % 3]}" for i, text in enumerate(texts)]
    path = write(tmp_path / "sets.csv", "text,genres\n" + "\n".join(rows))
    assert "'a|b' in 'genres' counts as a label of its own; --load multi_label" in load(path)[2]


def test_lines_that_begin_with_labels(tmp_path):
    """fastText's labels, also in `predict`."""
    lines = [f"__label__{'ab'[i % 2]} a text number {i}" for i in range(40)]
    texts, data, _ = load(write(tmp_path / "a.txt", "\n".join(lines)))
    assert data.spec.class_names == ("a", "b")
    assert sorted(texts) == sorted(f"a text number {i}" for i in range(40))
    assert read_inputs([str(tmp_path / "a.txt")], data.spec)[1][:2] == [
        "a text number 0",
        "a text number 1",
    ]
    lines[3] = "__label__a __label__b both"
    _, data, _ = load(write(tmp_path / "a.txt", "\n".join(lines)), validation=0, test=0)
    assert data.train.y[3].tolist() == [1, 1]
    assert data.train.y.sum() == 41


def test_first_rows_of_pairs_and_sparse_rows(tmp_path):
    rows = "".join(f'"one, {i}","un, {i}"\n' for i in range(40))
    write(tmp_path / "a.csv", "English words/sentences,French words/sentences\n" + rows)
    assert len(load(tmp_path / "a.csv", kind="pairs")[0]) == 40
    write(tmp_path / "b.csv", "I speak English.,Je parle français.\n" + rows)
    assert len(load(tmp_path / "b.csv", kind="pairs")[0]) == 41
    write(tmp_path / "c.txt", "".join(f"{i % 2} 1:0.5 7:{i}\n" for i in range(40)))
    with pytest.raises(ValueError, match=r"c.txt' holds sparse rows \(LIBSVM\)"):
        load(tmp_path / "c.txt")


def test_predict_takes_the_side_that_training_took(tmp_path):
    rows = "".join(f"one {i},un {i}\n" for i in range(40))
    write(tmp_path / "a.csv", "en,fr\n" + rows)
    texts, data, _ = load(tmp_path / "a.csv", target="en")
    assert texts[0].startswith("un")
    assert read_inputs([str(tmp_path / "a.csv")], data.spec)[1][:2] == ["un 0", "un 1"]
    write(tmp_path / "one.csv", "un\ndeux\n")
    assert read_inputs([str(tmp_path / "one.csv")], data.spec)[1] == ["un", "deux"]
    assert load(tmp_path / "a.csv", like=data.spec)[0] == texts
    for language, word in (("en", "one"), ("fr", "un")):  # two files in one folder
        write(tmp_path / "both" / f"train.{language}", "".join(f"{word} {i}\n" for i in range(40)))
    _, data, _ = load(tmp_path / "both", target="en")
    assert read_inputs([str(tmp_path / "both")], data.spec)[1][:2] == ["un 0", "un 1"]


def test_what_are_no_labels_is_said(tmp_path):
    rows = "".join(f"a text number {i} is here,k{i}\n" for i in range(60))
    with pytest.raises(ValueError, match=r"'id' .* holds 60 different texts in 60 rows"):
        load(write(tmp_path / "a.csv", "text,id\n" + rows))
    rows = "".join(f"a text number {i} is here,{['None', 'x'][i % 2]}\n" for i in range(60))
    _, data, said = load(write(tmp_path / "b.csv", "text,label\n" + rows))
    assert data.spec.class_names == ("None", "x")
    assert "--missing None" in said


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("12 €", "cp1252"),
        ("£12.50 for it", "cp1252"),
        ("20 °C", "cp1252"),
        ("20 °C", "cp850"),
        ("café", "cp1252"),
        ("café", "mac_roman"),
        ("Müller", "cp850"),
        ("it’s — “so”", "cp1252"),
        ("Dvořák", "cp1250"),
        ("Jiří Novák, Plzeň", "iso8859-2"),
        ("Łódź", "cp1250"),
        ("Kraków, Poznań", "cp1250"),
        ("zażółć gęślą jaźń", "iso8859-2"),
        ("Αθήνα", "cp1253"),
        ("Μια καλή ταινία", "iso8859-7"),
        ("Москва", "cp1251"),
        ("Привет, мир", "koi8-r"),
        ("İstanbul, Beyoğlu", "cp1254"),
        ("日本語のテキスト", "shift_jis"),
        ("中文文本在这里", "gb18030"),
        ("plain words", "utf-16-le"),
    ],
)
def test_a_few_letters_tell_the_encoding(tmp_path, text, encoding):
    around = "name,price\n" + "plain words,12\n" * 100
    path = write(tmp_path / "a.txt", f"{around}{text}\n{around}", encoding)
    with warnings.catch_warnings(record=True, action="always") as caught:
        assert text in decode_text(path)
    if not text.isascii():
        assert text[:10] in str(caught[0].message)


def test_a_broken_letter_in_utf8_is_said_with_its_line(tmp_path):
    (tmp_path / "a.txt").write_bytes("é\n".encode() * 30 + b"caf\xe9\n")
    with pytest.warns(UserWarning, match="except for 1 bytes.*line 31"):
        assert decode_text(tmp_path / "a.txt").endswith("café\n")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("a.zip", "unpacked"),
        ("a.mp4", "clips"),
        ("a.h5", "npz"),
        ("a.xls", "csv"),
        ("a.pdf", "txt"),
    ],
)
def test_formats_that_are_not_read_say_what_to_save_as(tmp_path, name, advice):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=advice):
        gd.load_data(tmp_path / name)
