"""Infers the kind of data in a path or an array if the user does not give it."""

import re
import warnings
from collections import Counter

import numpy as np

from .annotations import foreign_annotations
from .dataframes import is_frame
from .delimited import holds_columns
from .detection import find_annotations
from .encodings import decode_text, split_lines, suffix_of
from .files import list_files, load_arrays, walk
from .images import IMAGE_SUFFIXES
from .midi import MIDI_SUFFIXES
from .pairs import SOURCE_COLUMNS, pair_files
from .picture_arrays import check_channels_last, looks_like_pictures
from .records import JSON_SUFFIXES, read_json, records_of
from .sheets import TABLE_SUFFIXES, read_sheet
from .sound_files import SOUND_SUFFIXES
from .text import LABEL_COLUMNS, NOTES, TEXT_COLUMNS, class_files
from .timelines import find_series, find_time, is_time_name, read_timeline

__all__ = ["guess_kind"]

SPARSE = re.compile(r"[-+.\d]+( \d+:[-+.\deE]+)+ *")
ADVICE = {  # how to convert files of unsupported formats
    (".mp4", ".mov", ".avi", ".mkv", ".webm"): "clips as GIF (ffmpeg -i a.mp4 a.gif) or .npz",
    (".m4a", ".aac", ".wma", ".amr"): "sounds as FLAC (ffmpeg -i a.m4a a.flac)",
    (".musicxml", ".mxl", ".abc", ".krn", ".mscz"): "music as MIDI, as notation programs export it",
    (".svg", ".psd", ".cr2", ".nef", ".dng", ".arw", ".dcm"): "pictures as PNG or JPEG",
    (".docx", ".doc", ".pdf", ".odt", ".rtf", ".html", ".epub"): "texts as .txt",
    (".zip", ".tar", ".tgz", ".gz", ".7z", ".rar"): "archives unpacked",
    (".mat", ".h5", ".hdf5", ".pkl", ".pickle", ".joblib", ".pt"): "arrays as .npz, tables as .csv",
    (".xls", ".xlsb", ".ods", ".numbers"): "tables as .xlsx or .csv",
    (".db", ".sqlite", ".sql", ".dta", ".sav", ".arff", ".orc", ".rds"): "tables as .csv",
}


def guess_kind(source, options):
    """Return the kind of a path, an array or an (x, y) tuple.

    Args:
        source: Existing path, or arrays.
        options: The options given; `target`, for example, implies a table.

    Raises:
        ValueError: The kind cannot be inferred; the message names `kind` (--kind).
    """
    if is_frame(source[0] if isinstance(source, tuple) else source):
        return "tables" if isinstance(source, tuple) else _guess_columns(source, options)
    if not hasattr(source, "is_dir"):
        return guess_array(source[0] if isinstance(source, tuple) else source)
    if source.is_dir():
        return _guess_folder(source)
    suffix = suffix_of(source)
    if suffix in (".npz", ".npy"):
        arrays = load_arrays(source)
        if "train" in arrays and "x" not in arrays:
            return "music"
        name = next((n for n in ("x", "x_train", "X", "samples", "arr_0") if n in arrays), None)
        name = name or next(iter(arrays), "x")
        return guess_array(arrays.get(name, np.zeros(0)), name)
    if suffix == ".json" and find_annotations(source):
        return "detection"
    if suffix in JSON_SUFFIXES:
        records = records_of(read_json(source, options.get("encoding")))
        if records is None:
            return "music"
        return "text" if isinstance(records[0], str) else _guess_columns(source, options)
    if suffix == ".tmx" or _are_pairs(source):
        return "pairs"
    if suffix == ".ts":
        return "series"
    if suffix == ".txt":
        with warnings.catch_warnings(action="ignore"):  # reading the file warns again
            content = decode_text(source, options.get("encoding"))
        lines = [line for line in content[:10_000].split("\n")[:-1] if line.strip()]
        if lines and all(SPARSE.fullmatch(line) for line in lines):
            raise ValueError(
                f"'{source}' holds sparse rows (LIBSVM): save them as a table (.csv), or as `x` "
                "and `y` in an .npz file."
            )
        columns = holds_columns(content)
        return _guess_columns(source, options) if columns else "text"
    if suffix in TABLE_SUFFIXES:
        return _guess_columns(source, options)
    if suffix in IMAGE_SUFFIXES:
        return "images"
    if suffix in (".yaml", ".yml"):
        return "detection"
    suffix = _format(source)
    one = next((what for endings, what in PARTS.items() if suffix in endings), None)
    if one:
        raise ValueError(f"'{source}' is {one}; give the folder that holds it.")
    advice = next((how for endings, how in ADVICE.items() if suffix in endings), None)
    if advice:
        raise ValueError(f"'{source}' has a format that is not supported; save {advice}.")
    raise ValueError(
        f"'{source}' has an unknown format; known are .npz, .npy, .csv, .tsv, .txt, .json, "
        ".jsonl, .parquet, .xlsx, .tmx, .ts or a folder; give `kind` (--kind) if it "
        "is one of them under another name."
    )


