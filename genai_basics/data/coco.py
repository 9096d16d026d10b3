"""COCO annotations: one or several JSON files for all pictures."""

import json
import re
from collections import defaultdict

from ..warning import warn
from .annotations import Annotated, Annotations, bounds, split_by_folder
from .files import list_files, split_of
from .images import IMAGE_SUFFIXES
from .matching import FileIndex, clashes

__all__ = ["find_coco", "read_coco"]

PASSED = ("captions", "stuff", "panoptic", "person_keypoints", "keypoints", "image_info")


def find_coco(source):
    """Return (folder that contains the pictures, COCO files) of a path, or None."""
    if source.is_file():
        if source.suffix.lower() != ".json" or not _is_coco(source):
            return None
        apart = source.parent.name.lower() == "annotations"  # COCO's own layout
        return source.parent.parent if apart else source.parent, [source]
    files = [path for path in list_files(source, (".json",)) if _is_coco(path)]
    return (source, files) if files else None


def _is_coco(path):
    with path.open("rb") as file:
        start = file.read(2**20)
    return b'"annotations"' in start or (b'"images"' in start and b'"file_name"' in start)


def read_coco(root, paths):
    """Return the `Annotations` of COCO files, merged by class name."""
    contents = {path: _load(path) for path in paths}
    kept = _kept(contents)
    passed = [path for path in paths if path not in kept]
    if passed:
        names = ", ".join(path.name for path in passed)
        warn(f"Files without object boxes are skipped: {names}.")
    skipped, noted, parts = [], [], defaultdict(dict)
    index = FileIndex(root, list_files(root, IMAGE_SUFFIXES))
    splits = {path: _split(path, root) for path in kept}
    named = None not in splits.values() and "train" in splits.values()
    for path, content in kept.items():
        part = splits[path] if named else "all"
        for item in _read_file(path, content, index, splits[path], skipped, noted):
            same = parts[part].setdefault(item.picture, item)
            if same is not item:  # several files have boxes for this picture
                same.boxes += [box for box in item.boxes if box not in same.boxes]
    made = {part: list(items.values()) for part, items in parts.items()}
    made = made if named else split_by_folder(root, made.get("all", []))
    return Annotations(made, paths, skipped, noted=noted)


def _split(path, root):
    """Return the split of a file, from its name or its folder's name."""
    folders = path.relative_to(root).parts[:-1][::-1]
    words = [word for part in (path.stem, *folders) for word in (part, *re.split("[-._]", part))]
    return next(filter(None, map(split_of, words)), None)


def _load(path):
    try:
        content = json.loads(path.read_bytes())
        images = {str(item["id"]): item for item in content["images"]}
        if not all(isinstance(item["file_name"], str) for item in images.values()):
            raise ValueError("a `file_name` is not a string")
        if len(images) < len(content["images"]):
            raise ValueError("two of its images have one id")
        annotations = content.get("annotations") or []
        if not isinstance(annotations, list) or not all(isinstance(a, dict) for a in annotations):
            raise ValueError("`annotations` is not a list of objects")
        names = {}
        for item in content.get("categories") or []:
            names[str(item["id"])] = str(item["name"]).strip()
        return images, annotations, names
    except UnicodeDecodeError as error:
        raise ValueError(
            f"'{path}' is not valid COCO JSON: byte {error.start} is not UTF-8."
        ) from None
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise ValueError(f"'{path}' is not valid COCO JSON: {str(error)[:200]}.") from error


def _kept(contents):
    """Return the files that hold boxes; captions and keypoints are skipped."""
    with_boxes = {
        path: content
        for path, content in contents.items()
        if any("bbox" in a or "segmentation" in a for a in content[1])
    }
    objects = {p: c for p, c in with_boxes.items() if not p.stem.lower().startswith(PASSED)}
    kept = objects or with_boxes
    if len(contents) == 1:
        return contents
    if not kept:
        raise ValueError(f"None of {', '.join(path.name for path in contents)} holds boxes.")
    return kept


