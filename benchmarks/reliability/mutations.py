"""Mutated files: every reader returns data or raises a `ValueError` that names the file.

python -m benchmarks.reliability.mutations --cases 2000
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import warnings
import zlib
from collections import Counter
from pathlib import Path

import numpy as np

from .pages import record

SECONDS, MEMORY, LENGTH = 5, 1 << 30, 300
NUMBERS = (b"1e999", b"-1", b"1e300", b"99999999999999999999", b"nan", b"1970-01-01", b"\xff\xfe")
FIELDS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def seeds(folder):
    """Write one small valid file of each kind; return `{reader: (file, source, options)}`."""
    rng = np.random.default_rng(0)
    made = {}

    def add(name, file, load=None, **options):
        made[name] = (folder / file, folder / (load or file), options)

    def write(file, content):
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    rows = [f"{i},{i * 0.5:.2f},{'ab'[i % 2]},2024-01-{i % 28 + 1:02d}" for i in range(40)]
    write("table.csv", "a,b,kind,day\n" + "\n".join(rows) + "\n")
    add("table .csv", "table.csv", kind="tables", target="kind")
    hours = [f"2024-01-{i // 24 + 1:02d} {i % 24:02d}:00:00,{i % 7}" for i in range(120)]
    write("series.csv", "time,value\n" + "\n".join(hours) + "\n")
    add("forecast .csv", "series.csv", kind="forecast", target="value")
    stamps = [f"{1704067200 + i},{i % 7}" for i in range(120)]
    write("seconds.csv", "time,value\n" + "\n".join(stamps) + "\n")
    add("forecast in seconds", "seconds.csv", kind="forecast", target="value")
    texts = [f'"a text, number {i}",{"good" if i % 2 else "bad"}' for i in range(30)]
    write("texts.csv", "text,label\n" + "\n".join(texts) + "\n")
    add("text .csv", "texts.csv", kind="text")
    write("corpus.txt", "The quick brown fox jumps over the lazy dog.\n" * 40)
    add("text .txt", "corpus.txt", kind="text")
    write("pairs.tsv", "".join(f"one {i}\teins {i}\n" for i in range(30)))
    add("pairs .tsv", "pairs.tsv", kind="pairs")
    unit = '<tu><tuv xml:lang="en"><seg>one {0}</seg></tuv><tuv xml:lang="de"><seg>eins {0}</seg>'
    units = "".join((unit + "</tuv></tu>").format(i) for i in range(20))
    write("pairs.tmx", f'<?xml version="1.0"?><tmx version="1.4"><body>{units}</body></tmx>')
    add("pairs .tmx", "pairs.tmx", kind="pairs")
    records = [{"a": i, "b": i / 3, "kind": "ab"[i % 2]} for i in range(30)]
    write("table.json", json.dumps(records))
    add("table .json", "table.json", kind="tables", target="kind")
    import pandas as pd

    frame = pd.DataFrame(records)
    frame.to_excel(folder / "table.xlsx", index=False)
    frame.to_parquet(folder / "table.parquet")
    add("table .xlsx", "table.xlsx", kind="tables", target="kind")
    add("table .parquet", "table.parquet", kind="tables", target="kind")
    pictures = rng.integers(0, 256, (30, 8, 8), "uint8")
    np.savez(folder / "pictures.npz", x_train=pictures, y_train=np.arange(30) % 3)
    np.save(folder / "pictures.npy", pictures)
    add("pictures .npz", "pictures.npz", kind="images")
    add("pictures .npy", "pictures.npy", kind="images")
    np.savez(folder / "curves.npz", x=rng.normal(size=(30, 20, 2)), y=np.arange(30) % 2)
    add("series .npz", "curves.npz", kind="series")
    lines = [f"{','.join(f'{v:.3f}' for v in rng.normal(size=12))}:{i % 2}" for i in range(20)]
    write("curves.ts", "@problemName x\n@classLabel true 0 1\n@data\n" + "\n".join(lines) + "\n")
    add("series .ts", "curves.ts", kind="series")
    from PIL import Image

    for suffix in ("png", "jpg", "bmp", "webp", "tif", "gif"):
        for i in range(4):
            place = folder / suffix / f"{i}.{suffix}"
            place.parent.mkdir(exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (12, 12, 3), "uint8")).save(place)
        add(f"picture .{suffix}", f"{suffix}/1.{suffix}", suffix, kind="images")
    for i in range(4):
        (folder / "clips").mkdir(exist_ok=True)
        frames = [Image.fromarray(rng.integers(0, 256, (8, 8), "uint8")) for _ in range(5)]
        frames[0].save(folder / f"clips/{i}.gif", save_all=True, append_images=frames[1:])
    add("clip .gif", "clips/1.gif", "clips", kind="video")
    import soundfile

    for suffix in ("wav", "flac", "ogg", "mp3", "aiff"):
        for i in range(4):
            place = folder / f"s-{suffix}" / "ab"[i % 2] / f"{i}.{suffix}"
            place.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(place, rng.normal(size=4000) * 0.1, 8000)
        add(f"sound .{suffix}", f"s-{suffix}/b/1.{suffix}", f"s-{suffix}", kind="audio")
    from genai_basics.data.midi import write_midi

    for i in range(3):
        (folder / "music").mkdir(exist_ok=True)
        write_midi(folder / f"music/{i}.mid", [np.array([[60], [62], [64], [65]] * 4)], 4)
    add("music .mid", "music/1.mid", "music", kind="music")
    write("music.json", json.dumps({"train": [[[60, 64], [62], []] * 5] * 6}))
    add("music .json", "music.json", kind="music")
    boxes = "<annotation><filename>{0}.png</filename><size><width>12</width><height>12</height>"
    boxes += "<depth>3</depth></size><object><name>ball</name><bndbox><xmin>1</xmin><ymin>2</ymin>"
    boxes += "<xmax>8</xmax><ymax>9</ymax></bndbox></object></annotation>"
    for name in ("voc", "coco", "yolo/images"):
        (folder / name).mkdir(parents=True)
        for i in range(4):
            shutil.copy(folder / f"png/{i}.png", folder / name)
    for i in range(4):
        write(f"voc/{i}.xml", boxes.format(i))
        write(f"yolo/labels/{i}.txt", "0 0.5 0.5 0.25 0.25\n")
    add("boxes VOC .xml", "voc/1.xml", "voc", kind="detection")
    write("yolo/data.yaml", "train: images\nnames: [ball, cube]\n")
    add("boxes YOLO .txt", "yolo/labels/1.txt", "yolo", kind="detection")
    add("boxes YOLO .yaml", "yolo/data.yaml", "yolo", kind="detection")
    images = [{"id": i, "file_name": f"{i}.png", "width": 12, "height": 12} for i in range(4)]
    found = [{"id": i, "image_id": i, "category_id": 1, "bbox": [1, 2, 5, 5]} for i in range(4)]
    coco = {"images": images, "annotations": found, "categories": [{"id": 1, "name": "ball"}]}
    write("coco/boxes.json", json.dumps(coco))
    add("boxes COCO .json", "coco/boxes.json", "coco", kind="detection")
    import gzip

    write("table.csv.gz", gzip.compress((folder / "table.csv").read_bytes()))
    add("table .csv.gz", "table.csv.gz", kind="tables", target="kind")
    return made


def mutate(content, rng):
    """Return the bytes of a file with one to four mutations."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(max(len(data), 1))
        kind = rng.randrange(7)
        if kind == 0 and data:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place:place] = rng.randbytes(rng.choice((1, 4, 64)))
        elif kind == 2:
            del data[place : place + rng.choice((1, 4, 64, 10**6))]
        elif kind == 3:  # a header field
            value, width = rng.choice(FIELDS), rng.choice(["<I", ">I", "<H", ">H", "<Q", ">Q", "B"])
            field = struct.pack(width, value & (256 ** struct.calcsize(width) - 1))
            place = rng.randrange(min(len(data), 100) or 1)
            data[place : place + len(field)] = field
        elif kind == 4:
            data[place : place + rng.choice((1, 2, 8))] = rng.choice(NUMBERS)
        elif kind == 5:
            start = rng.randrange(max(len(data), 1))
            data[place:place] = data[start : start + rng.choice((8, 64, 4096))]
        else:
            data[place : place + 8] = bytes(rng.choice((0, 255)) for _ in range(8))
    return bytes(data)


