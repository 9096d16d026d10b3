"""Tables as programs and people write them, each with the correct values."""

import gzip
import json
import warnings

import numpy as np
import pytest

from genai_basics import data as gd
from genai_basics.data import delimited
from genai_basics.data.delimited import read_cells
from genai_basics.data.numerals import read_numbers
from genai_basics.data.predicting import read_inputs

N = 60


def load(path, text, encoding="utf-8", **options):
    """Return (data set, warnings)."""
    path.write_bytes(text.encode(encoding))
    with warnings.catch_warnings(record=True, action="always") as caught:
        data = gd.load_data(path, **options)
    return data, " | ".join(str(item.message) for item in caught)


def parts(data):
    return [part for part in (data.train, data.validation, data.test) if len(part)]


def targets(data):
    return sorted(value for part in parts(data) for value in np.asarray(part.y).tolist())


def labels(data):
    return [data.spec.class_names[i] for part in parts(data) for i in part.y]


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (["01067", "99423", "?"], "category"),  # postal codes
        (["007", "0041"], "category"),
        (["01", "10"], "number"),  # months
        (["0", "1250", "3000"], "number"),
        (["0.5", "0125"], "number"),
    ],
)
def test_leading_zeros_make_codes_of_digits_categories(tmp_path, codes, kind):
    rows = "".join(f"{codes[i % len(codes)]},{i % 7},{i % 2}\n" for i in range(N))
    data, said = load(tmp_path / "t.csv", f"zip,b,y\n{rows}", target="y")
    assert data.spec.columns[0] == ("zip", kind)
    assert ("'zip' holds codes with leading zeros" in said) == (kind == "category")
    values = {value for part in parts(data) for value in part.x["zip"].tolist()}
    if kind == "category":
        assert values == {"" if code == "?" else code for code in codes}


def test_dates_among_the_features_are_said_to_be_categories(tmp_path):
    rows = "".join(f"2020-01-{1 + i % 28:02d},{i % 7},{i % 2}\n" for i in range(N))
    data, said = load(tmp_path / "t.csv", f"when,b,y\n{rows}", target="y")
    assert data.spec.columns[0] == ("when", "category")
    assert "'when' holds dates ('2020-01-01'), which are read as categories" in said


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1,064", "900", "12,111"], [1064, 900, 12111]),  # only numbers from 1000 on have the sign
        (["1.064,50 €", "900", "(12)"], [1064.5, 900, -12]),
        (["1\u202f064,5", "2 000 000,25"], [1064.5, 2000000.25]),
        (["1'064.50", "CHF 12.-"], [1064.5, 12]),
        (["12%", "13.5 %"], [12, 13.5]),
        (["1234-", "-$5.25", "+7"], [-1234, -5.25, 7]),
        (["1,5E+03", "2,5e-2"], [1500, 0.025]),
        (["12,34,567", "1,23,456.5"], [1234567, 123456.5]),
        (["0,123", "0,999"], [0.123, 0.999]),
        (["2", "2.125", "3.375"], [2, 2.125, 3.375]),
        (["1.5K", "2M"], [1500, 2e6]),
        (["1.064,50 EUR", "€ 2,00"], [1064.5, 2]),
        (["12 kg", "3 kg"], [12, 3]),
        (["\u2212" + "5", "NA", "#DIV/0!"], [-5, np.nan, np.nan]),
    ],
)
def test_numbers_of_all_writings(cells, values):
    found = read_numbers(cells)
    np.testing.assert_allclose(found.values, values)
    assert not found.wrong.any()


@pytest.mark.parametrize("cell", ["<0.5", "192.168.1.1", "A12", "5a", "2020-01", "01:30", "inf"])
def test_what_is_no_number(cell):
    assert read_numbers([cell, "7"]).wrong.tolist() == [True, False]


