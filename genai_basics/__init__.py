"""Basic neural networks, predictive and generative, as ready-to-train Keras models.

    import genai_basics as gb

The public names are listed in `__init__.pyi`, which editors and type checkers also read. They
are imported on first use, so `import genai_basics` is fast: it loads neither TensorFlow nor
Keras nor NumPy. `keras.models.load_model` finds the classes of this package, whichever of the
two was imported first.
"""

import ast
from importlib import import_module
from pathlib import Path

from . import registration

__version__ = "0.1.0"


def _table():
    """Return `(modules, {name: module})`, read from `__init__.pyi`."""
    table = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    rows = [node for node in table.body if isinstance(node, ast.ImportFrom)]
    modules = [alias.name for node in rows if node.module is None for alias in node.names]
    names = {alias.name: node.module for node in rows if node.module for alias in node.names}
    return modules, names


MODULES, MODULE_OF = _table()

__all__ = sorted(["__version__", *MODULES, *MODULE_OF])


def __getattr__(name):
    if name not in MODULES and name not in MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f".{MODULE_OF.get(name, name)}", __name__)
    except ImportError:
        import_module(".startup", __name__).check_backend()  # the more likely cause
        raise
    globals()[name] = getattr(module, name) if name in MODULE_OF else module
    return globals()[name]


def __dir__():
    return sorted({*globals(), *__all__})


registration.install()
