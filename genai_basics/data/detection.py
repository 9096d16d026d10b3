"""Pictures with boxes: Pascal VOC folders, COCO JSON."""

import json
import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from .dataset import Part, Reading
from .files import fingerprint_files, list_files, report_skipped, split_folders
from .images import IMAGE_SUFFIXES, check_size, decode_image, resize_images
from .spec import DetectionSpec

__all__ = ["detection_reading", "find_annotations", "read_detection"]


def read_detection(source, *, image_size=None, color=None, class_names=None, strict=False):
    """Read pictures with boxes: `y` is a list of {"boxes": (k, 4), "labels": (k,)}.

    Boxes are (left, top, right, bottom) in pixels of the pictures in `x`; what lies outside a
    picture is cut off, boxes without area are left out, and a warning counts both.

    Args:
        source: A Pascal VOC folder (`Annotations/`, `JPEGImages/`, `ImageSets/`), pictures
            with a `.xml` file beside each, or a COCO `.json` file (or a folder of them,
            `train.json`, `val.json`, `test.json`) with the pictures beside or below it.
        image_size: Size to stretch pictures and boxes to. `None` keeps the pictures' own.
        color: "grey" or "rgb". `None` takes grey where all pictures are.
        class_names: Names of data seen before.
        strict: Whether a picture or an annotation that is missing or broken is an error.
    """
    found = find_annotations(source)
    if not found:
        raise ValueError(
            f"'{source}' holds no boxes: it must be a Pascal VOC folder (Annotations/*.xml) or "
            "COCO JSON with its pictures."
        )
    kind, where = found
    raw, skipped, files = (_read_voc if kind == "voc" else _read_coco)(where)
    if not any(raw.values()):
        reason = f" ({skipped[0]})" if skipped else ""
        raise ValueError(f"'{source}' holds no picture with an annotation{reason}.")
    root = source if source.is_dir() else _root(source)
    parts, size = {}, check_size(image_size)
    if class_names is None:
        names = {name for items in raw.values() for _, boxes in items for name, _ in boxes}
        class_names = tuple(sorted(names))
    decoded = _decode(raw, root, skipped)
    report_skipped(tuple(skipped), strict, "pictures or annotations")
    grey = color == "grey" or (color is None and all(i.shape[2] == 1 for i in decoded.values()))
    counts = {"cut": 0, "dropped": 0}
    for name, items in raw.items():
        items = [(path, boxes) for path, boxes in items if path in decoded]
        x, y = [], []
        for path, boxes in items:
            image = decoded[path]
            target = _target(boxes, image.shape, class_names, counts, path)
            image = resize_images(image[None], size, "grey" if grey else "rgb")[0]
            if size is not None:
                height, width = decoded[path].shape[:2]
                scale = np.array([size[1] / width, size[0] / height] * 2, "float32")
                target["boxes"] = target["boxes"] * scale
            x.append(image)
            y.append(target)
        names = np.array([path.name for path, _ in items])
        parts[name] = Part(_stacked(x), y, {"file": names})
    _warn_of_boxes(counts)
    digest = fingerprint_files([*files, *sorted(decoded)], root)
    return detection_reading(parts, class_names, digest, tuple(skipped))


def detection_reading(parts, class_names, digest, skipped=()):
    """Return the reading of `{part: Part}` of pictures and boxes."""
    shapes = {image.shape for part in parts.values() for image in part.x}
    height = {shape[0] for shape in shapes}
    width = {shape[1] for shape in shapes}
    same = len(height) == len(width) == 1
    size = (height.pop(), width.pop()) if same else (None, None)
    spec = DetectionSpec((*size, next(iter(shapes))[2]), tuple(class_names))
    return Reading(spec, parts, digest, skipped)


def find_annotations(source):
    """Return ("voc", folder) or ("coco", {part: path}) of a path, or None."""
    if source.is_file():
        return ("coco", {"all": source}) if _is_coco(source) else None
    inner = [source, *(path for path in sorted(source.iterdir()) if path.is_dir())]
    for folder in inner:
        if (folder / "Annotations").is_dir() and list_files(folder / "Annotations", (".xml",)):
            return "voc", folder
    for folder in (source, source / "annotations"):
        files = [p for p in sorted(folder.glob("*.json")) if _is_coco(p)] if folder.is_dir() else []
        if files:
            return "coco", _coco_parts(files)
    splits = split_folders(source)
    files = {name: [p for p in path.glob("*.json") if _is_coco(p)] for name, path in splits.items()}
    if splits and all(files.values()):
        return "coco", {name: paths[0] for name, paths in files.items()}
    if list_files(source, (".xml",)) and list_files(source, IMAGE_SUFFIXES):
        return "voc", source
    return None


def _is_coco(path):
    with path.open("rb") as file:
        start = file.read(2**20)
    return b'"annotations"' in start or (b'"images"' in start and b'"file_name"' in start)


def _root(path):
    """The folder below which the pictures of a COCO file lie."""
    apart = path.parent.name.lower() == "annotations"  # COCO's own layout
    return path.parent.parent if apart else path.parent


def _coco_parts(files):
    parts = {}
    for path in files:
        stem = path.stem.lower()
        for name, words in (
            ("train", ("train",)),
            ("validation", ("val", "valid")),
            ("test", ("test",)),
        ):
            if any(word in stem for word in words):
                parts.setdefault(name, path)
    return parts if "train" in parts else {"all": files[0]}


