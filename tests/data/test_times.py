"""Times as people write them, and several series in one file, each with the correct values."""

import datetime
import warnings
import zoneinfo

import numpy as np
import pytest

from genai_basics import data as gd
from genai_basics.data.frequencies import find_frequency, next_times, season_of
from genai_basics.data.predicting import read_inputs
from genai_basics.data.times import read_times

DAYS = np.datetime64("2023-01-01") + np.arange(120)


def load(path, lines, header="date,v", **options):
    """Return (data set, warnings) of a series in a file."""
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    with warnings.catch_warnings(record=True, action="always") as caught:
        data = gd.load_data(path, **{"kind": "forecast", **options})
    return data, " | ".join(str(item.message) for item in caught)


def whole(data):
    """Return (times, values) of all steps of a series."""
    return data.test.groups["time"], data.test.x[:, 0]


@pytest.mark.parametrize(
    ("cells", "second"),
    [
        (["2000-Q1", "2000-Q2"], "2000-04-01"),
        (["2000Q3", "2000Q4"], "2000-10-01"),
        (["Q4 2000", "Q1 2001"], "2001-01-01"),
        (["2010M01", "2010M02"], "2010-02-01"),
        (["202001", "202002"], "2020-02-01"),
        (["2020-366", "2021-001"], "2021-01-01"),  # day of the year
        (["Jan 2020", "Feb 2020"], "2020-02-01"),
        (["December-19", "January-20"], "2020-01-01"),
        (["1. Mai 2020", "1. Juni 2020"], "2020-06-01"),
        (["3 août 2021", "4 décembre 2021"], "2021-12-04"),
        (["2020-W01", "2020-W02"], "2020-01-06"),
        (["2020-H1", "2020-H2"], "2020-07-01"),
        (["12/31/2023 11:30 PM", "1/1/2024 12:30 AM"], "2024-01-01T00:30"),
        (["31.12.23 23:30", "01.01.24 00:30"], "2024-01-01T00:30"),
        (["1/15/24", "2/15/24"], "2024-02-15"),
        (["24-01-30", "24-01-31", "24-02-01"], "2024-01-31"),
        (["Mon, 01 Jan 2024 10:00:00 +0000", "Tue, 02 Jan 2024 10:00:00 +0000"], "2024-01-02T10"),
        (["Mon Jan  1 10:00:00 2024", "Tue Jan  2 10:00:00 2024"], "2024-01-02T10"),
        (["2024-01-01T23:00Z", "2024-01-02T00:00Z"], "2024-01-02T00"),
        (["2024-01-01 23:00", "2024-01-01 24:00"], "2024-01-02T00"),
        (
            ["01.01.2024 00:00 - 01.01.2024 01:00", "01.01.2024 01:00 - 01.01.2024 02:00"],
            "2024-01-01T01",
        ),
        (["2000:1", "2000:2", "2000:3", "2000:4", "2001:1"], "2000-04-01"),
        (["2000:01", "2000:02", "2000:03", "2000:04", "2001:01"], "2000-02-01"),
        (["1959.0000", "1959.0833", "1959.1667"], "1959-02-01"),
        (["1959.042", "1959.125", "1959.208"], "1959-02-01"),
        (["1958.2027", "1958.2877", "1958.3699"], "1958-04-01"),  # day fractions, as in NOAA's CO2
        (["1959.083333333333", "1959.166666666667"], "1959-03-01"),
        (["1959.75", "1960", "1960.25"], "1960-01-01"),
        (["1700.0", "1701.0"], "1701-01-01"),
        (["2019.12", "2020.01", "2020.02"], "2020-01-01"),
        (["12.2019", "01.2020"], "2020-01-01"),
        (["1704067200", "1704070800"], "2024-01-01T01"),
        (["1704067200000", "1704070800000"], "2024-01-01T01"),
        (["1704067200000000", "1704070800000000"], "2024-01-01T01"),
        (["45292", "45293"], "2024-01-02"),  # Excel's day numbers
        (["20240101", "20240102"], "2024-01-02"),
        (["1749", "1750"], "1750-01-01"),
        (["2019-20", "2020-21", "2021-22"], "2020-01-01"),
        (["2024-01-30", "31.01.2024", "2024-02-01"], "2024-01-31"),
    ],
)
def test_times_of_all_writings(cells, second):
    found = read_times(cells)
    assert found.values[1] == np.datetime64(second, "s")
    assert not found.wrong.any()