def test_the_other_columns_decide_what_one_leaves_open(tmp_path):
    rows = "".join(f"{i};{i},5;{1 + i % 9}.{100 + i}\n" for i in range(N))
    data, said = load(tmp_path / "a.csv", "a;c;b\n" + rows, target="b")
    assert targets(data)[0] == 1100
    assert "'1.100' in 'b' was read as 1100; --decimal '.' reads it as 1.1" in said
    data, said = load(tmp_path / "a.csv", "a;c;b\n" + rows, target="b", decimal=".")
    assert targets(data)[0] == pytest.approx(1.1)
    assert "--decimal" not in said
    data, _ = load(tmp_path / "a.csv", "a;c;b\n" + rows, target="b", thousands=".")
    assert targets(data)[0] == 1100


def test_predict_reads_numbers_as_training_read_them(tmp_path):
    rows = "".join(f"{1 + i % 9}.{100 + i};{i},5;{i % 2}\n" for i in range(N))
    with warnings.catch_warnings(action="ignore"):
        data, _ = load(tmp_path / "a.csv", "a;b;y\n" + rows, target="y")
    assert gd.spec_from_config(json.loads(json.dumps(data.spec.to_config()))) == data.spec
    (tmp_path / "one.csv").write_text("a;b\n1.064;2\n")
    assert read_inputs([str(tmp_path / "one.csv")], data.spec)[1]["a"][0] == 1064


@pytest.mark.parametrize(
    ("head", "row", "tail", "said"),
    [
        ("sep=;\nsize;label\n", "{i};{c}\n", "", ""),
        ("\ufeffsize,label\n", "{i},{c}\n", "", ""),
        ("size,label\n", "{i},{c},\n", "", ""),  # trailing delimiters
        ("size,label,,\n", "{i},{c},,\n", "", ""),
        ('"size","label"\n', '"{n}","{i}","{c}"\n', "", "name the rows and are left out"),  # R
        (",size,label\n", "{i},{i},{c}\n", "", "numbers the rows and is left out"),  # pandas
        ("size, cm;label\n", "{i},5;{c}\n", "", ""),  # the header contains another delimiter
        ("Report of May\n\nsize,label\n", "{i},{c}\n", "", "'Report of May'...) "),
        ("size,label\n", "{i},{c}\n", "Total,\n", "below the table and left out ('Total')"),
        ("size,,label\ncm,kg,\n", "{i},{n}.5,{c}\n", "", "('cm, kg') reads as units"),
        ("note,size,label\n", '"a ""b"", \n{c}",{i},{c}\n', "", ""),
        ('"size,label"\n', '"{i},{c}"\n', "", ""),  # whole rows are quoted
        ("size\tlabel\n", "{i}\t{c}\n", "", ""),
        ("size|label\n", "{i}|{c}\n", "", ""),
    ],
)
def test_csv_as_it_leaves_programs(tmp_path, head, row, tail, said):
    rows = "".join(row.format(i=i, n=i + 1, c="ab"[i % 2]) for i in range(N))
    data, heard = load(tmp_path / "a.csv", head + rows + tail, target="label", kind="tables")
    size = next(name for name, kind in data.spec.columns if kind == "number")
    found = [(v, label) for p in parts(data) for v, label in zip(p.x[size], p.y, strict=True)]
    assert len(found) == N
    assert all(int(value) % 2 == label for value, label in found)
    assert data.spec.class_names == ("a", "b")
    assert said.strip(") ") in heard
    assert not heard or said


def test_a_file_without_a_header(tmp_path):
    rows = "".join(f"{i * 1.5},{i},{'ab'[i % 2]}\n" for i in range(N))
    data, said = load(tmp_path / "a.csv", rows, target="column_3")
    assert "has no header; its columns are called column_1 to column_3" in said
    assert len(labels(data)) == N
    with pytest.raises(ValueError, match=r"no column 'label'.*\(it has no header\)"):
        load(tmp_path / "a.csv", rows, target="label")
    (tmp_path / "new.csv").write_text("1.5,7\n3,8\n")
    with pytest.warns(UserWarning, match="no header"):
        x = read_inputs([str(tmp_path / "new.csv")], data.spec)[1]
    assert x["column_2"].tolist() == [7, 8]
    data, _ = load(tmp_path / "b.csv", "3,4\n" + "1,2\n5,7\n" * 20, target="4", header=True)
    assert len(data.train) + len(data.validation) + len(data.test) == 40
    years = "place,2019,2020\n" + "".join(f"p{i % 3},{i},{i * 2}\n" for i in range(N))
    assert load(tmp_path / "y.csv", years, target="2020")[0].spec.columns[1][0] == "2019"


