"""Reading texts, pairs, tables and series to forecast."""

import io
import warnings

import numpy as np
import pytest

from genai_basics import data as gd
from genai_basics.data.encodings import decode_text
from genai_basics.data.frequencies import calendar_columns, find_frequency, next_times
from genai_basics.data.predicting import read_inputs
from genai_basics.data.times import read_times


@pytest.fixture(autouse=True)
def quiet_means_quiet():
    with warnings.catch_warnings(action="error"):
        yield


def write(path, text, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def test_a_corpus_is_cut_in_order(tmp_path):
    content = "To be, or not to be.\n\nThat is the question.\n" * 20
    data = gd.load_data(write(tmp_path / "c.txt", content))
    assert data.spec.corpus
    assert data.train.x[0] + data.validation.x[0] + data.test.x[0] == content
    whole = gd.load_data(tmp_path / "c.txt", validation=100, test=0)
    assert len(whole.validation.x[0]) == 100
    assert whole.test.x == [""]


def test_equal_lines_stay_in_one_part(tmp_path):
    data = gd.load_data(write(tmp_path / "n.txt", "".join(f"name{i % 40}\n" for i in range(100))))
    assert not data.spec.corpus
    parts = [set(part.x) for part in (data.train, data.validation, data.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert sum(map(len, (data.train, data.validation, data.test))) == 100


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_columns_of_text_and_label_are_found(tmp_path, suffix):
    cut = "," if suffix == ".csv" else "\t"
    rows = [f"a film number {i} to see{cut}{'good' if i % 2 else 'bad'}" for i in range(30)]
    path = write(tmp_path / f"d{suffix}", "\n".join([f"review{cut}label", *rows]))
    data = gd.load_data(path)
    assert data.spec.class_names == ("bad", "good")
    i = int(data.train.x[0].split()[3])
    assert data.spec.class_names[data.train.y[0]] == ("good" if i % 2 else "bad")
    with pytest.warns(UserWarning, match="has no header"):
        headless = gd.load_data(write(tmp_path / f"h{suffix}", "\n".join(rows)), kind="text")
    assert len(headless.train) + len(headless.validation) + len(headless.test) == 30


def test_folders_of_texts(tmp_path):
    for split in ("train", "test"):
        for name in ("pos", "neg"):
            for i in range(6):
                write(tmp_path / "a" / split / name / f"{i}.txt", f"{split} {name} {i}")
    data = gd.load_data(tmp_path / "a")
    assert data.spec.class_names == ("neg", "pos")
    assert len(data.test) == 12
    assert all(text.startswith("test") for text in data.test.x)
    for name in ("pos", "neg"):
        write(tmp_path / "b" / f"reviews.{name}", "".join(f"{name} {i}\n" for i in range(20)))
    write(tmp_path / "b" / "SOURCE.txt", "where it is from")
    with pytest.warns(UserWarning, match=r"1 \.txt \(SOURCE\.txt\)"):
        data = gd.load_data(tmp_path / "b")
    assert data.spec.class_names == ("neg", "pos")
    assert all(
        x.startswith(data.spec.class_names[y])
        for x, y in zip(data.test.x, data.test.y, strict=False)
    )


def test_several_labels_at_once():
    texts, labels = [f"text {i}" for i in range(20)], ["a;b", "b", "c|a", "c"] * 5
    data = gd.load_data((texts, labels), multi_label=True)
    assert data.spec.multi_label
    assert data.train.y.shape[1] == 3
    assert set(data.train.y.sum(axis=1)) == {1, 2}


def test_encodings(tmp_path):
    text = "El ladrón de orquídeas es uno de esos filmes — “bueno”.\n" * 20
    for name in ("utf-8", "utf-8-sig", "utf-16"):
        assert decode_text(write(tmp_path / "t.txt", text, name)) == text
    path = write(tmp_path / "w.txt", text, "cp1252")
    with pytest.warns(UserWarning, match="read as cp1252"):
        assert decode_text(path) == text
    assert decode_text(path, "cp1252") == text
    with pytest.raises(ValueError, match="--encoding"):
        decode_text(path, "utf-8")
    with pytest.raises(ValueError, match="encoding='klingon'"):
        decode_text(path, "klingon")
    (tmp_path / "b.txt").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(ValueError, match=r"b\.txt' is not a text file"):
        decode_text(tmp_path / "b.txt")


def test_pairs_of_one_source_stay_in_one_part(tmp_path):
    lines = "".join(f"word {i // 2}\tmot {i}\tsome licence\n" for i in range(60))
    for name in ("p.txt", "p.tsv"):
        data = gd.load_data(write(tmp_path / name, lines), kind="pairs")
        assert not set(data.train.x) & set(data.test.x)
        assert data.train.y[0].startswith("mot")
    assert gd.load_data(tmp_path / "p.txt").kind == "pairs"
    with pytest.warns(UserWarning, match="1 of 61 pairs have an empty side"):
        gd.load_data(write(tmp_path / "e.txt", lines + "alone\t\n"))
    with pytest.raises(ValueError, match="2 sources and 1 targets"):
        gd.load_data((["a", "b"], ["c"]), kind="pairs")


TABLE = "age;town;empty;price\n" + "".join(
    f"{'' if i == 3 else i};{'Paris' if i % 3 else 'Rome'};x;{i * 1.5:.1f}\n".replace(".", ",")
    for i in range(40)
)


def test_a_table_tells_its_columns(tmp_path):
    path = write(tmp_path / "t.csv", TABLE)
    with pytest.warns(UserWarning, match="'empty' holds only one value"):
        data = gd.load_data(path, target="price")
    assert data.spec.columns == (("age", "number"), ("town", "category"))
    assert data.spec.task == "regression"
    assert data.train.y.max() <= 39 * 1.5
    everything = np.concatenate([p.x["age"] for p in (data.train, data.validation, data.test)])
    assert np.isnan(everything).sum() == 1
    with pytest.warns(UserWarning, match="'empty'"):
        data = gd.load_data(path, target="town")
    assert data.spec.class_names == ("Paris", "Rome")


def test_a_row_with_its_columns_in_another_order(tmp_path, monkeypatch):
    spec = gd.TableSpec((("age", "number"), ("town", "category")), "price")
    path = write(tmp_path / "n.csv", "town,other,age\nRome,1,7\nOslo,2,\n")
    names, x = read_inputs([str(path)], spec)
    assert names[1].endswith("n.csv[1]")
    assert list(x["town"]) == ["Rome", "Oslo"]
    assert x["age"][0] == 7
    monkeypatch.setattr("sys.stdin", io.StringIO("age,town\n1,Rome\n"))
    assert read_inputs(["-"], spec)[1]["age"][0] == 1
    with pytest.raises(ValueError, match="lacks the columns town"):
        read_inputs([str(write(tmp_path / "m.csv", "age\n7\n8\n"))], spec)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("a,b\n1,2\n3,4\n", {}, r"--target\) must name the column to predict: a, b"),
        ("a,b\n1,2\n3,4\n", {"target": "c"}, "no column 'c'"),
        ("a,b\n1,2\n3,2\n", {"target": "b"}, "'b' holds only one value"),
        ("a,b\n1,\n3,\n", {"target": "b", "strict": True}, "2 rows .* have no 'b'"),
        ("a,b\n1,x\n3,y\n", {"target": "b", "task": "regression"}, "must hold numbers"),
        ("", {"target": "b"}, "is empty"),
    ],
)
def test_bad_tables(tmp_path, content, options, message):
    with pytest.raises(ValueError, match=message):
        gd.load_data(write(tmp_path / "t.csv", content), kind="tables", **options)


def test_a_missing_target_is_said_and_left_out(tmp_path):
    rows = "".join(f"{i},{i % 2 if i else ''}\n" for i in range(40))
    with pytest.warns(UserWarning, match="1 rows of .* have no 'b'"):
        data = gd.load_data(write(tmp_path / "t.csv", "a,b\n" + rows), target="b")
    assert len(data.train) + len(data.validation) + len(data.test) == 39


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (["", " "], "All texts are empty"),
        ((["a", "b"], ["x"]), "2 texts and 1 labels"),
    ],
)
def test_bad_texts(source, message):
    warnings.simplefilter("ignore")
    with pytest.raises(ValueError, match=message):
        gd.load_data(source)