@pytest.mark.parametrize(
    "cells",
    [
        ["12:00"],
        ["1.5", "2"],
        ["1", "2"],
        ["20-Jan"],
        ["good film 10"],
        ["1.5432", "7.8910"],
        [f"17000000000{i:02}" for i in range(0, 99, 33)],  # steps below a second
        [f"2024-01-01T00:00:00.{i}" for i in range(3)],
    ],
)
def test_what_is_no_time(cells):
    assert read_times(cells) is None


def test_day_and_month_are_told_by_even_steps(tmp_path):
    hours = np.datetime64("2023-01-01T00") + np.arange(120)
    lines = [f"{t.astype(object):%d/%m/%Y %H:%M},{i}" for i, t in enumerate(hours)]
    data, said = load(tmp_path / "a.csv", lines)
    assert whole(data)[0][-1] == hours[-1]
    assert "'02/01/2023 00:00' in 'date' was read as 2023-01-02; --month-first" in said
    _, said = load(tmp_path / "a.csv", lines, day_first=True)
    assert not said
    lines = [f"{d.astype(object):%d/%m/%Y},{i}" for i, d in enumerate(DAYS[:12])]  # ambiguous
    times = whole(load(tmp_path / "b.csv", lines, day_first=False)[0])[0]
    assert times[1] == np.datetime64("2023-02-01")
    assert whole(load(tmp_path / "b.csv", lines, day_first=True)[0])[0][1] == DAYS[1]
    assert read_times(["13/02/2024", "01/03/2024"]).unclear is None


@pytest.mark.parametrize(
    ("times", "frequency", "season"),
    [
        (
            np.arange("2010-02", "2015-06", dtype="datetime64[M]").astype("M8[D]") - 1,
            "month end",
            12,
        ),
        (np.arange("2010-01", "2020-01", 3, dtype="M8[M]").astype("M8[D]"), "quarter", 4),
        (np.arange("2010-04", "2020-01", 3, dtype="M8[M]").astype("M8[D]") - 1, "quarter end", 4),
        (np.busday_offset("2023-01-02", np.arange(60)), "business day", 5),
        (np.datetime64("2023-01-01") + 7 * np.arange(60), "week", 52),
        (np.datetime64("2023-01-01T00:00") + 15 * np.arange(400), "15 minutes", 96),
        (np.datetime64("2023-01-01T00:00") + 30 * np.arange(400), "30 minutes", 48),
        (np.datetime64("2023-01-01T00") + 6 * np.arange(60), "6 hours", 4),
    ],
)
def test_steps_and_seasons(tmp_path, times, frequency, season):
    times = times.astype("datetime64[s]")
    assert find_frequency(times) == frequency
    assert season_of(frequency) == season
    np.testing.assert_array_equal(next_times(times[:30], frequency, 9), times[30:39])
    data, said = load(tmp_path / "a.csv", [f"{t},{i}" for i, t in enumerate(times)])
    assert data.spec.season == season
    assert not said


def test_steps_agree_with_pandas():
    pd = pytest.importorskip("pandas")
    for alias in ("D", "B", "W-SUN", "MS", "ME", "BME", "QS", "QE", "YS", "YE", "h", "15min"):
        times = pd.date_range("2020-01-31", periods=50, freq=alias).to_numpy("datetime64[s]")
        found = find_frequency(times[:30])
        np.testing.assert_array_equal(next_times(times[:30], found, 20), times[30:], alias)


def test_offsets_and_clock_changes(tmp_path):
    start = datetime.datetime(2024, 3, 1, tzinfo=datetime.UTC)
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    local = [(start + datetime.timedelta(hours=i)).astimezone(zone) for i in range(24 * 260)]
    data, said = load(tmp_path / "a.csv", [f"{t.isoformat()},{i}" for i, t in enumerate(local)])
    assert "in UTC" in said
    assert "averag" not in said
    times, values = whole(data)
    assert times[0] == np.datetime64("2024-03-01T00")
    np.testing.assert_array_equal(values, np.arange(24 * 260))
    naive = [f"{t.replace(tzinfo=None)},{i}" for i, t in enumerate(local)]
    data, said = load(tmp_path / "b.csv", naive)
    assert "winter time" in said
    np.testing.assert_array_equal(whole(data)[1], np.arange(24 * 260))
    days = [datetime.datetime(2024, 3, 1, tzinfo=zone) + datetime.timedelta(i) for i in range(90)]
    data, said = load(tmp_path / "c.csv", [f"{t.isoformat()},{i}" for i, t in enumerate(days)])
    assert "local clock" in said
    assert data.spec.frequency == "day"


