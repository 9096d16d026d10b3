"""YOLO annotations: one text file per picture, with a class and a box on each line."""

import math
import re

import numpy as np

from ..warning import warn
from .annotations import Annotated, Annotations, bounds, split_by_folder
from .encodings import decode_text
from .files import SPLITS, list_files
from .images import IMAGE_SUFFIXES, to_picture
from .matching import FileIndex, clashes, parts_of

__all__ = ["find_yolo", "read_yolo", "write_yolo"]

LINE = re.compile(r"\d+(\.0+)?(\s+[-+.\deE]+){4,}")
NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt")
MOST = 1.5  # of a side: rounding or a box clipped at the edge does not explain larger values


def find_yolo(source):
    """Return (folder, its label files, its `.yaml` or None) of a path, or None."""
    yamls = [source] if source.is_file() else list_files(source, (".yaml", ".yml"))
    if source.is_file() and source.suffix.lower() not in (".yaml", ".yml"):
        return None
    root = source.parent if source.is_file() else source
    photos = list_files(root, IMAGE_SUFFIXES)
    stems = {path.stem for path in photos}
    files = [
        path
        for path in list_files(root, (".txt",))
        if (path.stem in stems or "labels" in path.parts) and path.name not in NAME_FILES
    ]
    if not photos or not any(map(_is_labels, files)):
        return None
    return root, files, _data_file(yamls)


def _is_labels(path):
    """Whether a file consists only of lines with a class and numbers."""
    try:
        with path.open("rb") as file:
            lines = file.read(2**16).decode("utf-8-sig").splitlines()[:100]
    except UnicodeDecodeError:
        return False
    lines = [line.strip() for line in lines if line.strip()]
    return bool(lines) and all(LINE.fullmatch(line) for line in lines[:-1] or lines)


def _data_file(paths):
    """Return the path that describes a data set (`names`, `train`) and its content, or None."""
    import yaml

    found = []
    for path in paths:
        try:
            text = decode_text(path).replace("\t", "  ")
            if any(isinstance(e, yaml.AliasEvent) for e in yaml.parse(text, yaml.SafeLoader)):
                raise ValueError("aliases are not read")  # a few lines of them make gigabytes
            content = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError) as error:
            if path.stem == "data" or len(paths) == 1:
                raise ValueError(f"'{path}' is not valid YAML: {str(error)[:200]}.") from error
            continue
        if isinstance(content, dict) and {"names", "train", "nc"} & set(content):
            found.append((path.stem != "data", path, content))
    return min(found, key=lambda item: item[:2])[1:] if found else None


def read_yolo(root, files, described):
    """Return the `Annotations` of the label `files` below `root`."""
    about, content = described or (None, {})
    photos, skipped = list_files(root, IMAGE_SUFFIXES), []
    index = FileIndex(root, photos)
    found, unclear = index.match({p: p.relative_to(root).with_suffix("").as_posix() for p in files})
    for path, several in list(unclear.items())[:1]:
        names = " or ".join(f"'{file.relative_to(root)}'" for file in several[:2])
        raise ValueError(f"The picture of '{path.relative_to(root)}' may be {names}.")
    for picture, paths in clashes(found)[:1]:
        names = " and ".join(f"'{path.relative_to(root)}'" for path in paths[:2])
        raise ValueError(f"{names} are both of the picture '{picture.relative_to(root)}'.")
    labels, confident = {}, 0
    for path in files:
        where = path.relative_to(root).as_posix()
        if path not in found:
            skipped.append(f"{where}: its picture is missing")
            continue
        try:
            boxes, certain = _read_lines(path, content.get("kpt_shape"))
        except ValueError as error:
            skipped.append(f"{where}: {error}")
            boxes, certain = None, False
        confident += certain
        labels[found[path]] = (where, boxes)
    if confident:
        warn(f"{confident} files also give confidences, which are not used.")
    names, used = _class_names(root, about, content, labels)
    parts = _parts_of(root, index, content, photos, labels)
    made, backgrounds = {}, 0
    for part, pictures in parts.items():
        made[part] = []
        for picture in pictures:
            where, boxes = labels.get(picture, (str(picture.relative_to(root)), []))
            backgrounds += picture not in labels
            if boxes is not None:
                named = [(names[number], box) for number, box in boxes]
                made[part].append(Annotated(picture, named, where, fractions=True))
    if backgrounds:
        warn(f"{backgrounds} pictures have no labels and count as background.")
    return Annotations(made, [*files, *used], skipped, names)


def _read_lines(path, keypoints):
    """Return ([(class index, box)], whether there are confidences) of one label file."""
    boxes, certain = [], False
    for number, line in enumerate(decode_text(path).split("\n"), 1):
        cells = line.split()
        if not cells:
            continue
        try:
            values = [float(cell) for cell in cells]
        except ValueError:
            raise ValueError(f"line {number} holds {line.strip()[:60]!r}") from None
        kind, values = values[0], values[1:]
        if kind != int(kind) or kind < 0:
            raise ValueError(f"line {number} has the class {cells[0]}, which is not an integer")
        if keypoints and len(values) == 4 + math.prod(keypoints):
            values = values[:4]
        far = next((v for v in values if not abs(v) <= MOST), None)
        if far is not None:
            raise ValueError(f"line {number} holds {far:g} instead of a fraction of a side")
        if len(values) in (4, 5):
            certain |= len(values) == 5
            x, y, width, height = values[:4]
            box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        else:
            box = bounds(values)
        boxes.append((int(kind), box))
    return boxes, certain


