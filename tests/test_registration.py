"""Tests for genai_basics.registration: what is loaded, and in which order. In new processes."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import genai_basics
from genai_basics import registration

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


def submodules():
    """Return the dotted names of the package's modules, without `__main__` and the commands."""
    files = sorted(PACKAGE.rglob("*.py"))
    names = (file.relative_to(PACKAGE.parent).with_suffix("").parts for file in files)
    names = (parts[:-1] if parts[-1] == "__init__" else parts for parts in names)
    return [".".join(parts) for parts in names if parts[-1] != "__main__" and len(parts) > 1]


# A package in small with the same shape as ours: a lazy `__init__`, and a chain in which the
# later modules take names from the earlier. A stand-in for Keras costs no seconds to import.
FAKE = {
    "keras/__init__.py": "registered = []",
    "small/__init__.py": "from . import registration\nregistration.install()",
    "small/plain.py": "value = 1",
    "small/backend.py": "import keras\nstep = 1",
    "small/layers.py": (
        "import keras\nfrom .backend import step\nLayer = 2\nkeras.registered.append('layers')"
    ),
    "small/model.py": (
        "import keras\nfrom .layers import Layer\nBase = 3\nkeras.registered.append('model')"
    ),
    "small/vae.py": (
        "import keras\nfrom .layers import Layer\nfrom .model import Base\n"
        "keras.registered.append('vae')"
    ),
    "small/broken.py": "import keras\nraise RuntimeError('broken')",
}


@pytest.fixture
def fake(tmp_path):
    for name, text in FAKE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    text = (PACKAGE / "registration.py").read_text(encoding="utf-8")
    fakes = 'MODULES = ("layers", "model", "vae")\n'
    (tmp_path / "small" / "registration.py").write_text(text + fakes, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "imports",
    [
        "import small, keras",
        "import keras, small",
        "import keras; import small.vae",
        *(f"import small.{m}, keras" for m in ("plain", "backend", "layers", "model", "vae")),
        *(f"import small.plain, small.{m}" for m in ("backend", "layers", "model", "vae")),
        "from small import model, layers; from small.vae import Base",
        "import small\ntry:\n    import small.broken\nexcept RuntimeError:\n    import small.plain",
        "import small, threading; t = threading.Thread(target=__import__, args=('keras',));"
        "t.start(); import small.vae; t.join()",
    ],
)
def test_classes_are_registered_once_in_every_order(fake, imports):
    code = f"{imports}\nimport sys, keras\nprint(sorted(keras.registered), len(sys.meta_path))"
    plain = python("import sys; print(len(sys.meta_path))", cwd=fake)
    assert python(code, cwd=fake).strip() == f"['layers', 'model', 'vae'] {plain.strip()}"


def test_nothing_is_imported_before_keras(fake):
    code = (
        "import small.plain, sys;"
        "print(sorted(n for n in sys.modules if n.startswith(('small', 'keras'))))"
    )
    assert python(code, cwd=fake).strip() == "['small', 'small.plain', 'small.registration']"


def test_the_finder_leaves_specs_as_python_makes_them(fake):
    code = (
        "import small, keras, importlib.util as u, small.vae as v;"
        "print(type(v.__loader__).__name__, type(v.__spec__.loader).__name__,"
        "type(keras.__loader__).__name__,"
        "u.find_spec('small.plain').loader.get_source('small.plain'))"
    )
    loaders = " ".join(["SourceFileLoader"] * 3)
    assert python(code, cwd=fake).strip() == f"{loaders} value = 1"


def test_the_bare_import_loads_nothing_heavy():
    code = (
        "import sys; before = set(sys.modules); import genai_basics as gb; dir(gb);"
        "new = set(sys.modules) - before; print(sorted({n.split('.')[0] for n in new}), len(new))"
    )
    names, count = python(code).rsplit(" ", 1)
    for heavy in ("tensorflow", "keras", "numpy", "sklearn", "matplotlib", "click"):
        assert f"'{heavy}'" not in names
    assert int(count) < 20


def test_every_module_that_registers_a_class_is_listed_and_imported():
    registering = {
        str(file.relative_to(PACKAGE).with_suffix("")).replace(os.sep, ".")
        for file in PACKAGE.rglob("*.py")
        if "@keras.saving.register_keras_serializable" in file.read_text()
    }
    assert {name.split(".")[0] for name in registering} == set(registration.MODULES)
    loaded = python("import sys, genai_basics, keras; print(*sys.modules)").split()
    assert {f"genai_basics.{name}" for name in registering} <= set(loaded)


def test_the_table_of_contents_matches_its_stub():
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    stub = {
        (node.module or ".", alias.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    table = {(m, name) for m, names in genai_basics._CONTENTS.items() for name in names}
    assert stub == table | {(".", module) for module in genai_basics._CONTENTS}


def test_every_public_name_can_be_imported():
    for name in genai_basics.__all__:
        assert getattr(genai_basics, name) is not None
    with pytest.raises(AttributeError, match="build_nothing"):
        _ = genai_basics.build_nothing


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "vae.keras"
    genai_basics.build_vae(input_shape=(8, 8, 1), latent_dim=2, seed=0).save(path)
    return path


LOAD = "import keras; print(type(keras.models.load_model(r'{}', safe_mode=True)).__name__)"


@pytest.mark.parametrize(
    "first",
    [
        "import genai_basics",
        "import keras, genai_basics",
        pytest.param("import genai_basics, tensorflow", marks=pytest.mark.slow),
        pytest.param("import tensorflow, genai_basics", marks=pytest.mark.slow),
    ],
)
def test_a_saved_model_loads_whichever_package_came_first(saved, first):
    assert python(f"{first}; {LOAD.format(saved)}").strip() == "VAE"


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a fork for each submodule")
def test_a_saved_model_loads_whichever_submodule_came_first(saved):
    """A process for each submodule, forked where TensorFlow is there and Keras is not yet."""
    code = f"""
import importlib, os, sys
import numpy, tensorflow
for loaded in [name for name in sys.modules if name.split(".")[0] == "keras"]:
    del sys.modules[loaded]
for name in {submodules()!r}:
    if os.fork() == 0:
        importlib.import_module(name)
        {LOAD.format(saved)}
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 0, name
"""
    python(code)