def test_rows_of_another_width(tmp_path):
    rows = "".join(f"{i},{i},{'ab'[i % 2]}\n" for i in range(N))
    _data, said = load(tmp_path / "a.csv", "x,y,z\n" + rows + "1,2,a,4\n" + rows, target="z")
    assert "Skipped 1 rows" in said
    assert "line 62 has 4: '1,2,a,4')" in said
    with pytest.raises(ValueError, match="--delimiter says what parts the cells"):
        load(tmp_path / "b.csv", "x,y,z\n" + rows + "1,2,a,4\n" * 40, target="z")
    with pytest.raises(ValueError, match="have not 3 cells"):
        load(tmp_path / "c.csv", "x,y,z\n" + rows + "1,2,a,4\n", target="z", strict=True)


def test_quotation_marks(tmp_path):
    rows = [f"line {i},{i},{'ab'[i % 2]}\n" for i in range(N)]
    rows[5] = '"' + rows[5]
    data, said = load(tmp_path / "a.csv", "note,x,y\n" + "".join(rows), target="y")
    assert "never closed (in the row at line 7)" in said
    assert len(labels(data)) == N
    (tmp_path / "b.csv").write_text('t,y\n"say \\"hi\\", you",1\n"b",2\n')
    assert read_cells(tmp_path / "b.csv").rows[0] == ['say "hi", you', "1"]
    (tmp_path / "c.tsv").write_text('t\ty\n"two\nlines"\t1\n"two\nmore"\t2\n')
    assert read_cells(tmp_path / "c.tsv").rows == [["two\nlines", "1"], ["two\nmore", "2"]]


def test_words_for_a_missing_value(tmp_path):
    rows = "".join(f"{i},{['EU', 'NA', 'AS'][i % 3]},{'NA' if i % 2 else i}\n" for i in range(N))
    data, said = load(tmp_path / "a.csv", "x,y,z\n" + rows, target="y")
    assert sorted(set(labels(data))) == ["AS", "EU", "NA"]
    assert "'NA' counts as a class of the target 'y' (20 rows)" in said
    assert np.isnan(np.concatenate([part.x["z"] for part in parts(data)])).sum() == 30
    data, said = load(tmp_path / "a.csv", "x,y,z\n" + rows, target="y", missing="NA")
    assert sorted(set(labels(data))) == ["AS", "EU"]
    assert "20 rows" in said
    rows = "".join(f"{-999 if i == 7 else i},{'ab'[i % 2]}\n" for i in range(N))
    data, _ = load(tmp_path / "s.csv", "x,y\n" + rows, target="y", missing="-999")
    assert np.isnan(np.concatenate([part.x["x"] for part in parts(data)])).sum() == 1


def test_a_target_of_numbers_that_cannot_be_read_is_no_classification(tmp_path):
    rows = "".join(f"{i},{i * 3 + 100} to {i * 3 + 150}\n" for i in range(N))
    with pytest.raises(ValueError, match=r"'100 to 150' in line 2.*--decimal"):
        load(tmp_path / "a.csv", "x,price\n" + rows, target="price", kind="tables")
    rows = "".join(f"{i},{'ask us' if i == 9 else 1000.5 + i}\n" for i in range(N))
    data, said = load(tmp_path / "b.csv", "x,price\n" + rows, target="price")
    assert data.spec.task == "regression"
    assert "'ask us' in line 11" in said
    assert len(targets(data)) == N - 1


