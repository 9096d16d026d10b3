"""An hour of clicks on the page of `genai-basics app`, by script, in headless Chromium.

python -m benchmarks.reliability.clicks --minutes 60

The page serves a stored run of every model. Each visit opens it in a new browser and goes through
the tabs: all sliders are moved at random, all buttons for another sample or example are pressed.
The server's memory must not grow, no click may end in an error, and no answer may fail to come.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np

from genai_basics.recipes import RECIPES
from tests.served import IDLE, Served, find_chromium
from tests.stored import extract

from .pages import measured
from .soak import growth, resident, warm

BUTTONS = ("Another seed", "Next example", "A held-out example", "Back to the mean", "Write", "Go")
TEXTS = ("4 May 2001", "import this", "Paris", "")  # an empty one is an error in words
EXPECTED = "the text is empty: type one"
PAUSE = 0.1  # seconds between two moves
PATIENCE = 120  # seconds for an answer
MOVE = """
(bar, share) => {
  bar.value = +bar.min + share * (bar.max - bar.min);
  bar.dispatchEvent(new Event('input', {bubbles: true}));
}
"""


class Visitor:
    """Someone who opens the page and clicks on everything; counts moves and errors."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address
        self.rng, self.moves, self.errors = np.random.default_rng(0), 0, []

    def visit(self, until):
        """Go through all tabs once, or until a time."""
        context = self.browser.new_context()
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(self.address)
        page.get_by_role("tab").first.wait_for()
        for name in page.get_by_role("tab").all_inner_texts():
            if time.monotonic() > until:
                break
            if name in RECIPES:
                self.use(page, name)
        context.close()

    def use(self, page, name):
        """Use all that a tab has."""
        page.get_by_role("tab", name=name, exact=True).click()
        page.get_by_role("heading", level=2).filter(has_text=f"{name}: ").wait_for()
        page.get_by_role("region").first.wait_for()
        self.wait(page, name)
        for field in page.get_by_label("Input").locator("visible=true").all():
            if field.evaluate("e => e.tagName") == "TEXTAREA":
                field.fill(str(self.rng.choice(TEXTS)))
        for button in BUTTONS:
            for one in page.get_by_role("button", name=button, exact=True).all():
                one.click()
                self.moved(page)
        self.wait(page, name)
        for bar in page.locator("input[type=range]:visible").all():
            for share in self.rng.random(3):
                bar.evaluate(MOVE, float(share))
                self.moved(page)
        self.wait(page, name)
        for alert in page.locator("[role=alert]:visible").all_inner_texts():
            if alert not in ("", EXPECTED):
                self.errors.append(f"{name}: {alert}")

    def moved(self, page):
        self.moves += 1
        page.wait_for_timeout(1000 * PAUSE)

    def wait(self, page, name):
        """Wait until the page works on nothing."""
        page.wait_for_timeout(500)  # spinners of slow answers are shown by then
        try:
            page.wait_for_function(IDLE)
        except Exception:  # of Playwright
            self.errors.append(f"{name}: no answer within {PATIENCE} s")


def clicks(minutes):
    """Click for some minutes; return what was found."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        served = Served(*(extract(name, Path(folder))[0] for name in RECIPES))
        pid, rows = served.process.pid, []
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_chromium(), args=["--no-sandbox"]
                )
                visitor = Visitor(browser, served.address)
                began = time.monotonic()
                while time.monotonic() - began < 60 * minutes:
                    visitor.visit(began + 60 * minutes)
                    hours = (time.monotonic() - began) / 3600
                    handles = len(os.listdir(f"/proc/{pid}/fd"))
                    rows.append((hours, resident(pid), handles))
                    print(*rows[-1], visitor.moves, visitor.errors[-3:], flush=True)
                browser.close()
        finally:
            served.stop()
    hours, memory, handles = map(np.array, zip(*rows, strict=True))
    errors = visitor.errors + [line for line in served.said.splitlines() if "Error" in line]
    return {
        "minutes": minutes,
        "visits": len(rows),
        "moves": visitor.moves,
        "memory": [*np.interp([0, minutes / 240, minutes / 60], hours, memory).round(1)],
        "slope": growth(warm(rows, minutes)),
        "handles": [int(handles.min()), int(handles.max())],
        "errors": sorted(set(errors)),
    }


if __name__ == "__main__":
    measured(clicks)
