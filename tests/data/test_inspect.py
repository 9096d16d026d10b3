"""`inspect DATA`: what would be read, said and drawn without training."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from genai_basics.cli.main import cli


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


@pytest.mark.parametrize(
    "name", ["digits", "scattered_digits", "key_tones", "place_names", "dates"]
)
def test_sets_of_all_kinds_are_drawn(tmp_path, name):
    result = invoke(name, "--json", "--out", tmp_path / "a.png")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["examples"]["train"] > 100
    assert np.asarray(Image.open(tmp_path / "a.png")).std() > 1
