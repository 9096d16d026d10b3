"""Every tutorial runs; at its full budget (`pytest -m slow`) its claim holds too."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

TUTORIALS = sorted((Path(__file__).parents[1] / "tutorials").glob("[0-9]*.py"))
# Those whose claim has been checked at its full budget. The others join when theirs has.
CHECKED = ("01", "02", "03", "04", "05", "12", "13", "20", "21")


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENAI_BASICS_BUDGET", "0.02")
    matplotlib.use("agg")
    runpy.run_path(str(path), run_name="__main__")  # here: a new process each costs minutes


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_keeps_its_claim(path, tmp_path):
    if not path.name.startswith(CHECKED):
        pytest.skip("its claim has not been checked at the full budget yet")
    environment = {**os.environ, "GENAI_BASICS_BUDGET": "1", "MPLBACKEND": "agg"}
    command = [sys.executable, str(path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
