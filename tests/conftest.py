"""Shared by all tests: seeds, and real data if available."""

import gc
import os
import sys
from pathlib import Path

import pytest

# Set before a test imports TensorFlow, and inherited by processes that tests start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Graphs are traced as many objects that live long; to scan them often takes a seventh of the time.
gc.set_threshold(100_000, 50, 100)

DATA = os.environ.get("GENAI_BASICS_DATA", Path(__file__).parents[2] / "shared" / "data")


def pytest_collection_modifyitems(items):
    """Start with the slowest files, so that all processes end at about the same time."""
    items.sort(key=lambda item: item.path.stem != "test_tutorials")


@pytest.fixture(autouse=True)
def seeded():
    """Start each test from the same random state."""
    if "keras" in sys.modules:  # tests of data do not need Keras and should not wait for it
        import keras

        keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True, scope="module")
def cleared(request):
    """Clear Keras' state after a file's last test; it scans the heap, so only once per file.

    What is left, such as the modules of TensorFlow, is not scanned again.
    """
    yield
    if "keras" in sys.modules and request.path.parent.name != "data":  # which makes no models
        import keras

        keras.backend.clear_session()
        gc.freeze()


@pytest.fixture(scope="session")
def shared_data():
    """Return `find(name)`, which gives the path of a real data set or skips the test.

    The data sets are not in the repository. They are searched for in the folder given by the
    environment variable GENAI_BASICS_DATA, or in `shared/data` next to the clone.
    """

    def find(name):
        path = Path(DATA) / name
        if not path.exists():
            pytest.skip(f"there is no real data set '{name}': set GENAI_BASICS_DATA to its folder")
        return path

    return find
