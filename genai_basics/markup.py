"""Results as plain HTML, which notebooks show: tables, lists and embedded pictures."""

import base64
import io
from html import escape
from pathlib import Path

__all__ = ["bullets", "cell", "page", "picture", "table"]

WIDEST = 640  # pixels of a shown picture
STYLES = "border-collapse: collapse; margin: 0.5em 0"


def cell(value):
    """Return a value as text: numbers with five digits, sequences joined by "to".

    Example:

    >>> cell(1234.5678), cell([0.0, 255.0])
    ('1,234.6', '0 to 255')
    """
    if isinstance(value, (list, tuple)):
        return " to ".join(map(cell, value))
    return f"{value:,.5g}" if isinstance(value, float) else str(value)


def table(rows, headers=()):
    """Return a table of rows, which are sequences of values.

    Example:

    >>> "<td>0.9</td>" in table([("accuracy", 0.9)])
    True
    """
    lines = [f"<table style='{STYLES}'>"]
    if headers:
        lines.append(
            "<tr>" + "".join(f"<th>{escape(str(name))}</th>" for name in headers) + "</tr>"
        )
    for first, *rest in rows:
        cells = "".join(f"<td>{escape(cell(value))}</td>" for value in rest)
        lines.append(f"<tr><th style='text-align: left'>{escape(cell(first))}</th>{cells}</tr>")
    return "\n".join([*lines, "</table>"])


def bullets(sentences):
    """Return a list of sentences; nothing if there are none."""
    items = "".join(f"<li>{escape(str(sentence))}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def picture(source, alt):
    """Return a picture, a PNG file or a uint8 array, embedded as a data URI.

    Args:
        source: Path or array (height, width[, channels]).
        alt: Description for people who do not see it.
    """
    if isinstance(source, (str, Path)):
        data = Path(source).read_bytes()
    else:
        from PIL import Image

        buffer = io.BytesIO()
        source = source[..., 0] if source.ndim == 3 and source.shape[-1] == 1 else source
        Image.fromarray(source).save(buffer, "png")
        data = buffer.getvalue()
    encoded = base64.b64encode(data).decode()
    return (
        f"<img alt='{escape(alt, quote=True)}' style='max-width: min(100%, {WIDEST}px)' "
        f"src='data:image/png;base64,{encoded}'/>"
    )


def page(title, *parts):
    """Return parts, as HTML, below a title."""
    inside = "\n".join(part for part in parts if part)
    return f"<div class='genai-basics'>\n<h4>{escape(title)}</h4>\n{inside}\n</div>"
