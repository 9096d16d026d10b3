"""`inspect DATA`: what would be read, reported and drawn, without training."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from genai_basics.cli.main import cli
from genai_basics.data import describing, images, previewing


def invoke(*arguments):
    return CliRunner().invoke(cli, ["inspect", *map(str, arguments)])


@pytest.fixture
def table(tmp_path):
    lines = [f"{i},{'ab'[i % 2]},{'' if i < 6 else i * 1.5}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["n,kind,price", *lines]))
    return tmp_path / "t.csv"


def test_a_table_without_a_target_shows_its_columns(table):
    page = json.loads(invoke(table, "--json").stdout)
    assert page["rows"] == 60
    kinds = {column["name"]: column["kind"] for column in page["columns"]}
    assert kinds == {"n": "number", "kind": "text", "price": "number"}
    assert page["columns"][2]["missing"] == pytest.approx(0.1)
    assert "--target" in page["notes"][-1]
    assert invoke(table, "--out", table.with_suffix(".png")).exit_code == 0
    assert Image.open(table.with_suffix(".png")).size[0] > 300


def test_a_table_with_its_target_is_split_counted_and_drawn(table, tmp_path):
    out = tmp_path / "p.png"
    page = json.loads(invoke(table, "--target", "kind", "--json", "--out", out).stdout)
    assert page["classes"] == {"a": 30, "b": 30}
    assert sum(page["examples"].values()) == 60
    assert Image.open(out).size[0] > 300
    assert invoke(table, "--target", "prize").exit_code == 1


def test_a_series_shows_its_times_and_what_was_decided(tmp_path):
    days = np.datetime64("2023-01-01") + np.arange(100)
    lines = [f"{day};{900 + 3 * i:,}" for i, day in enumerate(days)]
    (tmp_path / "s.csv").write_text("\n".join(["date;v", *lines]))
    result = invoke(tmp_path / "s.csv", "--out", tmp_path / "s.png")
    assert "times: 2023-01-01 to 2023-04-10" in result.stdout
    assert "season: 7" in result.stdout
    assert "v: target, range 900 to 1,197" in result.stdout
    assert "'1,002' in 'v' was read as 1002; --decimal ',' reads it as 1.002" in result.stdout
    page = json.loads(invoke(tmp_path / "s.csv", "--decimal", ".", "--json").stdout)
    assert page["notes"] == []


def test_a_series_of_several_columns_shows_them(tmp_path):
    days = np.datetime64("2023-01-01") + np.arange(100)
    lines = [f"{day},{i},{i * 2},{'ab'[i % 2]}" for i, day in enumerate(days)]
    for name in ("s.csv", "s.txt"):
        (tmp_path / name).write_text("\n".join(["when,x,y,kind", *lines]))
        page = json.loads(invoke(tmp_path / name, "--json").stdout)
        assert (page["kind"], page["rows"]) == ("forecast", 100)
        assert [c["kind"] for c in page["columns"]] == ["time", "number", "number", "text"]
        assert page["columns"][0]["range"] == ["2023-01-01", "2023-04-10"]
        assert "--target" in page["notes"][-1]
        assert json.loads(invoke(tmp_path / name, "--target", "y", "--json").stdout)["season"] == 7


@pytest.mark.parametrize(
    "name", ["digits", "scattered_digits", "key_tones", "place_names", "dates", "chords"]
)
def test_sets_of_all_kinds_are_drawn(tmp_path, name):
    result = invoke(name, "--json", "--out", tmp_path / "a.png")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["examples"]["train"] > 100
    assert np.asarray(Image.open(tmp_path / "a.png")).std() > 1


def test_ranges_are_those_of_many_examples(tmp_path, monkeypatch):
    pictures = np.full((30, 8, 8), 100, "uint8")
    pictures[17, 3, 4], pictures[23, 0, 0] = 250, 3
    np.save(tmp_path / "x.npy", pictures)
    assert json.loads(invoke(tmp_path / "x.npy", "--json").stdout)["values"] == [3, 250]
    (tmp_path / "files").mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / "files" / f"{i}.png")
    monkeypatch.setattr(images, "IN_MEMORY", 1)  # the folder is streamed
    assert json.loads(invoke(tmp_path / "files", "--json").stdout)["values"] == [3, 250]
    monkeypatch.setattr(describing, "LOOKED_AT", 10)  # out of 24, 3 and 3
    assert "values of 14 examples" in json.loads(invoke(tmp_path / "files", "--json").stdout)


def test_music_is_drawn_as_a_piano_roll():
    piece = np.array([[60, 64], [60, -1], [-1, -1]])
    for form in (piece, [[60, 64], [60], []]):
        assert np.argwhere(previewing._piano_roll(form)).tolist() == [[60, 0], [60, 1], [64, 0]]