def _format(path):
    """Return the extension of a file; that of MusicXML if an `.xml` holds a score."""
    suffix = suffix_of(path)
    if suffix == ".xml":
        with path.open("rb") as file:
            start = file.read(4096).replace(b"\0", b"")  # for UTF-16
        return ".musicxml" if b"<score-" in start else suffix
    return suffix


def guess_array(x, name="x"):
    """Return the most likely kind of an array, from its shape, values and name."""
    if not isinstance(x, np.ndarray):
        x = list(x)
        if x and isinstance(x[0], str):
            return "text"
        if len({np.shape(item) for item in x}) > 1:
            return "series"
        x = np.asarray(x)
    if x.dtype.kind in "US":
        return "text"
    if x.dtype.kind not in "biuf":
        raise ValueError(f"An array must hold numbers or text. Received: dtype={x.dtype}")
    check_channels_last(x, name)
    if x.ndim == 5 or (x.ndim == 4 and x.shape[-1] not in (1, 3, 4)):
        return "video"
    if x.ndim == 4:
        return "images"
    if x.ndim == 3:
        pixels = not (x < 0).any() and not (x > 255).any() and min(x.shape[1:]) >= 4
        if not pixels and looks_like_pictures(x, name):
            if x.dtype == np.uint16:
                return "images"
            raise ValueError(
                f"The array `{name}` of shape {x.shape} looks like grey pictures, but holds values "
                f"from {x.min():g} to {x.max():g}: bring them to 0 to 255 or 0 to 1, or `kind` "
                "(--kind) says that it is 'series', or 'images' with their `scale`."
            )
        return "images" if pixels else "series"
    if x.ndim == 2:
        return "vectors"
    if x.ndim == 1:
        return "forecast"
    raise ValueError(
        f"An array of shape {x.shape} is not a known kind of data; `kind` (--kind) says "
        "what it contains."
    )


def _guess_columns(source, options):
    """Distinguish tables, series, texts and pairs by their columns."""
    names = ("encoding", "delimiter", "header", "decimal", "thousands", "missing", "strict")
    taken = {name: options[name] for name in names if name in options}
    with warnings.catch_warnings(action="ignore"):  # reading the file warns again
        table = read_sheet(source, expect=_named(options), **taken)
        for name in _named(options):  # an unknown name is an error here
            table.check(*([name] if name in table else name.split(",")))
        return _kind_of_columns(table, options)


def _named(options):
    """Return the column names among the options."""
    names = (options.get(name) for name in ("target", "time", "text"))
    return [name for name in names if isinstance(name, str)]


def _kind_of_columns(table, options):
    header = table.names
    if any(options.get(name) for name in ("time", "series", "season", "frequency")):
        return "forecast"
    if len(table) < 2:
        return "tables"
    lower = {name.lower() for name in header}
    if _is_series(table, options):
        return "forecast"
    columns = {name: table.texts(name)[:1000] for name in header}
    numeric = {name: _is_number(table, name) for name in header}
    long = [name for name, cells in columns.items() if _is_prose(cells) and not numeric[name]]
    if len(header) == 2 and lower & set(SOURCE_COLUMNS) and not lower & set(LABEL_COLUMNS):
        return "pairs"
    free = options.get("target") is None and not any(numeric.values())
    tabs = table.delimiter == "\t"
    if tabs and len(header) in (2, 3) and free and _are_different(columns):
        return "pairs"
    tatoeba = list(numeric.values()) == [True, False, True, False]  # id, sentence, id, translation
    if tabs and tatoeba and _are_different(columns):
        return "pairs"
    named = lower & set(TEXT_COLUMNS) and len(header) <= 4
    if (long and len(header) <= 4) or named or len(header) == 1:
        return "text" if not all(numeric.values()) else "forecast" if len(header) == 1 else "tables"
    if len(header) == 2 and free:
        return "text"
    return "tables"


