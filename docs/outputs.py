"""Keeps what the tutorials print and draw, so that the site shows it without running them.

`python docs/outputs.py [NN ...]` runs tutorials at full budget, cell by cell, and writes the
outputs to `outputs/`; `insert` puts them below the cells when the site is built.
"""

import ast
import contextlib
import hashlib
import io
import json
import math
import sys
import time
import types
import warnings
from pathlib import Path

__all__ = ["cells", "insert", "kept", "thumbnails"]

DOCS = Path(__file__).parent
OUTPUTS = DOCS / "outputs"
TUTORIALS = DOCS.parent / "tutorials"
MOST = 40  # lines of printed output


def cells(path):
    """Return the cells of code of a tutorial: the number of the first line, and the code."""
    from sphinx_gallery.py_source_parser import split_code_and_text_blocks

    _, blocks = split_code_and_text_blocks(str(path))
    return [(block[2], block[1]) for block in blocks if block[0] == "code"]


def digest(code):
    """Return a short name of a cell's code."""
    return hashlib.sha256(code.strip().encode()).hexdigest()[:12]


def kept(name):
    """Return the outputs that are kept of a tutorial: its CPU seconds, and those of each cell."""
    path = OUTPUTS / f"{name}.json"
    empty = {"seconds": None, "cells": {}}
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else empty


def run(path):
    """Run a tutorial, cell by cell, and keep what it prints and draws."""
    import matplotlib.animation

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    for old in OUTPUTS.glob(f"{path.stem}*"):
        old.unlink()
    main = types.ModuleType("__main__")
    start, found, number = time.process_time(), {}, 0
    for line, code in cells(path):
        printed = io.StringIO()
        before = set(vars(main))
        tree = ast.increment_lineno(ast.parse(code), line - 1)
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            exec(compile(tree, str(path), "exec"), vars(main))
        new = [thing for name, thing in vars(main).items() if name not in before]
        moving = {
            thing._fig: thing for thing in new if isinstance(thing, matplotlib.animation.Animation)
        }
        pictures = []
        for figure in map(plt.figure, plt.get_fignums()):
            number += 1
            moves = moving.get(figure)
            file = OUTPUTS / f"{path.stem}_{number}.{'gif' if moves else 'png'}"
            save(figure, moves, file)
            pictures.append([file.name, titles(figure)])
        plt.close("all")
        if printed.getvalue().strip() or pictures:
            found[digest(code)] = {"text": printed.getvalue().rstrip(), "pictures": pictures}
    record = {"seconds": round(time.process_time() - start), "cells": found}
    text = json.dumps(record, indent=1, ensure_ascii=False)
    (OUTPUTS / f"{path.stem}.json").write_text(text + "\n", encoding="utf-8")
    return record["seconds"]


def save(figure, moves, file):
    """Write a figure, or its animation, as a small file."""
    from PIL import Image, ImageSequence

    if moves:
        moves.save(file, writer="pillow", dpi=80)
        with Image.open(file) as film:
            found = [(f.info["duration"], f.convert("RGB")) for f in ImageSequence.Iterator(film)]
        duration, frames = map(list, zip(*found, strict=True))
        palette = frames[-1].quantize(32)
        frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
        frames[0].save(file, save_all=True, append_images=frames[1:], duration=duration, loop=0)
        return
    memory = io.BytesIO()
    figure.savefig(memory, dpi=110, bbox_inches="tight")
    Image.open(memory).convert("RGB").quantize(256).save(file, optimize=True)


def titles(figure):
    """Return the titles in a figure, which describe it to those who do not see it."""
    found = [figure.get_suptitle(), *(axes.get_title(loc) for axes in figure.axes for loc in LOCS)]
    return "; ".join(dict.fromkeys(" ".join(title.split()) for title in found if title))


LOCS = ("left", "center", "right")


def insert(app, name, source):
    """Put the outputs below the cells of a tutorial's page, and its time above them."""
    path = TUTORIALS / f"{Path(name).name}.py"
    if Path(name).parent.name != "tutorials" or not path.exists():
        return
    record = kept(path.stem)
    text = source[0]
    for _, code in reversed(cells(path)):  # from the end, as the text grows
        outputs = record["cells"].get(digest(code))
        block = "".join(f"    {line}\n" if line else "\n" for line in code.strip("\n").split("\n"))
        at = text.rfind(block.strip())
        if outputs and at >= 0:
            end = at + len(block.strip())
            text = text[:end] + "\n\n" + shown(outputs) + text[end:]
    if record["seconds"]:
        took = f"It took {record['seconds']} seconds of CPU time."
        text = text.replace("\n.. GENERATED FROM", f"\n*{took}*\n\n.. GENERATED FROM", 1)
    source[0] = text


def thumbnails(app):
    """Show each tutorial in the gallery by that of its pictures which fits there best."""
    from PIL import Image
    from sphinx_gallery.utils import scale_image

    def misfit(file):
        with Image.open(file) as picture:
            return abs(math.log(picture.width / picture.height * 280 / 400))

    for path in sorted(TUTORIALS.glob("[0-9]*.py")):
        pictures = sorted(OUTPUTS.glob(f"{path.stem}_*.*"))
        if pictures:
            thumb = DOCS / "tutorials" / "images" / "thumb" / f"sphx_glr_{path.stem}_thumb.png"
            scale_image(str(min(pictures, key=misfit)), str(thumb), 400, 280)


def shown(outputs):
    """Return the outputs of a cell as reStructuredText."""
    lines = []
    printed = outputs["text"].split("\n")
    printed = printed[:MOST] + ["..."] * (len(printed) > MOST)
    if outputs["text"]:
        lines += [".. rst-class:: sphx-glr-script-out", "", ".. code-block:: none", ""]
        lines += [f"    {line}" for line in printed] + [""]
    for file, alt in outputs["pictures"]:
        lines += [f".. image:: /outputs/{file}", f"    :alt: {alt}", ""]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    OUTPUTS.mkdir(exist_ok=True)
    for path in sorted(TUTORIALS.glob("[0-9]*.py")):
        if path.name.startswith(tuple(sys.argv[1:] or [""])):
            print(path.stem, f"{run(path)} CPU s", flush=True)
