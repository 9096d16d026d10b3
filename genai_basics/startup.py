"""Starts TensorFlow without its messages, for programs that print to a terminal."""

import json
import logging
import os
import sys
import tempfile
from importlib import import_module

__all__ = ["check_backend", "quiet_tensorflow"]


def check_backend():
    """Raise an error for a Keras backend other than TensorFlow, before Keras is imported.

    Raises:
        ImportError: If one is set in `KERAS_BACKEND` or Keras' configuration file, or is loaded.
    """
    if "keras" in sys.modules:
        found = sys.modules["keras"].backend.backend()
    else:
        found = os.environ.get("KERAS_BACKEND") or _settings().get("backend", "tensorflow")
    if found != "tensorflow":
        raise ImportError(
            "genai_basics needs the TensorFlow backend of Keras: set KERAS_BACKEND=tensorflow "
            f"before Python starts. Received: KERAS_BACKEND={found}"
        )


def _settings():
    """Return the content of Keras' configuration file."""
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    try:
        with open(os.path.join(home, "keras.json"), encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def quiet_tensorflow():
    """Import Keras, and TensorFlow with it, without TensorFlow's start-up messages.

    TensorFlow's libraries write some of them directly to the process' standard error before
    reading any settings, so it is redirected while they load. If loading fails, the messages
    are shown. If the user has set `TF_CPP_MIN_LOG_LEVEL`, the messages are wanted and are not
    suppressed.
    """
    check_backend()
    if "keras" in sys.modules:
        return
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        import_module("keras")
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    with tempfile.TemporaryFile() as aside:
        stderr = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            import_module("keras")
        except BaseException:
            aside.seek(0)
            os.write(stderr, aside.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