def _class_names(root, about, content, labels):
    """Return (class names, files that they were read from)."""
    used = [about] if about else []
    numbers = [kind for _, boxes in labels.values() for kind, _ in boxes or ()]
    most = max(numbers, default=-1) + 1
    listed = content.get("names")
    if listed:
        pairs = listed.items() if isinstance(listed, dict) else enumerate(listed)
        pairs = {int(number): str(name).strip() for number, name in pairs}
        names = [pairs.get(i, str(i)) for i in range(max(pairs) + 1)]
    else:
        names, files = _listed_names(root)
        used += files
    if not names:
        warn("No file names the classes; they are called by their numbers.")
        names = [str(i) for i in range(max(most, int(content.get("nc") or 0)))]
    source = used[0].name if used else "the labels"
    if most > len(names):
        where = next(
            w for w, boxes in labels.values() for kind, _ in boxes or () if kind >= len(names)
        )
        raise ValueError(
            f"'{where}' has the class {most - 1} or one below, but '{source}' names "
            f"{len(names)} classes (0 to {len(names) - 1})."
        )
    if len(set(names)) < len(names) or "" in names:
        raise ValueError(f"Names of classes in '{source}' are empty or occur twice: {names}.")
    return tuple(names), used


def _listed_names(root):
    """Return (names, files) of files such as `classes.txt`; the longest list that extends all."""
    files = [
        path
        for path in list_files(root, (".txt", ".names", ".labels"))
        if path.name in NAME_FILES or path.suffix == ".names"
    ]
    lists = [[line.strip() for line in decode_text(p).rstrip().split("\n")] for p in files]
    longest = max(lists, key=len, default=[])
    for path, names in zip(files, lists, strict=True):
        if longest[: len(names)] != names:
            raise ValueError(f"'{path}' names other classes than another file of '{root}'.")
    return longest, files


def _parts_of(root, index, content, photos, labels):
    """Return {part: pictures} according to the `.yaml` or the folder names."""
    parts = {}
    for part, keys in SPLITS.items():
        value = next((content[key] for key in keys if content.get(key)), None)
        pictures = _listed(root, index, content.get("path"), value) if value else None
        if value and not pictures:
            warn(f"'{value}' of the .yaml does not lead to a picture.")
        elif pictures:
            parts[part] = pictures
    if "train" in parts:
        parts = _apart(root, parts)
    else:
        folders = {picture.parent for picture in labels}
        items = [Annotated(p, [], "") for p in photos if p.parent in folders or p in labels]
        split = split_by_folder(root, items)
        parts = {part: [item.picture for item in some] for part, some in split.items()}
    for part in [part for part, some in parts.items() if not any(p in labels for p in some)]:
        warn(f"None of the {len(parts.pop(part))} {part} pictures has labels; they are left out.")
    return parts if len(parts) != 1 else dict.fromkeys(["all"], *parts.values())


def _apart(root, parts):
    """Return the parts without duplicates of other parts; partial overlap is an error."""
    kept = {}
    for part, pictures in parts.items():
        for other, some in kept.items():
            both = set(pictures) & set(some)
            if both and len(both) < max(len(pictures), len(some)):
                raise ValueError(
                    f"'{min(both).relative_to(root)}' is in the {other} and in the {part} part."
                )
            if both:
                warn(f"The {part} pictures are those of {other}; parts are drawn from them.")
                break
        else:
            kept[part] = pictures
    return kept


def _listed(root, index, base, value):
    """Return the existing pictures that an entry of the `.yaml` refers to."""
    pictures = {}
    for entry in value if isinstance(value, list) else [value]:
        whole = [*parts_of(base or ""), *parts_of(entry)]
        tails = [root.joinpath(*whole[i:]) for i in range(len(whole) + 1)]
        path = next(tail for tail in tails if tail.exists())
        if path.is_file():
            lines = [line.strip() for line in decode_text(path).split("\n") if line.strip()]
            pictures |= dict.fromkeys(index.match(dict(enumerate(lines)))[0].values())
        elif path != root or not parts_of(entry):
            pictures |= dict.fromkeys(list_files(path, IMAGE_SUFFIXES))
    return list(pictures)


def write_yolo(path, images, targets, class_names, names=None):
    """Write pictures with boxes as a YOLO folder; return the paths written.

    Args:
        path: `data.yaml`; `images/` and `labels/` are written next to it.
        images: Pictures, uint8 (height, width, channels).
        targets: For each picture, a dict of `boxes` (k, 4), corners in pixels, and `labels` (k,),
            indices or names.
        class_names: Names of all classes.
        names: File names of the pictures. `None` numbers them.
    """
    import yaml

    place = {str(name): i for i, name in enumerate(class_names)}
    names = names or [f"{i:0{len(str(len(images)))}d}" for i in range(len(images))]
    written = [path]
    for image, target, name in zip(images, targets, names, strict=True):
        image, lines = np.asarray(image), []
        height, width = image.shape[:2]
        for (left, top, right, bottom), label in zip(
            *map(target.get, ("boxes", "labels")), strict=True
        ):
            kind = place.get(str(label), label)
            box = (left + right) / 2 / width, (top + bottom) / 2 / height
            box += (right - left) / width, (bottom - top) / height
            lines.append(" ".join([str(int(kind)), *(f"{float(v):.7f}" for v in box)]))
        picture, label = (
            path.parent / d / f"{name}{e}" for d, e in (("images", ".png"), ("labels", ".txt"))
        )
        for file in (picture, label):
            file.parent.mkdir(parents=True, exist_ok=True)
        to_picture(image).save(picture)
        label.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        written += [picture, label]
    content = {"path": ".", "train": "images", "val": "images", "names": list(class_names)}
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return written
