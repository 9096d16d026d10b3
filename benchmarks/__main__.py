"""Measures the claims and writes RESULTS.md: `python -m benchmarks [NAME ...]`.

Every other module here is one claim, stated in its docstring. `HEADERS` and `measure(folder)`
give its table, where `folder` holds the data sets (one folder each: `mnist/mnist.npz`, ...).
Ours and the peer take turns on the same data in one process, so a noisy machine affects both.

`pip install "genai_basics[bench]"` installs what the peers need. PyTorch and pythae are also
measured if they are installed.
"""

import argparse
import importlib
import json
import os
import platform
import sys
import time
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
RECORD = HERE / "results.json"
RESULTS = HERE.parent / "RESULTS.md"
PACKAGES = ("genai_basics", "keras", "tensorflow", "numpy")


def claims():
    """Return the names of all claims."""
    return sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))


def data_folder(given):
    """Return the folder of data sets, or exit with an error message."""
    folder = Path(given or os.environ.get("GENAI_BASICS_DATA") or HERE.parent / "../shared/data")
    if not folder.is_dir():
        sys.exit(f"'{folder}' is not a folder; --data names the folder of the data sets")
    return folder.resolve()


def machine():
    """Describe the machine and the package versions of a measurement."""
    versions = [f"{name} {metadata.version(name)}" for name in PACKAGES]
    versions.append(f"Python {platform.python_version()}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.machine()}, {platform.system()}; {', '.join(versions)}"


def render(record):
    """Return the text of RESULTS.md for all recorded claims."""
    lines = [
        "# Results",
        "",
        "Written by `python -m benchmarks`, which repeats the measurements. Ours and the peer "
        "take turns on the same data; ratios are medians, with their spread in brackets.",
        "",
    ]
    for name, result in sorted(record.items()):
        title, _, text = result["claim"].partition("\n")
        lines += [f"## {title.rstrip('.')}", "", *text.strip().splitlines(), ""]
        lines += [f"| {' | '.join(result['headers'])} |", "|" + " --- |" * len(result["headers"])]
        lines += [f"| {' | '.join(map(str, row))} |" for row in result["rows"]]
        lines += ["", f"`python -m benchmarks {name}`, {result['date']}: {result['machine']}.", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.split("\n")[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(claims())}")
    parser.add_argument("--data", help="folder of the data sets")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(claims()))
    if unknown:
        parser.error(f"there is no claim {unknown[0]}; choose among {', '.join(claims())}")
    folder = data_folder(arguments.data)
    for name in arguments.names or claims():
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"{name}: {module.__doc__.splitlines()[0]}", file=sys.stderr)
        rows = module.measure(folder)
        record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        record[name] = {
            "claim": module.__doc__.strip(),
            "headers": module.HEADERS,
            "rows": rows,
            "date": time.strftime("%Y-%m-%d"),
            "machine": machine(),
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        RESULTS.write_text(render(record))
        for row in rows:
            print("  ".join(map(str, row)))


if __name__ == "__main__":
    main()