def test_one_number_written_in_two_ways_is_one_class(tmp_path):
    rows = "".join(f"{i},{['1.0', '1', '0'][i % 3]}\n" for i in range(N))
    data, said = load(tmp_path / "a.csv", "x,y\n" + rows, target="y")
    assert data.spec.class_names == ("0", "1")
    assert "one class" in said
    rows = "".join(f"{i},{['Yes', 'yes', 'no'][i % 3]}\n" for i in range(N))
    assert "'Yes' and 'yes'" in load(tmp_path / "b.csv", "x,y\n" + rows, target="y")[1]


def test_tables_of_all_formats_agree_with_pandas(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": np.arange(N), "c": list("abc") * 20, "y": np.arange(N) * 1.5})
    frame.to_csv(tmp_path / "a.csv.gz", index=False)
    frame.to_json(tmp_path / "a.json")
    frame.to_json(tmp_path / "b.json", orient="records")
    frame.to_json(tmp_path / "c.json", orient="split")
    frame.to_json(tmp_path / "d.json", orient="index")
    frame.to_json(tmp_path / "e.json", orient="table")
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    for source in [frame, (frame[["x", "c"]], frame["y"]), *sorted(tmp_path.iterdir())]:
        data = gd.load_data(source, target="y")
        assert data.spec.columns == (("x", "number"), ("c", "category"))
        assert targets(data) == frame["y"].tolist()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).startswith(b"x,c,y")


def test_columns_are_described(tmp_path):
    rows = "".join(f"{i},{'ab'[i % 2]},{'' if i < 15 else 'u'}v\n" for i in range(N))
    data, _ = load(tmp_path / "a.csv", "x,y,w\n" + rows, target="y")
    page = data.describe()
    assert page["columns"][0] == {"name": "x", "kind": "number", "range": [0, 59], "missing": 0}
    assert page["classes"] == {"a": 30, "b": 30}
    assert sum(page["examples"].values()) == N
    assert "x: number, range 0 to 59" in str(page)
    json.dumps(page)


def test_a_file_is_read_once_and_what_is_decided_is_said(tmp_path, monkeypatch):
    read, times = delimited.decode_text, []
    monkeypatch.setattr(delimited, "decode_text", lambda *args: times.append(args) or read(*args))
    rows = "".join(f"{i},{i / 8},{'ab'[i % 2]}\n" for i in range(N))
    data, said = load(tmp_path / "a.csv", rows, target="column_3")
    assert len(times) == 1
    assert data.spec.class_names == ("a", "b")
    assert said.count("has no header") == 1
    with pytest.raises(ValueError, match="no column 'size'"):
        gd.load_data(tmp_path / "a.csv", target="size")


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("r.dat", '"Mazda {i}" {n} {c}'),  # from R's write.table
        ("r.txt", "{i}\t{n}\t{c}"),
        ("r.csv", '"{i}",{n},"{c}"'),
    ],
)
def test_names_of_rows_without_a_name_of_their_own(tmp_path, name, row):
    sign = row[row.index("{n}") - 1]
    lines = [row.format(i=i, n=i / 8, c="ab"[i % 2]) for i in range(N)]
    text = f'"size"{sign}"label"\n' + "\n".join(lines) + "\n"
    data, said = load(tmp_path / name, text, target="label")
    assert data.spec.columns == (("size", "number"),)
    assert sorted(v for part in parts(data) for v in part.x["size"].tolist()) == [
        i / 8 for i in range(N)
    ]
    assert "name the rows and are left out" in said
    shorter = text.replace("".join(lines[3]), "".join(lines[4]))  # a repeated row, so no row names
    with pytest.raises(ValueError, match="cells"):
        load(tmp_path / name, shorter, target="label")


