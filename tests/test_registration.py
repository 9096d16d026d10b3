"""Tests for genai_basics.registration: what is loaded and in which order, in new processes."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import genai_basics

PACKAGE = Path(genai_basics.__file__).parent


def python(code, cwd=None, **environment):
    """Run `code` in a new process and return what it printed."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


def forked(codes):
    """Run each code in a process of its own that has imported TensorFlow and not yet Keras."""
    if not hasattr(os, "fork"):
        return [python(code) for code in codes]
    python(f"""
import os, sys
import numpy, tensorflow
for loaded in [name for name in sys.modules if name.split(".")[0] == "keras"]:
    del sys.modules[loaded]
for code in {list(codes)!r}:
    if os.fork() == 0:
        exec(code, {{}})
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0, code
""")


def submodules():
    """Return the dotted names of the package's modules, without `__main__` and the commands."""
    files = sorted(PACKAGE.rglob("*.py"))
    names = (file.relative_to(PACKAGE.parent).with_suffix("").parts for file in files)
    names = (parts[:-1] if parts[-1] == "__init__" else parts for parts in names)
    return [".".join(parts) for parts in names if parts[-1] != "__main__" and len(parts) > 1]


ORDERS = [
    "import genai_basics, keras",
    "import keras, genai_basics",
    "import genai_basics.layers.cells, keras",
    "import genai_basics.backend",
    "from genai_basics.gan import text_gan",
    "import genai_basics, threading; t = threading.Thread(target=__import__, args=('keras',));"
    "t.start(); import genai_basics.vae; t.join()",
]
LOOK_UP = """
import keras
for name in {names}:
    assert keras.saving.get_registered_object("genai_basics>" + name) is not None, name
assert keras.saving.get_registered_object("another>VAE") is None
"""


def registered_names():
    """Return the names of all classes and functions that are registered with Keras."""
    names = []
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            decorators = [ast.unparse(d) for d in getattr(node, "decorator_list", ())]
            if any("register_keras_serializable" in decorator for decorator in decorators):
                names.append(node.name)
    return sorted(names)


def test_keras_finds_every_registered_class_in_every_order():
    names = registered_names()
    assert len(names) > 50
    assert len(names) == len(set(names)), "two classes share a name in Keras' registry"
    assert "VAE" in names
    forked(f"{imports}\n{LOOK_UP.format(names=names)}" for imports in ORDERS)


def test_keras_arrives_without_our_modules():
    ours = "{n for n in sys.modules if n.startswith('genai_basics')}"
    said = "{'genai_basics', 'genai_basics.registration'}"
    forked([f"import genai_basics, keras, sys; assert {ours} == {said}"])


def test_the_bare_import_loads_nothing_heavy():
    code = (
        "import sys; before = set(sys.modules); import genai_basics as gb; dir(gb);"
        "new = set(sys.modules) - before; print(sorted({n.split('.')[0] for n in new}), len(new))"
    )
    names, count = python(code).rsplit(" ", 1)
    for heavy in ("tensorflow", "keras", "numpy", "sklearn", "matplotlib", "click"):
        assert f"'{heavy}'" not in names
    assert int(count) < 20


def test_every_public_name_can_be_imported():
    for name in genai_basics.__all__:
        assert getattr(genai_basics, name) is not None
    with pytest.raises(AttributeError, match="build_nothing"):
        _ = genai_basics.build_nothing


@pytest.mark.parametrize("backend", ["jax", "numpy"])  # not installed, and always available
def test_another_backend_is_refused_in_one_sentence(backend, tmp_path):
    said = "genai_basics needs the TensorFlow backend of Keras: set KERAS_BACKEND=tensorflow"
    code = (
        "import genai_basics as gb\ntry: gb.build_mlp\n"
        "except ImportError as error: print(type(error).__name__, error)"
    )
    assert python(code, KERAS_BACKEND=backend).startswith(f"ImportError {said}")
    done = subprocess.run(
        [sys.executable, "-m", "genai_basics", "train", "mlp", "--out", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {said}")
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "vae.keras"
    genai_basics.build_vae(input_shape=(8, 8, 1), latent_dim=2, seed=0).save(path)
    return path


LOAD = "import keras; assert type(keras.models.load_model(r'{}')).__name__ == 'VAE'"


def test_a_saved_model_loads_whichever_package_came_first(saved):
    firsts = ("import genai_basics", "import keras, genai_basics")
    forked(f"{first}; {LOAD.format(saved)}" for first in firsts)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["genai_basics, tensorflow", "tensorflow, genai_basics"])
def test_tensorflow_may_come_first_or_last(saved, first):
    python(f"import {first}; {LOAD.format(saved)}")


@pytest.mark.slow
def test_a_saved_model_loads_whichever_submodule_came_first(saved):
    names = submodules()
    assert {"genai_basics.vae", "genai_basics.layers"} < set(names)
    forked(f"import {name}; {LOAD.format(saved)}" for name in names)
