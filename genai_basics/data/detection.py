"""Pictures with boxes, in the formats Pascal VOC, COCO and YOLO."""

from collections import Counter

import numpy as np

from ..warning import warn
from .annotations import (
    check_apart,
    foreign_annotations,
    in_frame,
    look_like_fractions,
    look_stored,
)
from .arrays import stacked
from .coco import find_coco, read_coco
from .dataset import Part, Reading
from .files import fingerprint_files, report_skipped, walk
from .images import check_size, decode_image, picture_frame, read_each, resize_images
from .spec import DetectionSpec
from .targets import warn_of_twins
from .voc import find_voc, read_voc
from .yolo import find_yolo, read_yolo

__all__ = ["detection_reading", "find_annotations", "read_detection"]


def read_detection(source, *, image_size=None, color=None, class_names=None, strict=False):
    """Read pictures with boxes: `y` is a list of {"boxes": (k, 4), "labels": (k,)}.

    Boxes are (left, top, right, bottom) in pixels of the pictures in `x`; they are clipped to
    the picture, boxes without area are left out, and a warning counts both. If an annotation
    gives another size than its picture has, boxes are scaled if both sides agree on a factor,
    rotated if the EXIF orientation explains it, and otherwise a warning names the picture
    that is skipped.

    Args:
        source: A Pascal VOC folder (`Annotations/`, `JPEGImages/`, `ImageSets/`, or pictures
            with a `.xml` file next to each); COCO JSON, one or several files, with the pictures
            anywhere below; a YOLO folder (`labels/` next to `images/`, with or without `data.yaml`
            or `classes.txt`) or its `.yaml`. Splits given by folders or files are kept.
        image_size: Size to stretch pictures and boxes to. `None` keeps the original sizes.
        color: "grey" or "rgb". `None` selects grey if all pictures are grey.
        class_names: Known class names.
        strict: Whether a missing or broken picture or annotation is an error.
    """
    found = find_annotations(source)
    if not found:
        foreign = foreign_annotations(walk(source)[0] if source.is_dir() else [source])
        if foreign:
            raise ValueError(f"{foreign}.")
        raise ValueError(
            f"'{source}' holds no boxes: it must be a Pascal VOC folder (Annotations/*.xml), COCO "
            "JSON with its pictures, or a YOLO folder (labels/*.txt)."
        )
    read, where = found
    made = read(*where)
    root, skipped = where[0], list(made.skipped)
    if not any(made.parts.values()):
        why = f" ({skipped[0]})" if skipped else ""
        advice = "; give the folder that holds both" if source.is_file() else ""
        raise ValueError(f"'{source}' holds no picture with an annotation{why}{advice}.")
    check_apart(made.parts, root)
    decoded = _decode(made.parts, root, skipped)
    placed = _place(made.parts, decoded, skipped)
    report_skipped(tuple(skipped), strict, "pictures or annotations")
    names = {name for items in placed.values() for _, boxes in items for name, _ in boxes}
    warn_of_twins(sorted(names), "boxes")
    if class_names is None:
        class_names = made.class_names or tuple(sorted(names))
    if not names:
        why = f": {skipped[0]}" if skipped else ""
        raise ValueError(f"'{source}' holds no boxes that can be used{why}.")
    counts, size = Counter(), check_size(image_size)
    grey = color == "grey" or (color is None and all(i.shape[2] == 1 for i in decoded.values()))
    paths = {path for items in placed.values() for path, _ in items}
    unique = len({path.name for path in paths}) == len(paths)
    parts = {}
    for part, items in placed.items():
        x, y = [], []
        for path, boxes in items:
            image = decoded[path]
            target = _target(boxes, image.shape, class_names, counts, path)
            x.append(resize_images(image[None], size, "grey" if grey else "rgb")[0])
            if size is not None:
                scale = np.array([size[1] / image.shape[1], size[0] / image.shape[0]] * 2)
                target["boxes"] = (target["boxes"] * scale).astype("float32")
            y.append(target)
        names = [path.name if unique else str(path.relative_to(root)) for path, _ in items]
        parts[part] = Part(stacked(x), y, {"file": np.array(names)})
    if not counts["kept"]:
        raise ValueError(f"None of the boxes of '{source}' lies within its picture.")
    _warn_of_boxes(counts)
    digest = fingerprint_files([*made.files, *sorted(decoded)], root)
    files = (*made.files, *(item.picture for items in made.parts.values() for item in items))
    return detection_reading(parts, class_names, digest, tuple(skipped), (*files, *made.noted))


