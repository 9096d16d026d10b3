"""A page with stored runs, served as users serve it, and a browser that reaches only it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stored import FOLDER, extract

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

# NiceGUI behaves differently in a process that seems to be pytest's own.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="session")
def stored_runs(tmp_path_factory):
    """The stored runs of all models, `{name: folder}`."""
    folder = tmp_path_factory.mktemp("runs")
    names = [path.name.removesuffix(".tar.xz") for path in sorted(FOLDER.glob("*.tar.xz"))]
    return {name: extract(name, folder)[0] for name in names}


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
                return
        raise RuntimeError(self.said)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def served(stored_runs):
    page = Served(*stored_runs.values())
    yield page
    page.stop()


@pytest.fixture(scope="session")
def chromium():
    api = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM:
        pytest.skip("there is no Chromium: install it, for example by `apt-get install chromium`")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", *FAKE_MICROPHONE],
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """`visit(address)` opens a page in a new browser that reaches nothing but this machine."""
    contexts, foreign = [], []

    def visit(address, **options):
        context = chromium.new_context(permissions=["microphone"], **options)
        contexts.append(context)

        def only_loopback(route):
            if re.match(r"https?://(127\.0\.0\.1|localhost)[:/]", route.request.url):
                return route.continue_()
            foreign.append(route.request.url)
            return route.abort()

        context.route("**/*", only_loopback)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(address)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not foreign, f"the page asked other hosts: {foreign}"
