"""Register this package's classes with Keras as soon as Keras is there, and not before.

`keras.models.load_model` looks up the classes of other packages among those registered and
imports none by itself. Importing them all in `genai_basics/__init__.py` would load TensorFlow
for a `--help`. So a finder in `sys.meta_path` watches two kinds of import, Keras' own and those
of our submodules, and imports `MODULES` when Keras is loaded and no submodule of ours is in the
middle of being executed. That second condition matters: in `import genai_basics.layers` it is
`layers`, half executed, whose `import keras` brings Keras in, and a module that takes a name
from `layers` could not be imported yet. It can when `layers` is done.
"""

import sys
import threading
from importlib import import_module

PACKAGE = __name__.rpartition(".")[0]

# Every module that registers a class or function with `register_keras_serializable`.
MODULES = (
    "augmentation",
    "autoencoder",
    "cells",
    "convolutional",
    "detector",
    "distributions",
    "feedforward",
    "gan",
    "inputs",
    "layers",
    "model",
    "predictor",
    "recurrent",
    "sound",
    "tokenizer",
    "vae",
)


def install():
    """Register now if Keras is loaded, else when it will be. Called by `genai_basics` itself."""
    if "keras" in sys.modules:
        register()
    else:
        sys.meta_path.insert(0, _Finder())


def register():
    """Import the modules in `MODULES`, whose decorators register their classes with Keras."""
    for name in MODULES:
        import_module(f"{PACKAGE}.{name}")


class _Finder:
    """Finds Keras and our submodules as Python would, and watches their execution.

    Registers where no thread is importing a submodule of ours: one that is may wait for Keras,
    whose import we stand in, while we would wait for that submodule.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.running = 0  # submodules of ours that are found and not yet executed
        self.keras_loaded = False
        self.registering = False
        self.done = False

    def find_spec(self, name, path=None, target=None):
        if self.done or not (name == "keras" or name.startswith(f"{PACKAGE}.")):
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _WatchedLoader(spec.loader, self, name != "keras")
                return spec
        return None

    def may_register(self):
        """Return whether to import the next module now; if not, a later import asks again."""
        with self.lock:
            self.registering = self.keras_loaded and not self.running and not self.done
            return self.registering

    def register(self):
        """Register, as long as no other thread imports a submodule of ours."""
        if self.registering:
            return
        for name in MODULES:
            if not self.may_register():
                return
            import_module(f"{PACKAGE}.{name}")
        with self.lock:
            self.done, self.registering = True, False
        sys.meta_path.remove(self)


class _WatchedLoader:
    """The loader that Python found, with its `exec_module` watched once."""

    def __init__(self, loader, finder, ours):
        self.loader, self.finder, self.counts = loader, finder, ours
        with finder.lock:
            finder.running += ours

    def __getattr__(self, name):
        return getattr(self.loader, name)

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__loader__ = module.__spec__.loader = self.loader
        try:
            self.loader.exec_module(module)
        finally:
            self.end()
        with self.finder.lock:
            self.finder.keras_loaded |= module.__name__ == "keras"
        self.finder.register()

    def end(self):
        """No longer count this module among those that are being imported."""
        with self.finder.lock:
            self.finder.running -= self.counts
            self.counts = False

    __del__ = end  # what was looked for, and never executed
