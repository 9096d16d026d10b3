"""Writes the pages of the documentation that the library knows best: `conf.py` calls it.

`generated/` gets the API from the list of public names, the page of each kind of data from what
`inspect` says of small files, and the table of measured figures.
"""

import ast
import json
import tempfile
from pathlib import Path

from click.testing import CliRunner
from kinds import KINDS
from models import reached

import genai_basics
from genai_basics.cli.main import cli
from genai_basics.recipes import RECIPES

__all__ = ["write_all"]

ROOT = Path(__file__).parent.parent


def write_all(folder):
    """Write all generated pages to a folder."""
    folder.mkdir(exist_ok=True)
    pages = {"api.rst": api(), "figures.md": figures()}
    pages |= {f"data-{kind}.md": kind_page(kind, *facts) for kind, facts in KINDS.items()}
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")  # unchanged pages are not built again


def api():
    """Return the page of the public names, in the order of their modules."""
    table = ast.parse((ROOT / "genai_basics" / "__init__.pyi").read_text(encoding="utf-8"))
    names = {}
    for row in table.body:
        if isinstance(row, ast.ImportFrom) and row.module:
            part = row.module.partition(".")[0]
            names.setdefault(part, []).extend(alias.name for alias in row.names)
    lines = ["Reference", "=========", "", "All names are attributes of `genai_basics`.", ""]
    for module, found in names.items():
        lines += [module, "-" * len(module), ""]
        for name in found:
            thing = getattr(genai_basics, name)
            kind = "autoclass" if isinstance(thing, type) else "autofunction"
            lines += [f".. {kind}:: genai_basics.{name}"]
            lines += ["   :members:", ""] if kind == "autoclass" else [""]
    return "\n".join(lines)


def figures():
    """Return the table of models with measured figures, ours and those of peers."""
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    lines = ["| model | measured |", "| --- | --- |"]
    for name in RECIPES:
        sentence = reached(name, results)
        lines += [f"| `{name}` | {sentence} |"] if sentence else []
    return "\n".join(lines) + "\n"


def kind_page(kind, title, about, write, options):
    """Return the page of a kind of data: files to copy, and what `inspect` says of them."""
    with tempfile.TemporaryDirectory() as place:
        source = write(Path(place))
        said = CliRunner().invoke(cli, ["inspect", str(source), *options], catch_exceptions=False)
        if said.exit_code:
            raise RuntimeError(f"inspect fails for {kind}: {said.output}")
        files = sorted(path for path in Path(place).rglob("*") if path.is_file())
        readable = [path for path in files if path.suffix in (".csv", ".tsv", ".json", ".txt")]
        shown = [(str(p.relative_to(place)), p.read_text(encoding="utf-8")) for p in readable[:2]]
        listed = [str(path.relative_to(place)) for path in files]
    models = [f"`{recipe.name}`" for recipe in RECIPES.values() if kind in recipe.kinds]
    command = " ".join(["genai-basics inspect", source.name, *options])
    lines = [f"# {title}", "", about, "", f"Models: {', '.join(models)}.", "", "## Files", ""]
    lines += block(listed)
    for name, text in shown:
        lines += [f"`{name}`:", "", *block(line[:160] for line in text.splitlines())]
    lines += ["## What is read", "", *block([command], "sh")]
    lines += block(said.output.replace(f"{place}/", "").rstrip().splitlines(), most=60)
    return "\n".join(lines)


def block(lines, language="text", most=12):
    """Return a block of code of at most `most` lines."""
    lines = list(lines)
    more = [f"... ({len(lines)} lines)"] if len(lines) > most else []
    return [f"```{language}", *lines[:most], *more, "```", ""]
