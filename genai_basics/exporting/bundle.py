"""Writes what a model exports: its graphs, `preprocessing.json` and `example.py`."""

import ast
import inspect
import json
import textwrap

import numpy as np

from ..atomic import write_text
from ..checks import one_of
from ..jsonable import plain
from . import programs
from .formats import FORMATS
from .served import in_common_operations

__all__ = ["write_bundle"]


def write_bundle(model, to, folder):
    """Write what a model exports to a folder; return the paths.

    Args:
        model: The trained model.
        to: The format: "onnx", "litert", "saved_model" or "keras".
        folder: An existing folder.

    Raises:
        ValueError: If the model, or a part of it, cannot be exported in this format.
        ImportError: If a package of the extra `export` is missing.
    """
    form = FORMATS[one_of("to", to, tuple(FORMATS))]
    form.check()
    model.settle()
    parts = model.exported()
    paths = []
    for name, graph in parts.graphs.items():
        paths.append(folder / f"{name}{form.suffix}")
        try:
            with in_common_operations(model):
                form.write(model, graph, paths[-1])
        except ValueError:
            raise
        except Exception as error:  # converters raise errors of many types
            reason = " ".join(str(error).split())[:200]
            raise ValueError(
                f"{form.title} cannot hold '{name}' of this {model.name} "
                f"({type(error).__name__}: {reason}): export to another format. Received: to={to!r}"
            ) from error
    for name, array in parts.arrays.items():
        paths.append(folder / f"{name}.npy")
        np.save(paths[-1], array)
    inputs = {
        name: {k: [[None, *shape], dtype] for k, (shape, dtype) in graph.inputs.items()}
        for name, graph in parts.graphs.items()
    }
    facts = {"model": model.name, "inputs": inputs, **parts.facts}
    files = {"preprocessing.json": json.dumps(plain(facts), indent=1, ensure_ascii=False) + "\n"}
    files["example.py"] = _program(model, form, parts)
    for name, text in files.items():
        paths.append(folder / name)
        write_text(paths[-1], text)
    return paths


HEAD = '''
"""Runs what was exported from a {model}, with NumPy and {runtime} alone.

    pip install numpy {packages}
    python example.py [ARGUMENT]...

An argument is a .npy file or a text; without arguments, an example is run.
"""

{imports}
from pathlib import Path

import numpy as np
'''

STATE = """
HERE = Path(__file__).resolve().parent
FACTS = json.loads((HERE / "preprocessing.json").read_text("utf-8"))
GRAPHS = {}
"""

RUN = '''
def run(name, **inputs):
    """Run an exported graph on arrays; return a dict of arrays."""
    if name not in GRAPHS:
        GRAPHS[name] = load(name)
    dtypes = {key: dtype for key, (_, dtype) in FACTS["inputs"][name].items()}
    return call(GRAPHS[name], {k: np.asarray(v, dtypes[k]) for k, v in inputs.items()})
'''

MAIN = """
if __name__ == "__main__":
    given = [np.load(a) if a.endswith(".npy") else a for a in sys.argv[1:]]
    print({call}({given}) if given else {call}({example}))
"""


def _program(model, form, parts):
    """Return the source of `example.py`."""
    first = parts.programs[0].__name__
    packages = form.runs_with.replace(" and", "")
    own, functions = form.loader.split("\n", 1)
    names = dict.fromkeys(n for function in parts.programs for n in _needed(function))
    sources = [inspect.getsource(getattr(programs, name)) for name in reversed(names)]
    given = "given" if parts.example.startswith("[") else "*given"  # one list, or arguments
    main = MAIN.format(call=first, example=parts.example, given=given)
    used = [name for name in ("itertools", "re") if f"{name}." in "".join(sources)]
    imports = "\n".join(f"import {name}" for name in sorted([*used, "json", "sys"]))
    head = HEAD.format(model=model.name, runtime=form.runs_with, packages=packages, imports=imports)
    blocks = [f"{head.strip()}\n{own}\n{STATE}", functions, RUN, *sources, main]
    return "\n\n\n".join(block.strip() for block in blocks) + "\n"


def _needed(function):
    """Return the names of a program and of those that it calls."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    used = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in programs.__all__]
    return [function.__name__, *(n for u in used for n in _needed(getattr(programs, u)))]
