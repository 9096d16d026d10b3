"""The documentation is built without warnings, and its commands exist."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys

import click
import pytest

from genai_basics.cli.main import cli
from genai_basics.data.loading import KINDS
from tests.test_readme import ROOT, script

PAGES = sorted((ROOT / "docs").glob("*.md"))


def commands():
    """Yield the page and the words of each command in the pages."""
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] == ["genai-basics"]:
                    yield page.name, words[1:]


@pytest.mark.parametrize(("page", "words"), list(commands()), ids=lambda part: str(part)[:60])
def test_a_command_of_the_pages_exists_with_its_options(page, words):
    command = cli.commands[words[0]]
    if isinstance(command, click.Group):
        command, words = command.get_command(None, words[1]), words[1:]
    command.make_parser(click.Context(command)).parse_args(words[1:])


def test_every_kind_of_data_has_its_page():
    assert set(script("kinds").KINDS) == set(KINDS)
    listed = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    assert set(re.findall(r"generated/data-(\w+)", listed)) == set(KINDS)


def test_the_doctor_says_what_the_page_quotes():
    """Each quotation on the page begins with words that the sources have."""
    page = (ROOT / "docs" / "trouble.md").read_text(encoding="utf-8")
    quoted = re.findall(r"^((?:> .*\n)+)", page, re.MULTILINE)
    assert len(quoted) == 6
    known = ""
    for folder in ("callbacks", "gan", "vae"):
        for path in sorted((ROOT / "genai_basics" / folder).glob("*.py")):
            source = re.sub(r'"\s+f?"', "", path.read_text(encoding="utf-8"))  # joined strings
            known += re.sub(r"\s", "", source)
    for text in quoted:
        words = re.split(r"[:;,\d]", text.replace("> ", ""))[0]
        assert re.sub(r"\s+", "", words) in known, words


@pytest.mark.slow
def test_the_site_is_built_without_warnings(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-d", tmp_path / "cache"]
    done = subprocess.run(
        [*command, ROOT / "docs", tmp_path / "site"],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    names = {str(page.relative_to(tmp_path / "site")) for page in pages}
    wanted = ("index", "which_model", "commands", "generated/api", "tutorials/13_vae")
    assert {f"{name}.html" for name in wanted} <= names
    assert (tmp_path / "site" / "searchindex.js").exists()  # the search needs no server
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for image in re.findall(r"<img[^>]*>", text):
            described = re.search(r'alt="[^"]+"', image) or "_thumb.png" in image  # has a title
            assert described, f"{page}: {image} has no description"
        assert text.count("<h1") == 1 or page.stem == "search", page
        levels = [int(level) for level in re.findall(r"<h([1-6])\b", text)]
        for above, below in itertools.pairwise(levels):
            assert below <= above + 1, f"{page}: h{below} below h{above}"
        for target in re.findall(r'href="([^"#:?]+)[#"]', text):
            assert (page.parent / target).exists(), f"{page} links to {target}"
    contrast(tmp_path / "site")


def contrast(site):
    """Check the contrast of texts with their backgrounds, light and dark, in a browser."""
    playwright = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    chromium = shutil.which("chromium")
    if chromium is None:
        return
    with playwright.sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(color_scheme=scheme)
            page.set_default_timeout(120_000)  # milliseconds
            for name in ("index", "commands", "tutorials/04_convolution"):
                page.goto((site / f"{name}.html").as_uri())
                found = axe.run(page, options={"runOnly": ["color-contrast"]})
                assert found.violations_count == 0, f"{name}, {scheme}: {found.generate_report()}"
        browser.close()
