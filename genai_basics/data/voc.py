"""Pascal VOC annotations: one XML file per picture."""

import math
from dataclasses import dataclass, field

from ..warning import warn
from .annotations import Annotated, Annotations, bounds, split_by_folder
from .encodings import decode_text
from .files import list_files, split_of
from .images import IMAGE_SUFFIXES
from .matching import FileIndex, clashes

__all__ = ["find_voc", "read_voc"]


@dataclass
class _Noted:
    """The content of one file."""

    name: str = ""
    size: tuple | None = None
    boxes: list = field(default_factory=list)
    broken: list = field(default_factory=list)
    error: str = ""


def find_voc(source):
    """Return (folder, its XML files with boxes) of a path, or None."""
    if not source.is_dir():
        return None
    files = [path for path in list_files(source, (".xml",)) if _is_voc(path)]
    return (source, files) if files and list_files(source, IMAGE_SUFFIXES) else None


def _is_voc(path):
    with path.open("rb") as file:
        start = file.read(4096).replace(b"\0", b"")  # for UTF-16
    return b"<annotation>" in start or b"<annotation " in start


def read_voc(root, files):
    """Return the `Annotations` of the XML `files` below `root`."""
    noted = {path: _read_file(path) for path in files}
    photos = list_files(root, IMAGE_SUFFIXES)
    pictures, lists = _find_pictures(root, noted, photos), _split_lists(root)
    if lists:
        chosen, skipped = _by_lists(lists, files, photos)
        used = [path for paths in chosen.values() for path in paths]
        used += [path for path, *_ in lists]
    else:
        chosen, skipped = {"all": files}, []
        rest = sorted(set(photos) - set(pictures.values()))
        rest = [path for path in rest if "segmentation" not in path.parent.name.lower()]
        skipped, used = [f"{path.name}: it has no annotation" for path in rest], [*files, *rest]
    parts = {}
    for part, paths in chosen.items():
        parts[part] = []
        for path in paths:
            note, where = noted[path], path.relative_to(root).as_posix()
            skipped += [f"{path.name}: {why}" for why in note.broken]
            if path not in pictures:
                skipped.append(f"{path.name}: its picture is missing")
            elif note.error or (note.broken and not note.boxes):
                skipped += [f"{path.name}: {note.error}"] if note.error else []
            else:
                parts[part].append(Annotated(pictures[path], note.boxes, where, note.size))
    return Annotations(parts if lists else split_by_folder(root, parts["all"]), used, skipped)


def _read_file(path):
    """Return the content of a file; errors are recorded in it, not raised."""
    from defusedxml import DefusedXmlException, ElementTree

    noted = _Noted()
    try:
        root = ElementTree.parse(path).getroot()
        noted.name = _text(root, "path") or _text(root, "filename")
        if "/" not in noted.name and "\\" not in noted.name and _text(root, "folder"):
            noted.name = f"{_text(root, 'folder')}/{noted.name}"
        sides = [float(_text(root, f"size/{side}") or 0) for side in ("width", "height")]
        noted.size = tuple(sides) if min(sides) > 0 else None
        for item in root.iter("object"):
            if not _text(item, "name"):
                noted.broken.append("an object has no name and is left out")
            else:
                noted.boxes.append((_text(item, "name"), _box(item)))
    except DefusedXmlException:
        noted.error = "it defines XML entities, which are refused"
    except (ValueError, SyntaxError, LookupError) as error:  # raised by XML parsers
        noted.error = str(error)[:200]
    return noted


def _text(item, path):
    return (item.findtext(path) or "").strip()


def _box(item):
    name, box, polygon = _text(item, "name"), item.find("bndbox"), item.find("polygon")
    turned = item.find("robndbox")
    if box is not None:
        texts = [_text(box, side) for side in ("xmin", "ymin", "xmax", "ymax")]
    elif polygon is not None:
        texts = [(child.text or "").strip() for child in polygon]
    elif turned is not None:
        texts = [_text(turned, side) for side in ("cx", "cy", "w", "h", "angle")]
    else:
        raise ValueError(f"its object '{name}' has no box")
    if not all(texts):
        raise ValueError(f"a side of the box of its object '{name}' is missing")
    try:
        numbers = [float(text) for text in texts]
    except ValueError as error:
        raise ValueError(f"the box of its object '{name}' holds {error.args[0][-30:]}") from error
    if box is not None:
        return tuple(numbers)
    return bounds(numbers) if polygon is not None else _around(*numbers)


