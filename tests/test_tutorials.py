"""Every tutorial runs; at its full budget (`pytest -m slow`), its claim also holds."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

TUTORIALS = sorted((Path(__file__).parents[1] / "tutorials").glob("[0-9]*.py"))
# Slow at any budget: run only at full budget, among the slow tests.
LONG = ("06", "10", "11", "13", "14", "15", "17", "18", "19", "21")


@pytest.mark.parametrize(
    "path", [p for p in TUTORIALS if not p.name.startswith(LONG)], ids=lambda path: path.stem
)
def test_tutorial_runs(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENAI_BASICS_BUDGET", "0.02")
    matplotlib.use("agg")
    runpy.run_path(str(path), run_name="__main__")  # new processes would cost minutes


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_keeps_its_claim(path, tmp_path):
    environment = {**os.environ, "GENAI_BASICS_BUDGET": "1", "MPLBACKEND": "agg"}
    command = [sys.executable, str(path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
