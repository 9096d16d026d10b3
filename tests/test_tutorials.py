"""Every tutorial keeps its claims, and runs as a notebook, too (`pytest -m slow`)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_readme import script

TUTORIALS = sorted((Path(__file__).parents[1] / "tutorials").glob("[0-9]*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_tutorial_keeps_its_claim(path, tmp_path):
    environment = {**os.environ, "GENAI_BASICS_BUDGET": "1", "MPLBACKEND": "agg"}
    command = [sys.executable, str(path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["01_neuron", "08_forecasting", "12_autoencoder"])
def test_the_gallerys_notebook_runs_and_shows_its_pictures(name, tmp_path, monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    from sphinx_gallery.notebook import python_to_jupyter_cli

    monkeypatch.setenv("GENAI_BASICS_BUDGET", "0.02")
    monkeypatch.delenv("MPLBACKEND", raising=False)  # notebooks draw into their pages
    path = Path(shutil.copy(TUTORIALS[0].parent / f"{name}.py", tmp_path))
    python_to_jupyter_cli([str(path)])
    notebook = nbformat.read(path.with_suffix(".ipynb"), as_version=4)
    nbclient.NotebookClient(notebook, timeout=300).execute(cwd=tmp_path)
    outputs = [one for cell in notebook.cells for one in cell.get("outputs", ())]
    pictures = [one for one in outputs if "image/png" in one.get("data", {})]
    shown = path.read_text(encoding="utf-8").count("plt.show()")
    assert len(pictures) >= shown
    assert not [one for one in outputs if one["output_type"] == "error"]


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_the_site_has_the_pictures_of_each_tutorial(path):
    """After a change of a tutorial, `python docs/outputs.py NN` runs it and keeps its pictures."""
    outputs = script("outputs")
    record = outputs.kept(path.stem)
    codes = {outputs.digest(code): code for _, code in outputs.cells(path)}
    assert set(record["cells"]) <= set(codes), "cells were changed: run docs/outputs.py"
    showing = {name for name, code in codes.items() if "\nplt.show()" in code}
    pictures = {name: cell["pictures"] for name, cell in record["cells"].items()}
    assert showing <= {name for name, found in pictures.items() if found}
    for file, alt in (one for found in pictures.values() for one in found):
        assert alt
        assert (outputs.OUTPUTS / file).exists()
