"""Configuration of the documentation: `sphinx-build -W docs site` writes it to site/."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import outputs  # noqa: E402
import pages  # noqa: E402
from docutils import nodes  # noqa: E402

import genai_basics  # noqa: E402

project = "genai_basics"
author = copyright = "the authors of genai_basics"
version = release = genai_basics.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["generated/figures.md"]  # a part of another page
html_theme = "furo"
html_title = "genai_basics"
CODE = {"code-font-size": "var(--font-size--small--3)"}  # lines of 100 characters fit
html_theme_options = {"light_css_variables": CODE, "dark_css_variables": CODE}
html_show_copyright = False
smartquotes = False  # commands keep their hyphens
default_role = "code"  # single backticks in docstrings
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_inherit_docstrings = False  # those of Keras are Markdown
napoleon_use_rtype = False
napoleon_use_ivar = True
suppress_warnings = ["config.cache"]
sphinx_gallery_conf = {
    "examples_dirs": str(HERE.parent / "tutorials"),
    "gallery_dirs": "tutorials",
    "plot_gallery": "False",  # outputs.py keeps what they show: they take a minute each
    "download_all_examples": False,
    "show_signature": False,
    "within_subsection_order": "FileNameSortKey",  # the order in which they build on each other
    "copyfile_regex": r".*\.csv",
}


def escape(app, what, name, obj, options, lines):
    """Escape what reStructuredText takes for markup: the bars of |x|, letters after code."""
    for i, line in enumerate(lines):
        parts = line.split("`")  # the odd ones are code
        parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
        marked = re.sub(r"(`[^`]+`)(?=\w)", r"\1\\ ", "`".join(parts))  # `Part`s
        lines[i] = line if line.lstrip().startswith((">>>", "...")) else marked


def dash(app, tree):
    """Put a dash between a parameter and its description, where Sphinx writes two hyphens."""
    for text in list(tree.findall(nodes.Text)):
        if text == " -- ":
            text.parent.replace(text, nodes.Text(" – "))


def setup(app):
    app.connect("autodoc-process-docstring", escape, priority=900)  # after napoleon
    app.connect("builder-inited", lambda app: pages.write_all(HERE / "generated"))
    app.connect("builder-inited", outputs.thumbnails, priority=900)  # after the gallery
    app.connect("source-read", outputs.insert)
    app.connect("doctree-read", dash)
    return {"parallel_read_safe": True}
