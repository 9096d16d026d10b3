"""Finds files named by tables, annotations or lists, even if only part of the path matches."""

import os
import re
import unicodedata
from collections import Counter, defaultdict
from urllib.parse import unquote

from .files import split_of

__all__ = ["FileIndex"]

# Folders named after a kind of file, so they differ between a picture and its labels.
KINDS = (
    *("image", "images", "img", "imgs", "jpegimages", "pictures", "photos", "frames"),
    *("label", "labels", "annotation", "annotations", "xml", "xmls", "txt", "obj_train_data"),
    *("audio", "clips", "wav", "wavs", "sounds", "recordings"),
)


class FileIndex:
    """An index of the files below a folder, to find them by the names in other files.

    Names may come from another machine: with backslashes, a drive, folders that no longer
    exist, another Unicode form, another extension. Files outside the folder are never found.

    Args:
        root: The folder.
        files: Paths below it.
    """

    def __init__(self, root, files):
        self.root, self.folders = root, {}
        self.by_name, self.by_lower = defaultdict(list), defaultdict(list)
        self.by_stem, self.by_number = defaultdict(list), defaultdict(list)
        for file in files:
            *folders, name = parts_of(os.path.relpath(file, root))
            self.folders[file] = tuple(folders)
            self.by_name[name].append(file)
            self.by_lower[name.lower()].append(file)
            stem = stem_of(name)
            self.by_stem[stem].append(file)
            if stem.isdecimal():  # tables drop leading zeros
                self.by_number[int(stem)].append(file)

    def match(self, wanted, near="", split=None):
        """Return `(found, unclear)`: {key: file} and {key: [equally good matches]}.

        All names are matched together: if the folders of some agree with folders here,
        they must agree for all; if a name matches several files, the folders decide.

        Args:
            wanted: {key: name}.
            near: Folder, relative to the root, of the file that contains the names.
            split: "train", "validation" or "test": prefer files in such a folder.
        """
        parts = {key: parts_of(name) for key, name in wanted.items() if parts_of(name)}
        ranked = {key: self._rank(path, parts_of(near), split) for key, path in parts.items()}
        tiers = [ranks[0][0] for key, ranks in ranked.items() if ranks and len(parts[key]) > 1]
        needed = max(tiers, default=(0,))[0]
        found, unclear = {}, {}
        for key, ranks in ranked.items():
            best = [file for rank, file in ranks if rank == ranks[0][0]]
            if not ranks or (len(parts[key]) > 1 and ranks[0][0][0] < needed):
                continue
            if len(best) == 1:
                found[key] = best[0]
            else:
                unclear[key] = best
        return found, unclear

    def _rank(self, path, near, split):
        """Return [(rank, file)] of the files that a path may refer to, best first."""
        *folders, name = path
        files = self.by_name.get(name) or self.by_lower.get(name.lower())
        files = files or self.by_name.get(unquote(name))
        files = files or self.by_stem.get(name.lower()) or self.by_stem.get(stem_of(name))
        files = files or (self.by_number.get(int(name), ()) if name.isdecimal() else ())
        if len(files) == 1 and not folders:
            return [((2, 0, False, 0), files[0])]
        ranks = []
        for file in files:
            here = self.folders[file]
            agreed = _agreement(_telling(folders), _telling(here))
            same = split is not None and split in map(split_of, here)
            others = _agreement(_telling(near), _telling(here))[1]
            ranks.append(((agreed[0], _trailing(folders, here), same, others), file))
        return sorted(ranks, key=lambda item: item[0], reverse=True)


def parts_of(name):
    """Return the parts of a path from any operating system, in composed Unicode."""
    name = str(name).strip().replace("\\", "/")
    name = name if name.isascii() else unicodedata.normalize("NFC", name)
    name = re.sub(r"^([A-Za-z]:|[a-z]+://)", "", name) if ":" in name else name
    return [part for part in name.split("/") if part not in ("", ".", "..")]


def stem_of(name):
    return (name.rpartition(".")[0] or name).lower()


def clashes(found):
    """Return [(file, keys)] of the files found for several keys."""
    counts = Counter(found.values())
    return [
        (file, [key for key, other in found.items() if other == file])
        for file, count in counts.items()
        if count > 1
    ]


def _telling(folders):
    return [folder.lower() for folder in folders if folder.lower() not in KINDS]


def _trailing(a, b):
    """Return how many trailing parts agree."""
    pairs = zip(reversed(a), reversed(b), strict=False)
    agree = [x.lower() == y.lower() for x, y in pairs]
    return agree.index(False) if False in agree else len(agree)


def _agreement(a, b):
    """Return (tier, -differing parts): tier 2 if one path ends with the other, else 1 or 0."""
    agree = _trailing(a, b)
    tier = 2 if agree == min(len(a), len(b)) else min(1, agree)
    return tier, 2 * agree - len(a) - len(b)
