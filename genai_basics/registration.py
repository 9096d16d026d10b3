"""Let Keras find this package's classes, whichever of the two was imported first.

`keras.models.load_model` looks up the classes of other packages in its registry and imports none
by itself. Importing ours in `genai_basics/__init__.py` would load TensorFlow for a `--help`, and
importing them when Keras arrives would meet modules of ours that are half executed. So Keras'
registry is replaced, as soon as its module is loaded, by one that imports our modules at the
first look-up of a name of ours.
"""

import sys
from importlib import import_module, util

__all__ = ["install", "register"]

REGISTRY = "keras.src.saving.object_registration"
PREFIX = f"{__package__}>"  # of the names under which our classes are registered


class Registry(dict):
    """Keras' registered objects; the first look-up of one of ours registers them all."""

    def __contains__(self, name):
        if not super().__contains__(name) and isinstance(name, str) and name.startswith(PREFIX):
            register()
        return super().__contains__(name)


def register():
    """Import the modules of the public table, whose decorators register classes with Keras."""
    package = sys.modules[__package__]
    for name in dict.fromkeys([*package.MODULES, *package.MODULE_OF.values()]):
        import_module(f"{__package__}.{name}")


def install():
    """Replace Keras' registry, now or when its module is loaded. `genai_basics` calls it."""
    if REGISTRY in sys.modules:
        _replace(sys.modules[REGISTRY])
    else:
        sys.meta_path.insert(0, _Finder)


class _Finder:
    """Finds the module of Keras' registry as Python would, once, and replaces what it holds."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != REGISTRY:
            return None
        sys.meta_path.remove(_Finder)
        spec = util.find_spec(name)
        execute = spec.loader.exec_module
        spec.loader.exec_module = lambda module: (execute(module), _replace(module))
        return spec


def _replace(module):
    module.GLOBAL_CUSTOM_OBJECTS = Registry(module.GLOBAL_CUSTOM_OBJECTS)
