"""Writes RELIABILITY.md: kills, attacks, mutated files, long use, several processes.

The scripts next to this one record what they found in record.json, and write the page again.
"""

import argparse
import json
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "RELIABILITY.md"
RECORD = Path(__file__).with_name("record.json")


def record(section, found):
    """Add what was found to a section of the record, and write the page."""
    everything = json.loads(RECORD.read_text())
    everything[section] = {**everything.get(section, {}), **found}
    RECORD.write_text(json.dumps(everything, indent=1) + "\n")
    write(everything)


def measured(function):
    """Call a function with the minutes of the command line; record what it found by its name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60)
    found = function(parser.parse_args().minutes)
    record(function.__name__, found)
    print(found)


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
        f"`python -m benchmarks.reliability.kills --models {' '.join(found)}`",
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
        f"`python -m benchmarks.reliability.kills --random N --models {' '.join(found)}`",
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
        "`python -m benchmarks.reliability.mutations --cases 2000`",
        "",
        *table(["format", "cases", "wrong", "most memory, MiB"], rows),
        *[f"- {n} times: {what}" for what, n in wrong.items()],
        *([""] if wrong else []),
    ]


def attacks():
    """Return the section on runs by strangers, from the tests that hold them."""
    sys.path.insert(0, str(PAGE.parents[1]))
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


def builders(found):
    """Return the section on arguments of builders."""
    return [
        "## Arguments of builders",
        "",
        "One to three arguments of a tiny model, valid or not, drawn by Hypothesis. What is "
        "refused is a `ValueError` that names one of them; what is built trains a step, saves, "
        "loads and gives the same samples; anything else is wrong.",
        "",
        "`python -m benchmarks.reliability.builders --cases N`",
        "",
        *table(
            ["model", *next(iter(found.values()))], [(n, *r.values()) for n, r in found.items()]
        ),
    ]


def soak(found):
    """Return the section on long use."""
    rows = [(name, *(f"{1000 * t:.0f}" for t in times)) for name, times in found["seconds"].items()]
    low, high = found["handles"]
    return [
        "## Long use",
        "",
        f"{found['minutes']:.0f} minutes of training, sampling, predicting, saving and loading in "
        f"one process, {found['rounds']} rounds after a quarter of the time for warming up. Memory "
        f"at the end {found['memory']:.0f} MiB, growing by {found['slope']:.1f} MiB an hour; "
        f"{low} to {high} open files. Two threads that sample from one model get what each gets "
        "alone.",
        "",
        f"`python -m benchmarks.reliability.soak --minutes {found['minutes']:.0f}`",
        "",
        *table(["call", "median of the first half, ms", "of the second half, ms"], rows),
    ]


def clicks(found):
    """Return the section on an hour of clicks."""
    low, high = found["handles"]
    names = ["after the first visit", "after a quarter", "at the end"]
    errors = found["errors"]
    return [
        "## Clicks on the page",
        "",
        f"{found['minutes']:.0f} minutes on the page of `genai-basics app` with a run of every "
        f"model, in headless Chromium: {found['moves']:,} moves of sliders and clicks in "
        f"{found['visits']} visits. The server's memory grows by {found['slope']:.1f} MiB an hour "
        f"after the first quarter; {low} to {high} open files; {len(errors) or 'no'} errors.",
        "",
        f"`python -m benchmarks.reliability.clicks --minutes {found['minutes']:.0f}`",
        "",
        *table(
            ["memory of the server", "MiB"],
            [(name, f"{m:.0f}") for name, m in zip(names, found["memory"], strict=True)],
        ),
        *[f"- {error}" for error in errors],
        *([""] if errors else []),
    ]


def workers(found):
    """Return the section on several processes."""
    rows = [
        (
            name,
            *(f"{row[key]:.0e}" if row[key] else "0" for key in ("workers", "multiworker")),
            f"{row['mirrored']:.0e}" if row["mirrored"] else "0",
        )
        for name, row in found.items()
    ]
    return [
        "## Several processes",
        "",
        "Greatest difference of a weight after two epochs on 128 examples, tiny models. Two "
        "processes share each batch and must end with equal weights. They also equal those of one "
        "process where training draws no noise and normalizes no batches: otherwise each process "
        "has its own draws and statistics.",
        "",
        "`python -m benchmarks.reliability.workers`",
        "",
        *table(["model", "between two processes", "two and one", "mirrored and one"], rows),
    ]


def write(everything):
    """Write the page."""
    lines = ["# Reliability", "", "Written by the scripts that are named in each section.", ""]
    for section in (kills, random_kills, mutations, builders, soak, clicks, workers):
        if section.__name__ in everything:
            lines += section(everything[section.__name__])
    PAGE.write_text("\n".join([*lines, *attacks()]).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(json.loads(RECORD.read_text()))
