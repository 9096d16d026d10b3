"""A page with stored runs, served as users serve it, and a browser that reaches only it."""

import re
import shutil

import pytest

from tests.served import Served
from tests.stored import FOLDER, extract

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="session")
def stored_runs(tmp_path_factory):
    """The stored runs of all models, `{name: folder}`."""
    folder = tmp_path_factory.mktemp("runs")
    names = [path.name.removesuffix(".tar.xz") for path in sorted(FOLDER.glob("*.tar.xz"))]
    return {name: extract(name, folder)[0] for name in names}


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
        page.set_default_timeout(120_000)  # machines of CI are slow
        page.goto(address)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not foreign, f"the page asked other hosts: {foreign}"
