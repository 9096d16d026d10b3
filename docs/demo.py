"""Show what every model does: `python docs/demo.py` trains each by its defaults and writes a page.

The page is FOLDER/index.html, next to the runs that it shows. With `--minutes`, the models share
that time; without it, each trains as `genai-basics train NAME` does. Runs that are finished are
not trained again.
"""

import argparse
import html
import os
import platform
from pathlib import Path

from PIL import Image

import genai_basics as gb
from genai_basics.recipes import RECIPES

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>genai_basics: what the models do</title>
<style>
body {{ font: 16px/1.5 sans-serif; color: #222; max-width: 60rem; margin: auto; padding: 1rem }}
nav a {{ display: inline-block; margin-right: .8rem }}
h2 {{ margin: 3rem 0 0; padding-top: 1rem; border-top: 1px solid #ddd }}
h2 + p {{ margin-top: .2rem }}
a, summary {{ color: #0072b2 }}
img {{ display: block; max-width: 100%; max-height: 90vh; margin: 1rem 0 }}
pre {{ overflow-x: auto; background: #f4f4f4; padding: .5rem .8rem; font-size: 14px }}
</style>
<h1>What the models do</h1>
<p>Each model was trained with its defaults, on built-in data, in {minutes:.1f} minutes for all of
them on this machine: {machine}.</p>
<nav>{links}</nav>
{sections}
</html>
"""
SECTION = """<h2 id="{name}">{name}</h2>
<p>{summary}.<br>Trained on <code>{data}</code>: {steps:,} steps in {seconds:.0f} seconds.</p>
<pre>$ genai-basics train {name}
{lines}</pre>
{pictures}
<details><summary>Training curves</summary>
{curves}</details>
"""


def main(names=tuple(RECIPES), minutes=None, folder="demo"):
    """Train models and write the page; return its path."""
    folder = Path(folder)
    runs = [trained(name, minutes and minutes / len(names), folder / name) for name in names]
    page = PAGE.format(
        minutes=sum(run.config["seconds"] for run in runs) / 60,
        machine=f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        links="\n".join(f'<a href="#{name}">{name}</a>' for name in names),
        sections="\n".join(map(section, runs)),
    )
    (folder / "index.html").write_text(page, encoding="utf-8")
    return folder / "index.html"


def trained(name, minutes, place):
    if (place / "config.json").exists():
        return gb.load_run(place)
    return gb.train(name, minutes=minutes, out=place)


def section(run):
    """Return the part of the page about a run: facts, lines, pictures."""
    made = [run.folder / "examples.png", *sorted(run.folder.glob("samples.*"))]
    return SECTION.format(
        name=run.name,
        summary=RECIPES[run.name].summary[0].upper() + RECIPES[run.name].summary[1:],
        data=run.config["data"]["name"],
        steps=run.config["steps"],
        seconds=run.config["seconds"],
        lines=html.escape("\n".join(run.examples())),
        pictures="\n".join(picture(f) for f in made if f.suffix in (".png", ".gif") and f.exists()),
        curves=picture(run.folder / "curves.png"),
    )


def picture(file):
    """Return an element that shows a file of a run; Matplotlib's 200 dots per inch are halved."""
    with Image.open(file) as opened:
        width = round(opened.width * 100 / opened.info.get("dpi", (100,))[0])
    name = file.parent.name
    return f'<img src="{name}/{file.name}" width="{width}" alt="{name}: {file.stem}">'


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="models; all by default")
    parser.add_argument("--minutes", type=float, help="time for all of them together")
    parser.add_argument("--folder", default="demo")
    arguments = parser.parse_args()
    names = tuple(arguments.names) or tuple(RECIPES)
    print(main(names, arguments.minutes, arguments.folder))
