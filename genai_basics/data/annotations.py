"""Boxes from annotation files, and their positions in the decoded picture."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from .files import split_of

__all__ = [
    "Annotated",
    "Annotations",
    "bounds",
    "check_apart",
    "foreign_annotations",
    "in_frame",
    "split_by_folder",
]

FOREIGN = {  # what unsupported annotations contain in their first characters
    "of labelme": (".json", b'"imagePath"', b'"shapes"'),
    "in CVAT's own XML": (".xml", b"<annotations>", b"<version>"),
    "of Label Studio": (".json", b'"annotations"', b'"from_name"'),
    "of the VGG annotator": (".json", b'"regions"', b'"shape_attributes"'),
}


@dataclass
class Annotated:
    """A picture with its boxes.

    Attributes:
        picture: Path.
        boxes: [(class name, (left, top, right, bottom))].
        where: Name of the annotation, used in messages.
        size: (width, height) of the picture according to the annotation, or None.
        fractions: Whether boxes are fractions of the width and height.
    """

    picture: Path
    boxes: list
    where: str
    size: tuple | None = None
    fractions: bool = False


@dataclass
class Annotations:
    """What a format's reader returns.

    Attributes:
        parts: {part: [Annotated]}, with the single part "all" if there are no splits.
        files: The annotation files that were used.
        skipped: "file: reason".
        class_names: The class names, if the format lists them.
        noted: Files that a message has already named.
    """

    parts: dict
    files: list
    skipped: list = field(default_factory=list)
    class_names: tuple | None = None
    noted: list = field(default_factory=list)


def foreign_annotations(files):
    """Return a sentence about the first file whose boxes are in an unsupported format."""
    for path in files[:100]:
        if path.suffix.lower() in (".json", ".xml"):
            with path.open("rb") as file:
                start = file.read(65536)
            for whose, (suffix, *words) in FOREIGN.items():
                if path.suffix.lower() == suffix and all(word in start for word in words):
                    return (
                        f"'{path}' holds annotations {whose}: export them as COCO, Pascal VOC or "
                        "YOLO"
                    )
    return None


def split_by_folder(root, items):
    """Return {part: items} by the split folders that contain the pictures, or {"all": items}."""
    parts = {"train": [], "validation": [], "test": [], None: []}
    for item in items:
        folders = item.picture.relative_to(root).parts[:-1]
        parts[next(filter(None, map(split_of, folders)), None)].append(item)
    rest = parts.pop(None)
    if rest or not parts["train"] or not (parts["validation"] or parts["test"]):
        return {"all": items}
    return {part: some for part, some in parts.items() if some}


def check_apart(parts, root):
    """Raise an error if a picture is in two parts."""
    seen = {}
    for part, items in parts.items():
        for item in items:
            if seen.setdefault(item.picture, part) != part:
                raise ValueError(
                    f"'{item.picture.relative_to(root)}' is in the {seen[item.picture]} and in the "
                    f"{part} part; remove it from one of them."
                )


def bounds(points):
    """Return (left, top, right, bottom) of a polygon given as x, y, x, y..."""
    if len(points) < 6 or len(points) % 2:
        raise ValueError(f"a polygon has {len(points)} numbers")
    return min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])


def look_like_fractions(items, frames):
    """Whether all boxes are fractions: no coordinate exceeds 1, and not all are integers."""
    items = [item for item in items if not item.fractions]
    corners = [corner for item in items for _, box in item.boxes for corner in box]
    sides = [side for item in items for side in frames[item.picture][0]]
    whole = all(corner == round(corner) for corner in corners if math.isfinite(corner))
    return not whole and max(corners) <= 1 and min(corners) >= 0 and min(sides) > 2


def look_stored(items, frames):
    """Whether boxes of rotated pictures refer to the pictures as stored; None if unknown.

    The sizes in annotations of pictures with EXIF orientation 5 to 8 decide this.
    """
    telling = [
        item.size == frames[item.picture][0]
        for item in items
        if item.size and frames[item.picture][1] >= 5 and len(set(frames[item.picture][0])) == 2
    ]
    return None if not telling else sum(telling) > len(telling) / 2


def in_frame(item, size, orientation, stored, said):
    """Return the boxes of an `Annotated` in pixels of its decoded picture.

    Args:
        item: The annotation.
        size: (width, height) of the picture as stored.
        orientation: EXIF orientation, 1 to 8.
        stored: Whether boxes refer to the picture as stored, if the size does not decide it.
        said: Counter of messages about what was done.

    Raises:
        ValueError: The annotation was made for a picture of another size.
    """
    shown = size[::-1] if orientation >= 5 else size
    if item.size and _factors(item.size, size) != _factors(item.size, shown):
        stored = _factors(item.size, shown) is None
    elif orientation > 1 and stored is None:
        said[
            "pictures have an EXIF orientation; boxes are taken to refer to the rotated picture"
        ] += 1
    frame, boxes = size if stored else shown, item.boxes
    if item.fractions:
        boxes = [(name, _scaled(box, *frame)) for name, box in boxes]
    elif item.size and item.size != frame:
        factors = _factors(item.size, frame)
        if factors is None or _beyond(boxes, *item.size):
            width, height = item.size
            raise ValueError(
                f"it gives the picture size {width:g}x{height:g} (width x height), but "
                f"'{item.picture.name}' is {frame[0]}x{frame[1]}; correct one of them"
            )
        said["annotations were made for another picture size; their boxes were rescaled"] += 1
        boxes = [(name, _scaled(box, *factors)) for name, box in boxes]
    if not stored or orientation == 1:
        return boxes
    said["pictures are rotated by their EXIF orientation, and their boxes with them"] += 1
    return [(name, _turned(box, *size, orientation)) for name, box in boxes]


def _factors(size, wanted):
    """Return the factors that scale `size` to `wanted` if both sides agree up to rounding."""
    factors = wanted[0] / size[0], wanted[1] / size[1]
    agree = abs(factors[0] - factors[1]) <= 1 / size[0] + 1 / size[1]
    return factors if agree else None


def _beyond(boxes, width, height):
    return any(max(b[0], b[2]) > width + 1 or max(b[1], b[3]) > height + 1 for _, b in boxes)


def _scaled(box, x, y):
    return box[0] * x, box[1] * y, box[2] * x, box[3] * y


def _turned(box, width, height, orientation):
    """Convert a box of the picture as stored (width x height) to the picture as displayed."""
    places = {
        2: lambda x, y: (width - x, y),
        3: lambda x, y: (width - x, height - y),
        4: lambda x, y: (x, height - y),
        5: lambda x, y: (y, x),
        6: lambda x, y: (height - y, x),
        7: lambda x, y: (height - y, width - x),
        8: lambda x, y: (y, width - x),
    }
    (x0, y0), (x1, y1) = (places[orientation](*box[i : i + 2]) for i in (0, 2))
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
