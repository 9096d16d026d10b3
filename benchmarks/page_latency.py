"""How fast the page answers: from a slider's move to the new picture in the browser.

`genai-basics app` serves a VAE; headless Chromium moves a slider of its latent space and waits for
the picture to change. The times are those that the browser's own clock gives, over the sliders of
the two latents that vary most, one move at a time. `model alone` is decoding without page and
browser, measured in another process before. The last column is the server's memory (resident set)
after the first 200 moves and after 1,000 moves.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from tests.served import Served, find_chromium

from .reliability.soak import resident

HEADERS = ["model", "moves", "median (ms)", "p95 (ms)", "model alone, p95 (ms)", "memory (MiB)"]
MODELS = {  # name of the row: data, arguments of `train`
    "VAE of digits, 8 x 8": ("digits", {"epochs": 10, "latent_dim": 8, "hidden_units": (128,)}),
}
MOVES, LONG = 200, 1000
MOVE = """
async ([i, share]) => {
  const panel = document.querySelector('section[aria-label="Move through the latent space"]');
  const bars = [...panel.querySelectorAll('input[type=range][aria-label^=Latent]')];
  const bar = bars[i % 2], picture = panel.querySelector('.output img');
  const before = picture.src, began = performance.now();
  bar.value = +bar.min + share * (bar.max - bar.min);
  const seen = new Promise((done) => {
    const watch = new MutationObserver(() => {
      if (picture.src !== before) { watch.disconnect(); done(true); }
    });
    watch.observe(picture, {attributes: true});
    setTimeout(() => { watch.disconnect(); done(false); }, 1000);
  });
  bar.dispatchEvent(new Event('input', {bubbles: true}));
  if (!await seen) return null;
  await picture.decode();
  return performance.now() - began;
}
"""


def alone(run):
    """Return the p95 of decoding one code, in milliseconds."""
    rng, times = np.random.default_rng(0), []
    for _ in range(MOVES):
        code = rng.standard_normal((1, run.model.latent_dim))
        began = time.perf_counter()
        run.model.decode(code)
        times.append(1000 * (time.perf_counter() - began))
    return np.percentile(times[10:], 95)


def moves(page, count, rng):
    """Return the times of moves in milliseconds, without those that did not change the picture."""
    found = [page.evaluate(MOVE, [i, float(rng.random())]) for i in range(count)]
    return [one for one in found if one is not None]


def measure_page(folder):
    """Return times of moves, and the memory after few and after many."""
    from playwright.sync_api import sync_playwright

    served, rng = Served(folder), np.random.default_rng(0)
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=["--no-sandbox"]
            )
            page = browser.new_page()
            page.goto(served.address)
            page.get_by_role("img", name="what the code decodes to").wait_for(timeout=120_000)
            moves(page, 20, rng)
            times, held = moves(page, MOVES, rng), [resident(served.process.pid)]
            moves(page, LONG - MOVES, rng)
            held.append(resident(served.process.pid))
            browser.close()
    finally:
        served.stop()
    return times, held


def measure(folder):
    """Return the rows of the table."""
    from genai_basics.runs import train

    rows = []
    for name, (data, options) in MODELS.items():
        with tempfile.TemporaryDirectory() as work:
            run = train("vae", data, out=Path(work) / "vae", audit=False, **options)
            decoding = alone(run)
            times, held = measure_page(run.folder)
        row = [len(times), np.median(times), np.percentile(times, 95), decoding]
        rows.append([name, str(row[0]), *(f"{value:.0f}" for value in row[1:3])])
        rows[-1] += [f"{decoding:.0f}", " to ".join(f"{value:.0f}" for value in held)]
    return rows
