"""A page with runs of all kinds, served as users serve it, and a browser that reaches only it."""

import re
import shutil

import numpy as np
import pytest

from genai_basics.app.stage import Stage
from tests.served import Served, find_chromium
from tests.stored import FOLDER, extract

FAKE_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
ONLY_LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
FOREIGN = re.compile(r"https?://(?!(127\.0\.0\.1|localhost)[:/])")
STAGES = {}


@pytest.fixture(scope="session")
def stored_runs(tmp_path_factory):
    """The stored runs of all models, `{name: folder}`."""
    folder = tmp_path_factory.mktemp("runs")
    names = [path.name.removesuffix(".tar.xz") for path in sorted(FOLDER.glob("*.tar.xz"))]
    return {name: extract(name, folder)[0] for name in names}


@pytest.fixture(scope="session")
def runs(stored_runs, tmp_path_factory):
    """The stored runs and others, `{name: folder}`.

    `letters` reads letters, `shop` rows of a table; `gone` may be removed; `damaged` is broken.
    """
    from genai_basics.runs import train

    folder = tmp_path_factory.mktemp("more")
    gone = shutil.copytree(stored_runs["gan"], folder / "gone")
    damaged = shutil.copytree(stored_runs["mlp"], folder / "damaged")
    (damaged / "model.keras").write_bytes(b"damaged")
    letters = train("cnn", "letters", epochs=1, audit=False, out=folder / "letters").folder
    rng, table = np.random.default_rng(0), folder / "shop.csv"
    rows = zip(rng.integers(18, 80, 200), rng.choice(["Lima", "Oslo", "Rome"], 200), strict=True)
    cells = [f"{age},{town},{'yes' if age > 45 or town == 'Rome' else 'no'}" for age, town in rows]
    table.write_text("\n".join(["age,town,buys", *cells]))
    options = {"epochs": 30, "audit": False, "data_options": {"target": "buys"}}
    shop = train("mlp", str(table), out=folder / "shop", **options).folder
    return {**stored_runs, "letters": letters, "shop": shop, "gone": gone, "damaged": damaged}


@pytest.fixture
def stage(request):
    """`stage(name)` returns the run of a model, loaded once."""

    def find(name):
        if name not in STAGES:
            fixture = "runs" if name in ("letters", "shop") else "stored_runs"
            STAGES[name] = Stage(request.getfixturevalue(fixture)[name])
        return STAGES[name]

    return find


@pytest.fixture(scope="session")
def served(runs):
    page = Served(*runs.values())
    yield page
    page.stop()


@pytest.fixture(scope="session")
def chromium():
    api = pytest.importorskip("playwright.sync_api")
    if not find_chromium():
        pytest.skip("there is no Chromium: install it, for example by `apt-get install chromium`")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=["--no-sandbox", ONLY_LOOPBACK, *FAKE_MICROPHONE],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def usual(chromium):
    """A browser's profile that keeps the page's scripts between tests."""
    context = chromium.new_context(permissions=["microphone"])
    yield context
    context.close()


@pytest.fixture
def visit(chromium, usual):
    """`visit(address)` opens a page in a browser that reaches nothing but this machine.

    With options of a Playwright context, it is a new browser.
    """
    pages, contexts, foreign = [], [], []

    def visit(address, **options):
        context = usual
        if options:
            context = chromium.new_context(**options)
            contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: foreign.append(r.url) if FOREIGN.match(r.url) else None)
        page.set_default_timeout(120_000)  # machines of CI are slow
        page.goto(address)
        pages.append(page)
        return page

    yield visit
    for opened in (*pages, *contexts):
        opened.close()
    assert not foreign, f"the page asked other hosts: {foreign}"