def test_an_empty_text_is_left_out():
    with pytest.warns(UserWarning, match="1 of 20 texts are empty"):
        gd.load_data(["", *(f"text {i}" for i in range(19))])


def test_a_short_corpus(tmp_path):
    with pytest.raises(ValueError, match="at least 100 characters"):
        gd.load_data(write(tmp_path / "c.txt", "short\n\ntext"))
    with pytest.raises(ValueError, match="is empty"):
        gd.load_data(write(tmp_path / "e.txt", "\n"))


def days(n, start="2024-01-01"):
    return np.datetime64(start) + np.arange(n)


def csv_series(path, times, values, extra=""):
    lines = [f"{t},{v}{extra}" for t, v in zip(times, values, strict=True)]
    return write(path, "\n".join(["date,value" + (",more" if extra else ""), *lines]))


def test_a_series_is_cut_in_order_of_time(tmp_path):
    data = gd.load_data(csv_series(tmp_path / "s.csv", days(100), range(100)), test=7)
    assert data.kind == "forecast"
    assert data.spec.frequency == "day"
    assert data.spec.season == 7
    assert data.spec.calendar == ("week_sin", "week_cos", "year_sin", "year_cos")
    assert len(data.test) == 7  # the steps to forecast, after their history
    np.testing.assert_array_equal(data.test.x[data.test.y, 0], np.arange(93, 100))
    assert data.test.groups["time"][-1] == days(100)[-1]
    assert gd.load_data(**data.source).spec == data.spec
    plain = gd.load_data(tmp_path / "s.csv", calendar=False)
    assert plain.spec.columns == ("value",)