def _read_voc(folder):
    """Return ({part: [(picture, [(name, box)])]}, skipped, annotation files)."""
    annotations = folder / "Annotations"
    annotations = annotations if annotations.is_dir() else folder
    files = {path.stem: path for path in list_files(annotations, (".xml",))}
    images = {path.stem: path for path in list_files(folder, IMAGE_SUFFIXES)}
    sets = _image_sets(folder) or {"all": sorted(set(files) | set(images))}
    raw, skipped = {}, []
    for name, stems in sets.items():
        raw[name] = []
        for stem in stems:
            if stem not in images:
                skipped.append(f"{stem}.xml: its picture is missing")
            elif stem not in files:
                skipped.append(f"{images[stem].name}: it has no annotation")
            else:
                try:
                    raw[name].append((images[stem], _voc_boxes(files[stem])))
                except (ElementTree.ParseError, AttributeError, TypeError, ValueError) as error:
                    skipped.append(f"{stem}.xml: {error}")
    return raw, skipped, sorted(files.values())


def _image_sets(folder):
    """The split files of a VOC folder; train and val make the training and validation parts."""
    found = {}
    base = folder / "ImageSets"
    for name, words in (
        ("train", ("train",)),
        ("validation", ("val", "valid")),
        ("test", ("test",)),
    ):
        for word in words:
            for path in (base / "Main" / f"{word}.txt", base / f"{word}.txt"):
                if path.is_file() and name not in found:
                    lines = path.read_text(encoding="utf-8").split("\n")
                    found[name] = [Path(line.split()[0]).name for line in lines if line.split()]
    return found if found.get("train") else {}


def _voc_boxes(path):
    boxes = []
    for item in ElementTree.parse(path).getroot().iter("object"):
        box = item.find("bndbox")
        corners = [float(box.find(side).text) for side in ("xmin", "ymin", "xmax", "ymax")]
        boxes.append((item.find("name").text.strip(), corners))
    return boxes


def _read_coco(paths):
    """As `_read_voc`, of {part: JSON file}."""
    raw, skipped = {}, []
    for part, path in paths.items():
        try:
            content = json.loads(path.read_bytes())
            names = {item["id"]: item["name"] for item in content["categories"]}
            boxes = {item["id"]: [] for item in content["images"]}
            for item in content.get("annotations", ()):
                if item.get("iscrowd"):
                    continue
                if item["image_id"] not in boxes:
                    skipped.append(f"annotation {item.get('id')}: its picture is not listed")
                    continue
                try:
                    left, top, width, height = map(float, item["bbox"])
                    name = names[item["category_id"]]
                except (KeyError, TypeError, ValueError):
                    skipped.append(f"annotation {item.get('id')}: its box or its class is broken")
                    continue
                corners = [left, top, left + width, top + height]
                boxes[item["image_id"]].append((name, corners))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"'{path}' is no COCO JSON that can be read: {error!r}.") from error
        images = {file.name: file for file in list_files(_root(path), IMAGE_SUFFIXES)}
        raw[part] = []
        for item in content["images"]:
            name = Path(item["file_name"])
            beside = path.parent / name
            file = beside if beside.is_file() else images.get(name.name)
            if file is None:
                skipped.append(f"{name}: the picture is missing")
            else:
                raw[part].append((file, boxes[item["id"]]))
    return raw, skipped, list(paths.values())


def _decode(raw, root, skipped):
    """Return {path: uint8 picture}, grey ones with one channel."""
    from concurrent.futures import ThreadPoolExecutor

    def decode(path):
        try:
            return decode_image(path)
        except ValueError as error:
            return str(error)

    paths = sorted({path for items in raw.values() for path, _ in items})
    with ThreadPoolExecutor(4) as pool:
        images = dict(zip(paths, pool.map(decode, paths), strict=True))
    for path, image in images.items():
        if isinstance(image, str):
            skipped.append(f"{path.relative_to(root)}: no picture that can be read")
    decoded = {path: image for path, image in images.items() if not isinstance(image, str)}
    if not decoded:
        raise ValueError(f"None of the {len(paths)} pictures in '{root}' can be read.")
    return decoded


def _target(boxes, shape, class_names, counts, path):
    """Boxes within the picture as float32 (k, 4), and the places of their names."""
    place = {name: i for i, name in enumerate(class_names)}
    corners, labels = [], []
    for name, box in boxes:
        if name not in place:
            raise ValueError(
                f"The label {name!r} of '{path.name}' is none of the classes "
                f"{', '.join(class_names)}."
            )
        bounds = np.array([shape[1], shape[0]] * 2, "float32")
        cut = np.clip(np.array(box, "float32"), 0, bounds)
        if not (cut[2] > cut[0] and cut[3] > cut[1]):  # NaN neither
            counts["dropped"] += 1
            continue
        counts["cut"] += bool(np.any(cut != np.array(box, "float32")))
        corners.append(cut)
        labels.append(place[name])
    return {
        "boxes": np.array(corners, "float32").reshape(-1, 4),
        "labels": np.array(labels, "int64"),
    }


def _warn_of_boxes(counts):
    if counts["dropped"]:
        warnings.warn(
            f"{counts['dropped']} boxes have no area within their picture and are left out.",
            stacklevel=3,
        )
    if counts["cut"]:
        warnings.warn(
            f"{counts['cut']} boxes reach beyond their picture and are cut at its edge.",
            stacklevel=3,
        )


def _stacked(images):
    if images and len({image.shape for image in images}) == 1:
        return np.stack(images)
    return images
