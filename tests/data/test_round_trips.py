"""What `csv` writes is read back: few, small examples drawn by Hypothesis."""

import csv
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest

from genai_basics import data as gd

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies
settings = hypothesis.settings(max_examples=40, deadline=None, derandomize=True)

WRITINGS = [(".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (".", "'"), (",", "\u202f")]
TEXT = st.text(st.sampled_from('ab;,"| \né€'), min_size=1, max_size=12)


def load(text, encoding, **options):
    """Return the data set of a file with this text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(text.encode(encoding))
        with warnings.catch_warnings(action="ignore"):
            return gd.load_data(path, **options)


def table(rows, delimiter, quoting, end):
    """Return the text that `csv` writes for rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(
                rows
            )
        return path.read_bytes().decode()


@settings
@hypothesis.given(
    writing=st.sampled_from(WRITINGS),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
    seed=st.integers(0, 10**6),
    notes=st.lists(TEXT, min_size=5, max_size=5),
)
def test_tables(writing, delimiter, quoting, encoding, end, seed, notes):
    decimal, thousands = writing
    values = np.random.default_rng(seed).uniform(-5e4, 5e4, 40).round(2)
    signs = str.maketrans(",.", "\0\1")
    cells = [
        f"{value:,.2f}".translate(signs).replace("\0", thousands).replace("\1", decimal)
        for value in values
    ]
    rows = [["size", "note", "label"]]
    for i, cell in enumerate(cells):
        rows.append([cell, notes[i % 5].strip() or "x", "ab"[i % 2]])
    text = table(rows, delimiter, quoting, end)
    data = load(text, encoding, target="size", kind="tables")
    parts = [part for part in (data.train, data.validation, data.test) if len(part)]
    found = sorted(np.concatenate([part.y for part in parts]).tolist())
    np.testing.assert_allclose(found, sorted(values.astype("float32")))
    by_label = load(text, encoding, target="label", kind="tables")
    assert by_label.spec.class_names == ("a", "b")


STEPS = {"D": 40, "h": 100, "15min": 200, "W": 60, "M": 50}
FORMATS = {
    "D": ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%y", "%b %d, %Y", "%Y%m%d"],
    "h": ["%Y-%m-%dT%H:%M:%SZ", "%m/%d/%Y %I:%M %p", "%d.%m.%Y %H:%M", "%s"],
    "15min": ["%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M:%S", "%Y%m%d%H%M"],
    "W": ["%Y-%m-%d", "%d.%m.%y", "%d %B %Y"],
    "M": ["%Y-%m", "%b-%y", "%Y%m", "%m/%Y", "%YM%m", "%B %Y"],
}


@settings
@hypothesis.given(
    step=st.sampled_from(sorted(STEPS)),
    start=st.integers(0, 5000),
    choice=st.integers(0, 100),
    turned=st.booleans(),
)
def test_series(step, start, choice, turned):
    count = STEPS[step]
    if step == "M":
        times = (np.datetime64("1995-01") + start % 300 + np.arange(count)).astype("M8[s]")
    else:
        size = {"D": 86400, "h": 3600, "15min": 900, "W": 7 * 86400}[step]
        first = np.datetime64("2001-01-01", "s") + np.timedelta64(start, "D")
        times = first + size * np.arange(count)
    form = FORMATS[step][choice % len(FORMATS[step])]
    stamps = [
        str(time.astype("int64")) if form == "%s" else time.astype(object).strftime(form)
        for time in times
    ]
    rows = [f'"{stamp}",{i}' for i, stamp in enumerate(stamps)]
    rows = rows[::-1] if turned else rows
    data = load("\n".join(["time,v", *rows]), "utf-8", kind="forecast", target="v")
    np.testing.assert_array_equal(data.test.groups["time"], times)
    np.testing.assert_array_equal(data.test.x[:, 0], np.arange(count))
