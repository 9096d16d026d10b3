"""Write the README's table of models: run `python docs/models.py` after changing `recipes.py`."""

import re
from pathlib import Path

from genai_basics.recipes import RECIPES

README = Path(__file__).parent.parent / "README.md"
MARKS = "<!-- models: start -->\n", "<!-- models: end -->"


def table():
    """Return the table of models as Markdown, one row per recipe."""
    lines = ["| name | what it is | builder |", "| --- | --- | --- |"]
    for recipe in RECIPES.values():
        builder = recipe.builder.split(".")[1]
        lines.append(f"| `{recipe.name}` | {recipe.summary} | `gb.{builder}` |")
    return "\n".join(lines) + "\n"


def main():
    start, end = MARKS
    text = README.read_text(encoding="utf-8")
    found = re.sub(f"(?<={start}).*(?={end})", lambda _: table(), text, flags=re.DOTALL)
    README.write_text(found, encoding="utf-8")


if __name__ == "__main__":
    main()
