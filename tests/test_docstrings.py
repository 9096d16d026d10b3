"""Runs the examples in docstrings."""

import doctest
import importlib
import pkgutil

import pytest

import genai_basics

NAMES = [
    module.name
    for module in pkgutil.walk_packages(genai_basics.__path__, "genai_basics.")
    if not module.name.endswith("__main__")
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_docstrings_are_true(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # examples may write files
    module = importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(module, optionflags=flags).failed == 0
