"""Writes RELIABILITY.md: kills survived, attacks refused, mutations answered.

python -m benchmarks.kills --out kills.json
python -m benchmarks.kills --random 8 --models vae gan --out random.json
python -m benchmarks.mutations --cases 2000 --out mutations.json
python -m benchmarks.reliability kills.json random.json mutations.json
"""

import json
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "RELIABILITY.md"


def table(head, rows):
    """Return the lines of a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines] + [""]


def kills(found):
    """Return the section on kills at every write."""
    total = {key: sum(row[key] for row in found.values()) for key in next(iter(found.values()))}
    rows = [(name, *row.values()) for name, row in {**found, "all": total}.items()]
    head = ["model", "moments", "no run yet", "a run", "the earlier run", "resumed", "identical"]
    return [
        "## Kills at every write",
        "",
        "A new training and one by `--force` of each model, tiny, checkpoints after every round. "
        "The folder is copied before and after every change of a file, as a kill at that moment "
        "would leave it. Each copy must load as a run, or as none before the first model was "
        "written; a copy of `--force` must hold the earlier or the new run. Three copies of each "
        "are resumed and compared to the run that was never stopped, bit for bit.",
        "",
        f"`python -m benchmarks.kills --models {' '.join(found)} --out kills.json`",
        "",
        *table(head, rows),
        "`python -m pytest -m slow tests/test_killed.py` does it for every model.",
        "",
    ]


def random_kills(found):
    """Return the section on processes that were killed."""
    rows = [
        (name, row["kills"], row["nothing"], row["resumed"], row["identical"])
        for name, row in found.items()
    ]
    return [
        "## SIGKILL at random moments",
        "",
        "Processes that train with `--deterministic` are killed at a random moment between their "
        "start and their end, and the training is resumed in a new process (or started again where "
        "nothing had been written).",
        "",
        f"`python -m benchmarks.kills --random N --models {' '.join(found)} --out random.json`",
        "",
        *table(["model", "kills", "before the first model", "finished", "identical"], rows),
    ]


def mutations(found):
    """Return the section on mutated files."""
    rows = [
        (name, row["cases"], sum(row["wrong"].values()), f"{row['memory'] / 2**20:.0f}")
        for name, row in found.items()
    ]
    wrong = {what: n for row in found.values() for what, n in row["wrong"].items()}
    return [
        "## Mutated files",
        "",
        "A small real file of each format with one to four mutations: bits, bytes inserted, cut or "
        "repeated, fields of headers, numbers such as 1e999. The answer must be data, or a "
        "`ValueError` of at most 300 characters that names the file, within 5 s of "
        "processor time and 1 GiB; anything else is wrong. Compressed files (.gbac) are mutated by "
        "`gbac_cases`, with a model of `tests/test_strangers.py`.",
        "",
        "`python -m benchmarks.mutations --cases 2000 --out mutations.json`",
        "",
        *table(["format", "cases", "wrong", "most memory, MiB"], rows),
        *[f"- {n} times: {what}" for what, n in wrong.items()],
        *([""] if wrong else []),
    ]


def attacks():
    """Return the section on runs by strangers, from the tests that hold them."""
    sys.path.insert(0, str(PAGE.parent.parent))
    from tests import test_strangers as tried

    groups = {
        "Classes and values in `config.json` of the archive": tried.CLASSES,
        "Weights": tried.WEIGHTS,
        "Members of the archive": tried.MEMBERS,
        "`config.json` of the run": tried.CONFIGS,
    }
    lines = [
        "## Attacks by runs",
        "",
        "Each is refused by `load_run`, before Keras reads the file, in one sentence; the tests "
        "hold them: `python -m pytest tests/test_strangers.py`. Pipes, links that lead out of the "
        "folder, pickles and shapes without values in checkpoints, layers that ask for more "
        "weights than the file holds, and compressed files with a right checksum are there, too.",
        "",
    ]
    for title, cases in groups.items():
        lines += [f"**{title}**", "", *(f"- {name}" for name in cases), ""]
    return lines


def main():
    read = [json.loads(Path(name).read_text()) for name in sys.argv[1:4]]
    lines = ["# Reliability", "", "Written by `python -m benchmarks.reliability`.", ""]
    for section, found in zip((kills, random_kills, mutations), read, strict=True):
        lines += section(found) if found else []
    PAGE.write_text("\n".join([*lines, *attacks()]).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
