"""Runs the README's Python code; `.ci/run` runs its two commands."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from genai_basics.recipes import RECIPES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code.replace("epochs=20", "epochs=1"), names)
    assert names["images"].dtype == np.uint8
    assert names["images"].shape == (16, 8, 8, 1)
    assert len(names["codes"]) == len(names["data"].test.x)
    assert (tmp_path / "vae.keras").exists()


def test_the_two_commands_are_marked_for_the_checks():
    for name in ("run", "test"):
        assert len(re.findall(rf"<!-- command: {name} -->\n```sh\n[^`]+```", README)) == 1


def script(name):
    """Return a script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_demo_page_shows_each_model(tmp_path):
    page = script("demo").main(("mlp", "vae"), minutes=0.4, folder=tmp_path)
    text = page.read_text(encoding="utf-8")
    for name in ("mlp", "vae"):
        assert f'src="{name}/examples.png"' in text
        assert (tmp_path / name / "examples.png").exists()


def test_the_table_of_models_is_written_from_the_recipes():
    assert script("models").table() in README, "run `python docs/models.py`"
    rows = re.findall(r"^\| `([\w-]+)` \| .* \| `gb\.(\w+)` \|$", README, flags=re.MULTILINE)
    builders = {name: recipe.builder.split(".")[1] for name, recipe in RECIPES.items()}
    assert dict(rows) == builders


def test_what_the_readme_links_to_exists():
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