def read_all(path, options):
    """Read data and access all of them."""
    from genai_basics.data import load_data
    from genai_basics.data.describing import describe

    data = load_data(path, **options)
    str(describe(data))
    for part in (data.train, data.validation, data.test):
        if hasattr(part.x, "shape"):
            np.asarray(part.x[:3])


class TookTooLong(BaseException):
    """A case that did not finish in time."""


def late(number, frame):
    raise TookTooLong


def judge(read, name):
    """Return what is wrong with the handling of a file, or `None`."""
    signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)  # of the processor, which others may use
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            read()
        for warning in caught:
            if warning.category is RuntimeWarning:  # from NumPy, about infinite numbers
                return f"{warning.category.__name__}: {str(warning.message)[:60]}"
            if len(str(warning.message)) > 1000:
                return "a warning of over 1000 characters"
    except ValueError as error:
        if len(str(error)) > LENGTH + len(str(name)):
            return f"a message of {len(str(error))} characters: {str(error)[:80]}"
        if Path(name).name not in str(error) and Path(name).parent.name not in str(error):
            return f"no file named: {str(error)[:90]}"
    except TookTooLong:
        return f"over {SECONDS} s"
    except BaseException as error:
        place = error.__traceback__
        while place.tb_next:
            place = place.tb_next
        where = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}"
        return f"{type(error).__name__} in {where}: {str(error)[:60]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def run_reader(name, file, load, options, cases, seed):
    """Return `{problem: count}` over mutations of one file, and the peak memory."""
    original, rng, wrong = file.read_bytes(), random.Random(f"{seed} {name}"), Counter()
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2 * MEMORY, resource.RLIM_INFINITY))
    for case in range(cases):
        file.write_bytes(mutate(original, rng))
        found = judge(lambda: read_all(load, options), load)
        if found:
            wrong[found] += 1
            if wrong[found] == 1:
                kept = Path(tempfile.gettempdir()) / "mutations" / f"{name}-{case}{file.suffix}"
                kept.parent.mkdir(exist_ok=True)
                shutil.copy(file, kept)
    file.write_bytes(original)
    return wrong, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) << 10