def _read_file(path, content, index, split, skipped, noted):
    """Return the `Annotated` of one file."""
    images, annotations, names = content
    near = path.parent.relative_to(index.root).as_posix()
    wanted = {key: item["file_name"] for key, item in images.items()}
    found, unclear = index.match(wanted, near, split)
    for key, files in list(unclear.items())[:1]:
        several = " or ".join(f"'{file.relative_to(index.root)}'" for file in files[:2])
        raise ValueError(
            f"'{wanted[key]}' of '{path.name}' may be {several}; write the folder in `file_name`."
        )
    for file, keys in clashes(found):
        different = sorted({wanted[key] for key in keys})
        if len(different) > 1:
            raise ValueError(
                f"'{different[0]}' and '{different[1]}' of '{path.name}' both lead to "
                f"'{file.relative_to(index.root)}'; put the pictures in folders with these names."
            )
    for key in images:
        if key not in found:
            skipped.append(f"{wanted[key]}: the picture is missing")
    boxes, lost, crowds = _boxes(path, images, annotations, names, skipped)
    if crowds:
        warn(f"{crowds} crowd regions in '{path.name}' are left out.")
    _check_corners(path, images, boxes)
    made, hidden = [], [key for key in found if key in lost and not boxes[key]]
    if hidden:
        warn(
            f"{len(hidden)} pictures in '{path.name}' have objects but no box that can be used and "
            f"are left out (the first is '{wanted[hidden[0]]}')."
        )
        noted += [found.pop(key) for key in hidden]
    for key, file in found.items():
        corners = [(name, (x, y, x + w, y + h)) for name, (x, y, w, h) in boxes[key]]
        made.append(Annotated(file, corners, f"{path.name}, {wanted[key]}", _size(images[key])))
    return made


def _size(image):
    try:
        size = float(image["width"]), float(image["height"])
    except (KeyError, TypeError, ValueError):
        return None
    return size if min(size) > 0 else None


def _boxes(path, images, annotations, names, skipped):
    """Return ({image id: [(name, (left, top, width, height))]}, lost, number of crowds).

    `lost` holds the ids of images with objects that have no usable box.
    """
    boxes, lost, crowds = {key: [] for key in images}, set(), 0
    for number, item in enumerate(annotations):
        label = f"{path.name}: annotation {item.get('id', number)}"
        category = str(item.get("category_id"))
        image = str(item.get("image_id"))
        if item.get("iscrowd"):
            crowds += 1
            lost.add(image)
        elif image not in boxes:
            skipped.append(f"{label}: it has no picture")
        elif not names.get(category):
            skipped.append(f"{label}: its box or its class is broken (no category {category})")
            lost.add(image)
        else:
            try:
                boxes[image].append((names[category], _box(item)))
            except (TypeError, ValueError, KeyError, AttributeError):
                skipped.append(f"{label}: its box or its class is broken")
                lost.add(image)
    return boxes, lost, crowds


def _box(item):
    """Return the box of an annotation, or the box around its polygons."""
    if item.get("bbox"):
        x, y, width, height = map(float, item["bbox"])
        return x, y, width, height
    corners = [bounds(list(map(float, polygon))) for polygon in item["segmentation"]]
    left, top = min(c[0] for c in corners), min(c[1] for c in corners)
    return left, top, max(c[2] for c in corners) - left, max(c[3] for c in corners) - top


def _check_corners(path, images, boxes):
    """Reject boxes given as corners: read as COCO's, most would leave their pictures."""
    beyond = within = 0
    for key, some in boxes.items():
        size = _size(images[key])
        for _, (x, y, w, h) in some if size else ():
            beyond += x + w > size[0] + 1 or y + h > size[1] + 1
            within += x <= w <= size[0] + 1 and y <= h <= size[1] + 1
    total = sum(len(some) for key, some in boxes.items() if _size(images[key]))
    if total and beyond > total / 2 and within > 0.95 * total:
        raise ValueError(
            f"{beyond} of {total} boxes of '{path}' extend beyond their pictures: they look like "
            "corners (left, top, right, bottom), but COCO's are (left, top, width, height)."
        )
