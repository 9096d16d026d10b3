"""Every tutorial runs; at its full budget (`pytest -m slow`) its claim holds too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).parents[1] / "tutorials").glob("[0-9]*.py"))
# Those whose claim has been checked at its full budget. The others join when theirs has.
CHECKED = ("01", "02", "03", "04", "05", "12", "13", "21")


def run(path, budget, folder):
    environment = {**os.environ, "GENAI_BASICS_BUDGET": str(budget), "MPLBACKEND": "agg"}
    command = [sys.executable, str(path)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_runs(path, tmp_path):
    run(path, 0.02, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_keeps_its_claim(path, tmp_path):
    if not path.name.startswith(CHECKED):
        pytest.skip("its claim has not been checked at the full budget yet")
    run(path, 1.0, tmp_path)
