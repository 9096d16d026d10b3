"""What all tests share: seeds, and real data where there are any."""

import os
import sys
from pathlib import Path

import pytest

# Set before TensorFlow is imported by a test, and passed on to the processes that tests start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

DATA = os.environ.get("GENAI_BASICS_DATA", Path(__file__).parents[2] / "shared" / "data")


def pytest_collection_modifyitems(items):
    """Start with the file that takes longest, or one process ends long after the others."""
    items.sort(key=lambda item: item.path.stem != "test_tutorials")


@pytest.fixture(autouse=True)
def seeded():
    """Start every test from the same random state."""
    if "keras" in sys.modules:  # a test of data or text needs no Keras, and should not wait for it
        import keras

        keras.utils.set_random_seed(0)


@pytest.fixture(autouse=True, scope="module")
def cleared():
    """Forget the models of a file after its last test: it walks the heap, so once is enough."""
    yield
    if "keras" in sys.modules:
        import keras

        keras.backend.clear_session()


@pytest.fixture(scope="session")
def shared_data():
    """Return `find(name)`, the path of a real data set, or skip the test where it is absent.

    The sets are no part of the repository. They are looked for in the folder that the
    environment variable GENAI_BASICS_DATA names, or else in `shared/data` beside the clone.
    """

    def find(name):
        path = Path(DATA) / name
        if not path.exists():
            pytest.skip(f"there is no real data set '{name}': set GENAI_BASICS_DATA to its folder")
        return path

    return find
