"""Lets Keras find this package's classes, whichever of the two was imported first.

`keras.models.load_model` looks up the classes of other packages in its registry and imports none
itself. Importing ours in `genai_basics/__init__.py` would load TensorFlow even for `--help`, and
importing them when Keras is loaded could find our modules partially initialized. So Keras'
registry is replaced, as soon as its module is loaded, by one that imports our modules when one
of our names is first looked up.
"""

import sys
from importlib import import_module, util

__all__ = ["install", "register"]

REGISTRY = "keras.src.saving.object_registration"
PREFIX = f"{__package__}>"  # prefix of the registered names of our classes


class Registry(dict):
    """Keras' registered objects; the first lookup of one of ours registers all of ours."""

    def __contains__(self, name):
        if not super().__contains__(name) and isinstance(name, str) and name.startswith(PREFIX):
            register()
        return super().__contains__(name)


def register():
    """Import the modules listed in `__init__.pyi`, whose decorators register classes with Keras."""
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
    """Finds the module of Keras' registry once, as Python would, and replaces its registry."""

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