def _is_series(table, options):
    """Whether the rows are steps in time: few of them share a time."""
    names = find_time(table)
    if names is None:
        return len(table.names) == 2 and is_time_name(table.names[0])
    if len(names) == 1 and names[0] != table.names[0] and not is_time_name(names[0]):
        return False
    try:
        times, names, table, _ = read_timeline(table, ",".join(names))
        if times is None or len(np.unique(times)) >= 0.5 * len(times):
            return True
        others = [n for n in table.names if n not in (*names, options.get("target"))]
        return find_series(table, times, others) is not None
    except ValueError:
        return False


def _is_number(table, name):
    wrong = table.numbers(name).wrong
    return wrong.sum() <= len(wrong) / 2


def _is_prose(cells):
    words = [len(cell.split()) for cell in cells]
    return float(np.mean(words)) >= 4 and len(set(cells)) > len(cells) / 2


def _are_different(columns):
    return all(len(set(cells)) > len(cells) / 4 for cells in list(columns.values())[:2])


ALONE = (".npz", ".npy", *TABLE_SUFFIXES, *JSON_SUFFIXES)  # one file holds all data
PARTS = {
    SOUND_SUFFIXES: "one sound",
    MIDI_SUFFIXES: "one piece of music",
    (".xml",): "one annotation, or no format that is read here",
}


def _are_pairs(source):
    """Whether a folder holds, or a file belongs to, two files whose lines are translations."""
    files = pair_files(source)
    if not files or "train" in files:
        return bool(files)
    with warnings.catch_warnings(action="ignore"):
        counts = {len(split_lines(decode_text(path))) for path in files["all"].values()}
    return len(counts) == 1


def _guess_folder(folder):
    """Return the kind of most files of a folder."""
    sounds, music = list_files(folder, SOUND_SUFFIXES), list_files(folder, MIDI_SUFFIXES)
    pictures, texts = list_files(folder, IMAGE_SUFFIXES), list_files(folder, (".txt",))
    if len(pictures) >= len(sounds) and find_annotations(folder):
        return "detection"
    foreign = foreign_annotations(walk(folder)[0]) if pictures else None
    if foreign:
        raise ValueError(f"{foreign}, or read the pictures alone with `kind` 'images' (--kind).")
    if _are_pairs(folder):
        return "pairs"
    counts = {"audio": len(sounds), "images": len(pictures), "music": len(music)}
    texts = [path for path in texts if path.stem.lower() not in NOTES]
    counts.update(series=len(list_files(folder, (".ts",))), text=len(texts) / 2)  # often notes
    kind = max(counts, key=counts.get)
    if kind == "images" and all(path.suffix.lower() == ".gif" for path in pictures):
        kind = "video"
    if counts[kind if kind != "video" else "images"]:
        return kind
    if class_files(folder):
        return "text"
    files = walk(folder)[0]
    endings = Counter(path.suffix.lower() or "no ending" for path in files)
    single = [path for path in files if suffix_of(path) in ALONE]
    held = ", ".join(f"{count} {ending}" for ending, count in endings.most_common(3))
    held += f", the first is {files[0].relative_to(folder)}" if files else ""
    formats = {*endings, *map(_format, files[:100])}
    advice = [f"save {text}" for names, text in ADVICE.items() if set(names) & formats]
    if single:
        advice = [f"give a single file, such as '{single[0]}'"]
    raise ValueError(
        f"'{folder}' holds nothing that can be read ({held or 'no files'}): it may hold pictures, "
        "text files, sounds (WAV, FLAC, OGG, MP3), MIDI or annotations of boxes"
        + "".join(f"; {how}" for how in advice)
        + "."
    )
