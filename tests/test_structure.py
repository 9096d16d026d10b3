"""The architecture, read from syntax trees: which modules import which."""

import ast
import configparser
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

from genai_basics.recipes import RECIPES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "genai_basics"
FILES = sorted([*PACKAGE.rglob("*.py"), *(ROOT / "cli").rglob("*.py")])

FAMILIES = {recipe.builder.split(".")[0] for recipe in RECIPES.values()}  # one folder each
# From the bottom to the top: a module imports from its own row or from rows below it.
LAYERS = [
    {
        "atomic",
        "checks",
        "declarations",
        "extras",
        "jsonable",
        "limits",
        "markup",
        "provenance",
        "registration",
        "signatures",
        "startup",
        "warning",
    },
    {"backend"},
    {"callbacks", "data", "layers", "losses", "metrics", "plotting", "preprocessing"},
    {"arguments", "chunks", "compiling", "evaluation", "exporting", "feeding", "model", "saving"},
    {"predictor"},
    FAMILIES,
    {"audit", "augmenting", "recipes"},
    {"runs"},
    {"app"},
    {"cli"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def part_of(file):
    """Return the module or subpackage that a file belongs to."""
    inside = PACKAGE if file.is_relative_to(PACKAGE) else ROOT
    return file.relative_to(inside).with_suffix("").parts[0]


def imports(file):
    """Yield the absolute dotted names that a file imports, at any nesting level."""
    folders = file.relative_to(ROOT).parts[:-1]
    package = ("genai_basics", *folders) if folders[0] == "cli" else folders
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


def named(file):
    return str(file.relative_to(ROOT))


def test_the_imports_are_read_as_python_means_them():
    assert "genai_basics.backend.gradient_step" in set(
        imports(PACKAGE / "convolutional" / "detector.py")
    )
    assert "genai_basics.extras.require" in set(imports(PACKAGE / "metrics" / "text_scores.py"))
    assert "genai_basics.cli.main.cli" in set(imports(PACKAGE / "__main__.py"))
    assert "genai_basics.cli.options" in {
        n.rpartition(".")[0] for n in imports(ROOT / "cli/train.py")
    }


@pytest.mark.parametrize("file", FILES, ids=named)
def test_imports_go_down(file):
    part = part_of(file)
    if part in ("__init__", "__main__"):
        return
    assert part in RANK, f"give {part} its place among LAYERS"
    for name in imports(file):
        if not name.startswith("genai_basics."):
            assert name.split(".")[0] not in ("cli", "benchmarks", "tests"), (
                f"{part} imports {name}"
            )
            continue
        other = name.split(".")[1]
        if other in RANK and other != part:
            assert RANK[other] <= RANK[part], f"{part} must not import {other}, which is above it"
            assert not {part, other} <= FAMILIES, f"{part} and {other} are families"


def module_of(file):
    return ".".join(("genai_basics", *file.relative_to(PACKAGE).with_suffix("").parts))


def within(file, known):
    """Yield the modules of the package that a module imports, through packages' `__init__`."""
    for name in imports(file):
        while name.startswith("genai_basics."):
            package = PACKAGE.parent / name.replace(".", "/")
            if name in known:
                yield name
                break
            parent, _, attribute = name.rpartition(".")
            folder = PACKAGE.parent / parent.replace(".", "/")
            if parent != "genai_basics" and not package.is_dir() and folder.is_dir():
                for other in imports(folder / "__init__.py"):
                    if other.rpartition(".")[2] == attribute and other != name:
                        yield from {m for m in known if m == other.rpartition(".")[0]}
                break
            name = parent


def test_no_module_imports_itself_through_others():
    """Imports inside functions also count."""
    files = {module_of(f): f for f in PACKAGE.rglob("*.py") if not f.name.startswith("__")}
    graph = {name: set(within(file, files)) - {name} for name, file in files.items()}
    assert "genai_basics.runs.card" in graph["genai_basics.runs.run"]
    assert "genai_basics.data.loading" in graph["genai_basics.runs.training"]
    graph = {name: others & graph.keys() for name, others in graph.items()}
    ends = True
    while ends:  # a module that imports none of the rest, or is imported by none, is in no cycle
        ends = graph.keys() - {n for n, others in graph.items() if others}
        ends |= graph.keys() - set().union(*graph.values())
        graph = {name: others - ends for name, others in graph.items() if name not in ends}
    assert not graph, "these import each other"


def test_no_file_has_more_than_400_lines():
    assert not {f.name for f in FILES if len(f.read_text(encoding="utf-8").splitlines()) > 400}


def test_no_two_modules_have_one_name():
    names = [f.stem for f in PACKAGE.rglob("*.py") if f.stem not in ("__init__", "evaluation")]
    assert not {name for name in names if names.count(name) > 1}


@pytest.mark.parametrize("file", FILES, ids=named)
def test_tensorflow_and_click_are_imported_in_one_place(file):
    packages = {name.split(".")[0] for name in imports(file)}
    assert part_of(file) == "backend" or "tensorflow" not in packages
    assert part_of(file) == "cli" or "click" not in packages


@pytest.fixture(scope="module")
def config():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def test_what_is_imported_is_declared(config):
    requirements = [
        config["options"]["install_requires"],
        *config["options.extras_require"].values(),
    ]
    lines = "\n".join(requirements).split("\n")
    declared = {re.split(r"[ \[>=;]", line)[0].lower() for line in lines}
    distributions = metadata.packages_distributions()
    for file in FILES:
        for package in {name.split(".")[0] for name in imports(file)}:
            if package in sys.stdlib_module_names or package == "genai_basics":
                continue
            names = {n.lower().replace("_", "-") for n in distributions.get(package, [package])}
            assert names & declared, f"{named(file)}: setup.cfg does not name what has `{package}`"


def test_no_module_is_named_for_nothing():
    vague = {"utils", "helpers", "misc", "common"}
    assert not vague & {
        part for file in FILES for part in file.relative_to(ROOT).with_suffix("").parts
    }


def test_no_function_shares_a_modules_name():
    """Names such as `from genai_basics import training` must be unambiguous."""
    modules = {part_of(file) for file in FILES}
    for file in PACKAGE.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        names = {
            node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        }
        assert not names & modules, named(file)


def test_files_of_tests_have_different_names():
    """Pytest imports them by name alone, and collects only one of two alike."""
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]
    assert len(set(names)) == len(names)


def test_every_package_is_installed(config):
    listed = set(config["options"]["packages"].split())
    found = {".".join(f.parent.relative_to(ROOT).parts) for f in FILES if f.name == "__init__.py"}
    assert listed == {name.replace("cli", "genai_basics.cli") for name in found}


@pytest.mark.parametrize("file", FILES, ids=named)
def test_nothing_runs_code_from_a_file(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert not {"pickle", "dill", "marshal"} & {name.split(".")[0] for name in imports(file)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            assert node.attr != "Lambda", "a Lambda layer cannot be loaded safely"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False
