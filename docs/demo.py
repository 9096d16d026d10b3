"""Show what every model does: `python docs/demo.py` trains each by its defaults and writes a page.

The page is FOLDER/index.html, next to the runs that it shows. With `--minutes`, the models share
that time; without it, each trains as `genai-basics train NAME` does. Runs that are finished are
not trained again.
"""

import argparse
import html
from pathlib import Path

import genai_basics as gb
from genai_basics.recipes import RECIPES

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>genai_basics: what the models do</title>
<style>
body {{ font: 16px/1.5 sans-serif; color: #222; max-width: 60rem; margin: auto; padding: 1rem }}
img {{ max-width: 100%; height: auto }}
pre {{ white-space: pre-wrap; background: #f4f4f4; padding: .5rem }}
</style>
<h1>What the models do</h1>
<p>Each model was trained by its defaults, on built-in data.</p>
{sections}
</html>
"""
SECTION = """<h2>{name}</h2>
<p>{summary}. Trained on {data}: {steps:,} steps in {seconds:.0f} seconds.</p>
<pre>genai-basics train {name}</pre>
<pre>{lines}</pre>
{pictures}
"""


def main(names=tuple(RECIPES), minutes=None, folder="demo"):
    """Train models and write the page; return its path."""
    sections = [section(name, minutes and minutes / len(names), Path(folder)) for name in names]
    page = Path(folder) / "index.html"
    page.write_text(PAGE.format(sections="\n".join(sections)), encoding="utf-8")
    return page


def section(name, minutes, folder):
    place = folder / name
    if (place / "config.json").exists():
        run = gb.load_run(place)
    else:
        run = gb.train(name, minutes=minutes, out=place)
    lines = run.examples()
    made = [place / "examples.png", *sorted(place.glob("samples.*")), place / "curves.png"]
    shown = [file for file in made if file.suffix in (".png", ".gif") and file.exists()]
    return SECTION.format(
        name=name,
        summary=RECIPES[name].summary[0].upper() + RECIPES[name].summary[1:],
        data=run.config["data"]["name"],
        steps=run.config["steps"],
        seconds=run.config["seconds"],
        lines=html.escape("\n".join(lines)) or "(see the picture)",
        pictures="\n".join(
            f'<p><img src="{name}/{file.name}" alt="{name}: {file.stem}"></p>' for file in shown
        ),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="models; all by default")
    parser.add_argument("--minutes", type=float, help="time for all of them together")
    parser.add_argument("--folder", default="demo")
    arguments = parser.parse_args()
    names = tuple(arguments.names) or tuple(RECIPES)
    print(main(names, arguments.minutes, arguments.folder))