def test_unsorted_repeated_and_missing_times(tmp_path):
    times, values = days(50), np.arange(50.0)
    order = np.r_[0:20, 25:50]  # five days are missing
    shuffled = np.r_[order[::-1], order[:1]]  # reversed, with one day twice
    path = csv_series(tmp_path / "s.csv", times[shuffled], values[shuffled])
    with warnings.catch_warnings(record=True, action="always") as record:
        data = gd.load_data(path, calendar=False, validation=0, test=0)
    said = " ".join(str(item.message) for item in record)
    assert "not in order" in said
    assert "1 times occur more than once" in said
    assert "5 of 50 times are missing (the first is 2024-01-21" in said
    np.testing.assert_allclose(data.train.x[:, 0], values)


def test_missing_values_text_and_constants(tmp_path):
    values = [str(i) for i in range(30)]
    values[7] = "NA"
    with pytest.warns(UserWarning, match="1 of 30 values of 'value' were missing"):
        data = gd.load_data(csv_series(tmp_path / "m.csv", days(30), values), test=0, validation=0)
    assert data.train.x[7, 0] == 7
    with pytest.raises(ValueError, match=r"'value' must hold numbers\. Received: 'many'"):
        gd.load_data(csv_series(tmp_path / "t.csv", days(30), ["many"] * 30), target="value")
    with pytest.warns(UserWarning, match="the same value at all times"):
        gd.load_data(csv_series(tmp_path / "c.csv", days(30), [5] * 30))
    with pytest.raises(ValueError, match=r"--target\) must name the column .* value, more"):
        gd.load_data(csv_series(tmp_path / "w.csv", days(30), range(30), extra=",2"))
    with pytest.raises(ValueError, match="at least 10 steps"):
        gd.load_data(csv_series(tmp_path / "s.csv", days(5), range(5)))
    with pytest.raises(ValueError, match="no column 'when'"):
        gd.load_data(tmp_path / "s.csv", time="when", kind="forecast")


def test_times_are_read_as_people_write_them():
    first = np.datetime64("2024-03-01T14:30:00")
    for text in ("2024-03-01 14:30", "01.03.2024 14:30", "2024/03/01 14:30:00"):
        assert read_times([text]).values[0] == first
    assert read_times(["13/02/2024", "01/03/2024"]).values[1] == np.datetime64("2024-03-01")
    assert read_times(["02/13/2024", "03/01/2024"]).values[1] == np.datetime64("2024-03-01")
    assert read_times(["1-01", "1-02"]) is None


@pytest.mark.parametrize(
    ("step", "frequency"), [("M", "month"), ("D", "day"), ("W", "week"), ("h", "hour")]
)
def test_frequency_and_the_times_that_follow(step, frequency):
    times = np.arange(np.datetime64("2023-01", step), np.datetime64("2023-01", step) + 30)
    times = times.astype("datetime64[s]")
    assert find_frequency(times) == frequency
    np.testing.assert_array_equal(next_times(times[9], frequency, 5), times[10:15])


def test_calendar_columns_know_the_weekday():
    times = np.array(["2024-01-01", "2024-01-08", "2024-07-01"], "datetime64[s]")  # Mondays
    columns = calendar_columns(times, ("week", "year"))
    np.testing.assert_allclose(columns["week_sin"], 0, atol=1e-6)
    assert columns["year_cos"][0] == pytest.approx(1)
    assert columns["year_cos"][2] < -0.99


def test_a_history_for_predict_has_the_columns_of_the_spec(tmp_path):
    path = csv_series(tmp_path / "s.csv", days(40), range(40), extra=",windy")
    with warnings.catch_warnings(action="ignore"):
        data = gd.load_data(path, target="value")
        _, [history] = read_inputs([str(path)], data.spec)
    assert history.shape == (40, len(data.spec.columns))
    np.testing.assert_array_equal(history[:, 0], np.arange(40))


def test_an_array_is_a_series():
    data = gd.load_data(np.sin(np.arange(200) / 5))
    assert data.spec.targets == ("x0",)
    assert data.train.x.shape == (160, 1)