def gbac_cases(model, x, cases, seed):
    """Return `{problem: count}` over mutated `.gbac` files with correct checksums."""
    from genai_basics.autoencoder.compression import HEADER, START, compress, decompress

    data, rng, wrong = compress(model, x), random.Random(seed), Counter()
    for _ in range(cases):
        rest = data[START.size :]
        head = HEADER.size
        rest = (
            rest[:1] + rest[1:9] + mutate(rest[9:], rng)
            if rng.random() < 0.5
            else (rest[:head] + mutate(rest[head:], rng))
        )
        made = START.pack(data[:4], zlib.crc32(rest)) + rest
        found = judge(lambda made=made: decompress(model, made), "compressed")
        if found and not found.startswith("no file named"):
            wrong[found] += 1
    return wrong


def in_child(work):
    """Return the result of `work()` from a separate process; a crash is also a result."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with os.fdopen(writing, "w") as pipe:
            pipe.write(json.dumps(work()))
            pipe.flush()
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return json.loads(answer) if answer else [{f"the process ended with {status}": 1}, 0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        made = seeds(Path(root))
        for name, (file, load, options) in made.items():
            if arguments.only not in name:
                continue

            def work(name=name, file=file, load=load, options=options):
                return run_reader(name, file, load, options, arguments.cases, arguments.seed)

            wrong, memory = in_child(work)
            found = {"cases": arguments.cases, "wrong": wrong, "memory": memory}
            record("mutations", {name: found})
            print(f"{name}: {sum(wrong.values())} wrong, {memory / 2**20:.0f} MiB", flush=True)
            for what, count in sorted(wrong.items(), key=lambda item: -item[1])[:6]:
                print(f"    {count} {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
