"""The page of `genai-basics app` in a process of its own, as users start it."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

__all__ = ["IDLE", "Served", "find_chromium"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# JavaScript: whether no spinner is shown, as of a slow answer.
IDLE = "() => ![...document.querySelectorAll('.q-spinner')].some((e) => e.checkVisibility())"

# NiceGUI behaves differently in a process that seems to be pytest's own.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}


def find_chromium():
    """Return the path of the browser, or `None` if there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


class Served:
    """A page in a process of its own."""

    def __init__(self, *arguments, folder=None, **environment):
        port = 20_000 + os.getpid() % 20_000
        command = [sys.executable, "-m", "genai_basics", "app", "--no-browser", "--port", str(port)]
        self.process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={**ENVIRONMENT, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        )
        self.said = ""
        for line in self.process.stdout:
            self.said += line
            found = re.search(r"on (http://\S+)", line)
            if found:
                self.address = found[1]
                threading.Thread(target=self.listen, daemon=True).start()
                return self.wait()
        raise RuntimeError(self.said)

    def listen(self):
        """Read on, since a process whose output nobody reads stops once the pipe is full."""
        for line in self.process.stdout:
            self.said += line

    def wait(self):
        """Wait until the port is open, a moment after the address is printed."""
        host, _, port = self.address.removeprefix("http://").partition(":")
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection((host, int(port))):
                return
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