def test_text_files_of_columns_are_tables(tmp_path):
    """`.txt` files of numbers, as in old collections, are not lists of texts."""
    rng = np.random.default_rng(0)
    values = rng.uniform(1, 9, (N, 2)).round(4)
    lines = [f"{a:.4f},{b:.4f},{i % 3}\n" for i, (a, b) in enumerate(values)]
    data, _ = load(tmp_path / "a.txt", "".join(lines), target="column_3")
    assert data.kind == "tables"  # and 1.5432 is not a month of the year 5432
    read = np.sort(np.concatenate([part.x["column_1"] for part in parts(data)]))
    np.testing.assert_allclose(read, np.sort(values[:, 0]), rtol=1e-6)
    lines = [f"a film to see {i}\t{'01'[i % 2]}\n" for i in range(N)]
    data, _ = load(tmp_path / "b.txt", "".join(lines))
    assert (data.kind, data.spec.class_names) == ("text", ("0", "1"))
    assert sorted(labels(data)) == ["0"] * 30 + ["1"] * 30
    assert read_inputs([str(tmp_path / "b.txt")], data.spec)[1][1] == "a film to see 1"
    data, _ = load(tmp_path / "c.txt", "".join(f"{i * i}\n" for i in range(N)))
    assert data.kind == "forecast"
    np.testing.assert_array_equal(data.test.x[:, 0], np.arange(N) ** 2)
    (tmp_path / "d.txt").write_text("a name\n" * 20)
    with pytest.raises(ValueError, match="lines of text without columns"):
        gd.load_data(tmp_path / "d.txt", target="x")


def test_separators_among_other_signs(tmp_path):
    lines = [f"April {1 + i % 28}, 2023;{i}.50;['a{i}', 'b'];{'ab'[i % 2]};\n" for i in range(N)]
    data, _ = load(tmp_path / "a.csv", "day;n;items;label;\n" + "".join(lines), target="n")
    assert data.kind == "tables"
    assert targets(data) == [i + 0.5 for i in range(N)]
    rows = "".join(
        f'{18 + i}.0   8   {307 + i}.0      {3504 + i}.      12.0   70  {1 + i % 3}\t"car {i}"\n'
        for i in range(N)
    )  # spaces and one tab, as in auto-mpg.data
    data, _ = load(tmp_path / "auto.data", rows, target="column_1")
    assert targets(data) == [18.0 + i for i in range(N)]
    assert dict(data.spec.columns)["column_4"] == "number"
    rows = "".join(f"2020-01-{1 + i % 28:02d};{i};?\n" for i in range(N))
    data, _ = load(tmp_path / "a.txt", "date;n;v\n" + rows, target="n", kind="tables")
    assert targets(data) == list(range(N))


def test_a_word_for_a_missing_value_among_numbers(tmp_path):
    rows = "".join(f"{'k.A.' if i % 5 == 0 else i},{'ab'[i % 2]}\n" for i in range(N))
    data, said = load(tmp_path / "a.csv", "size,label\n" + rows, target="label")
    values = np.sort(np.concatenate([part.x["size"] for part in parts(data)]))
    np.testing.assert_array_equal(values[:48], [i for i in range(N) if i % 5])
    assert "12 cells of 'size' are not numbers ('k.A.' in line 2) and count as missing" in said


def test_what_options_say_about_a_file_holds(tmp_path):
    rows = "".join(f"{i}:{'ab'[i % 2]}\n" for i in range(N))
    data, _ = load(tmp_path / "a.csv", "size:label\n" + rows, target="label", delimiter=":")
    assert data.spec.columns == (("size", "number"),)
    words = "".join(f"red,{'ab'[i % 2]}\nblue,{'ab'[i % 2]}\n" for i in range(N))
    data, said = load(tmp_path / "b.csv", words, target="column_2", header=False)
    assert sum(map(len, parts(data))) == 2 * N
    assert "has no header" in said
    marked = "label,size\n" + "".join(f"{'ab'[i % 2]},{i}\n" for i in range(N))
    data, _ = load(tmp_path / "c.csv", marked, "utf-8-sig", target="label")
    assert data.spec.class_names == ("a", "b")
    assert gd.load_data(tmp_path / "c.csv", target="label", encoding="utf-8").spec == data.spec