def _around(x, y, width, height, angle):
    """Return the box around a rotated rectangle."""
    c, s = abs(math.cos(angle)) / 2, abs(math.sin(angle)) / 2
    across, down = width * c + height * s, width * s + height * c
    return x - across, y - down, x + across, y + down


def _find_pictures(root, noted, photos):
    """Return {XML file: picture}, matched by file name if that works for all, else by <filename>.

    Raises:
        ValueError: The picture of a file is ambiguous.
    """
    index = FileIndex(root, photos)
    own = {path: path.relative_to(root).with_suffix("").as_posix() for path in noted}
    stems, unclear = index.match(own)
    said = {path: note.name for path, note in noted.items() if note.name}
    for path in unclear:  # such as a picture and its mask: the extension in <filename> decides
        said.setdefault(path, own[path])
    names, doubtful = index.match(said)
    stems |= {path: names[path] for path in unclear if path in names}
    other = [path for path in stems if path in names and names[path] != stems[path]]
    if other and len(stems) == len(names) and not clashes(names):
        path = other[0]
        raise ValueError(
            f"'{path.relative_to(root)}' says that its picture is '{names[path].name}', but its "
            f"own file name is that of '{stems[path].name}' ({len(other)} such files); rename the "
            "file or correct its <filename>."
        )
    own_first = len(stems) >= len(names)
    if other and own_first:
        warn(
            f"{len(other)} annotations name another picture in <filename> (the first is "
            f"'{other[0].name}'); the pictures with the annotations' own names are used."
        )
    found = {**names, **stems} if own_first else {**stems, **names}
    for path, files in {**unclear, **doubtful}.items():
        if path not in found:
            several = " or ".join(f"'{file.relative_to(root)}'" for file in files[:2])
            raise ValueError(
                f"The picture of '{path.relative_to(root)}' may be {several}; put the annotations "
                "in folders like their pictures, or give the pictures different names."
            )
    for picture, paths in clashes(found)[:1]:
        names = " and ".join(f"'{path.relative_to(root)}'" for path in paths[:2])
        raise ValueError(f"{names} are both of the picture '{picture.relative_to(root)}'.")
    return found


def _split_lists(root):
    """Return [(list file, base folder, part, stems)] of the split files of VOC folders."""
    found = []
    for path in list_files(root, (".txt",)):
        folders = [parent.name for parent in path.parents]
        if "ImageSets" not in folders[:2] or (folders[0] not in ("ImageSets", "Main")):
            continue
        part = split_of(path.stem)
        if part is not None:
            base = path.parents[folders.index("ImageSets") + 1]
            lines = decode_text(path).split("\n")
            found.append((path, base, part, [line.strip() for line in lines if line.strip()]))
    whole = {(base, path.parent) for path, base, *_ in found if path.stem.lower() == "train"}
    found = [
        item
        for item in found
        if item[0].stem.lower() != "trainval" or (item[1], item[0].parent) not in whole
    ]
    return found if any(part == "train" and stems for _, _, part, stems in found) else []


def _by_lists(lists, files, photos):
    """Return ({part: XML files}, skipped) according to the split files."""
    chosen, skipped = {}, []
    for _, base, part, stems in lists:
        stems = list(dict.fromkeys(stems))
        here = FileIndex(base, [path for path in files if path.is_relative_to(base)])
        found, _ = here.match({stem: stem for stem in stems})
        first = {stem: stem.split()[0] for stem in stems if stem not in found}
        found |= here.match(first)[0]
        rest = {stem: first[stem] for stem in stems if stem not in found}
        pictures = FileIndex(base, [path for path in photos if path.is_relative_to(base)])
        without, _ = pictures.match(rest)
        for stem in stems:
            if stem in found:
                chosen.setdefault(part, []).append(found[stem])
            elif stem in without:
                skipped.append(f"{without[stem].name}: it has no annotation")
            else:
                skipped.append(f"{first[stem]}.xml: it is listed, but not there")
    return {part: list(dict.fromkeys(paths)) for part, paths in chosen.items()}, skipped