def detection_reading(parts, class_names, digest, skipped=(), files=None):
    """Return the reading of `{part: Part}` of pictures and boxes."""
    shapes = {image.shape for part in parts.values() for image in part.x}
    height = {shape[0] for shape in shapes}
    width = {shape[1] for shape in shapes}
    same = len(height) == len(width) == 1
    size = (height.pop(), width.pop()) if same else (None, None)
    spec = DetectionSpec((*size, next(iter(shapes))[2]), tuple(class_names))
    return Reading(spec, parts, digest, skipped, files=files)


def find_annotations(source):
    """Return (reader, its arguments) for a path that holds boxes, or None."""
    for find, read in ((find_voc, read_voc), (find_coco, read_coco), (find_yolo, read_yolo)):
        where = find(source)
        if where:
            return read, where
    return None


def annotated_pictures(source):
    """Return the paths of the pictures named by an annotation file."""
    found = find_annotations(source)
    if not found:
        raise ValueError(f"'{source}' holds no boxes of COCO or YOLO.")
    read, where = found
    return [item.picture for items in read(*where).parts.values() for item in items]


def _decode(parts, root, skipped):
    """Return {path: uint8 picture}, grey ones with one channel."""
    paths = sorted({item.picture for items in parts.values() for item in items})
    images = read_each(paths, decode_image)
    for path, image in images.items():
        if isinstance(image, str):
            skipped.append(f"{path.relative_to(root)}: no picture that can be read")
    decoded = {path: image for path, image in images.items() if not isinstance(image, str)}
    if not decoded:
        raise ValueError(f"None of the {len(paths)} pictures in '{root}' can be read.")
    return decoded


def _place(parts, decoded, skipped):
    """Return {part: [(picture, [(name, box)])]} with boxes in pixels of the decoded pictures."""
    items = [item for items in parts.values() for item in items if item.picture in decoded]
    frames = {item.picture: picture_frame(item.picture) for item in items}
    if look_like_fractions(items, frames):
        warn("All boxes are given as fractions of the sides of their pictures.")
        for item in items:
            item.fractions = True
    stored, said, placed = look_stored(items, frames), Counter(), {}
    for part, some in parts.items():
        placed[part] = []
        for item in (item for item in some if item.picture in decoded):
            try:
                boxes = in_frame(item, *frames[item.picture], stored, said)
            except ValueError as error:
                skipped.append(f"{item.where}: {error}")
            else:
                placed[part].append((item.picture, boxes))
    for what, count in said.items():
        warn(f"{count} {what}.")
    return {part: some for part, some in placed.items() if some}


def _target(boxes, shape, class_names, counts, path):
    """Return boxes clipped to the picture as float32 (k, 4), with the indices of their classes."""
    place = {name: i for i, name in enumerate(class_names)}
    corners, labels = [], []
    for name, box in boxes:
        if name not in place:
            raise ValueError(
                f"The label {name!r} of '{path.name}' is not one of the classes "
                f"{', '.join(class_names)}."
            )
        box = np.array(box, "float32")
        ordered = np.array([*np.minimum(box[:2], box[2:]), *np.maximum(box[:2], box[2:])])
        counts["swapped"] += bool(np.any(ordered != box) and np.isfinite(box).all())
        cut = np.clip(ordered, 0, np.array([shape[1], shape[0]] * 2, "float32"))
        if not (cut[2] > cut[0] and cut[3] > cut[1]):  # also rejects NaN
            counts["dropped"] += 1
            continue
        counts["kept"] += 1
        counts["cut"] += bool(np.any(cut != ordered))
        corners.append(cut)
        labels.append(place[name])
    return {
        "boxes": np.array(corners, "float32").reshape(-1, 4),
        "labels": np.array(labels, "int64"),
    }


def _warn_of_boxes(counts):
    for fate, what in (
        ("dropped", "have no area within their picture and are left out"),
        ("cut", "reach beyond their picture and are cut at its edge"),
        ("swapped", "have swapped corners, which were reordered"),
    ):
        if counts[fate]:
            warn(f"{counts[fate]} boxes {what}.")