def test_numbered_steps_are_sorted_and_predict_reads_them(tmp_path):
    lines = [f"{i},{i * 2}" for i in [*range(50, 90), *range(50)]]
    data, said = load(tmp_path / "a.csv", lines, header="day,v")
    assert "sorted" in said
    np.testing.assert_array_equal(whole(data)[1], 2 * np.arange(90))
    with pytest.warns(UserWarning, match="sorted"):
        _, x = read_inputs([str(tmp_path / "a.csv")], data.spec)
    assert x.following(2) == [["90", "91"]]


def test_columns_of_dates_and_clocks_are_joined(tmp_path):
    stamps = np.datetime64("2023-01-01T00") + np.arange(240)
    lines = [
        f"{t.astype(object):%d.%m.%Y;%H:%M},{i}".replace(",", ";") for i, t in enumerate(stamps)
    ]
    data, _ = load(tmp_path / "a.csv", lines, header="Date;Time;v")
    np.testing.assert_array_equal(whole(data)[0], stamps)
    assert data.spec.season == 24


def test_several_series_are_told_by_a_column(tmp_path):
    lines = [f"{d},{s},{i * k}" for i, d in enumerate(DAYS) for s, k in (("a", 1), ("b", 10))]
    data, said = load(tmp_path / "a.csv", lines, header="date,store,v", target="v")
    assert "'store' separates 2 series (a, b)" in said
    assert data.spec.series_names == ("a", "b")
    for one, factor in zip(data.test.x, (1, 10), strict=True):
        np.testing.assert_array_equal(one[:, 0], factor * np.arange(120))
    assert [int(own.sum()) for own in data.test.y] == [12, 12]
    assert len(data.test) == 24
    names, x = read_inputs([str(tmp_path / "a.csv")], data.spec)
    assert [name[-3:] for name in names] == ["[a]", "[b]"]
    assert x.following(1) == [["2023-05-01"], ["2023-05-01"]]
    with pytest.warns(UserWarning, match="'store' separates"):
        assert gd.load_data(**data.source).spec == data.spec
    few, said = load(tmp_path / "a.csv", lines, header="date,store,v", target="v", limit=6)
    assert [int(own.sum()) for own in few.train.y] == [3, 3]
    assert "keeps the last 3 steps of each of 2 series" in said
    own_level = [
        f"{d},{s},{100 * k + i % 7}" for i, d in enumerate(DAYS) for k, s in enumerate("ab")
    ]
    data, _ = load(tmp_path / "c.csv", own_level, header="date,store,v")
    assert data.spec.targets == ("v",)  # although the values also distinguish the rows of one day
    both = [f"{d},{s},{k},1{i}" for i, d in enumerate(DAYS) for s in "ab" for k in "xyz"]
    with pytest.raises(ValueError, match="'store' and 'item' together"):
        load(tmp_path / "b.csv", both, header="date,store,item,v", target="v")


def test_times_that_cannot_be_read(tmp_path):
    lines = [f"{d},{i}" for i, d in enumerate(DAYS)]
    data, said = load(tmp_path / "a.csv", [*lines[:7], ",7", *lines[8:]])
    assert "1 rows have no time in 'date' and are left out (the first is line 9" in said
    np.testing.assert_array_equal(whole(data)[1], np.arange(120))  # interpolated
    sales = [f"{1 + i // 12}-{1 + i % 12:02d},{i}" for i in range(36)]  # years 1 to 3
    data, said = load(tmp_path / "s.csv", sales, header="Month,v")
    assert (
        "('1-01'...) cannot be read as dates or whole seconds; the order of the rows is taken"
        in said
    )
    with pytest.warns(UserWarning, match="the order of the rows"):
        assert len(read_inputs([str(tmp_path / "s.csv")], data.spec)[1][0]) == 36
    with pytest.raises(ValueError, match="Received: 'soon' in line 2"):
        load(tmp_path / "b.csv", ["soon,1"] * 30 + lines, time="date")
