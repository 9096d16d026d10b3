"""`MODEL_CARD.md`: describes a trained model, its data and its quality, from its run.

The layout is that of the Hugging Face hub (https://huggingface.co/docs/hub/model-cards): YAML
front matter, which the hub's own library parses, above a page of Markdown. A section is written
only if the run has content for it.
"""

import json
import math
from pathlib import Path

from ..atomic import write_text
from ..recipes import get_recipe

__all__ = ["write_card"]

MAKES = {"images": "unconditional-image-generation", "text": "text-generation"}  # kind: hub's task
TELLS = {
    "images": "image-classification",
    "text": "text-classification",
    "pairs": "translation",
    "detection": "object-detection",
    "forecast": "time-series-forecasting",
}
NOUNS = {"images": "pictures", "video": "clips", "music": "pieces of music", "audio": "sounds"}
LEAKING = 0.55  # the card warns if the lower bound of the area under the curve exceeds this


def write_card(run):
    """Write `MODEL_CARD.md` into a run folder."""
    config = run.config
    sections = (
        _front_matter(run),
        _introduction(run),
        _uses(config),
        _data(config),
        _training(config),
        _numbers("Evaluation", "test data", config.get("test"), config.get("test_intervals")),
        _numbers("Validation", "validation data", config.get("validation")),
        _audit(config),
        _privacy(config),
        _cost(config),
    )
    text = "\n".join(line for section in sections for line in section if line is not None)
    write_text(run.folder / "MODEL_CARD.md", text.rstrip() + "\n")


def _front_matter(run):
    config = run.config
    lines = ["---", "library_name: keras", "tags:", "- genai_basics", f"- {_quoted(run.name)}"]
    task = _task(config)
    if task:
        lines.append(f"pipeline_tag: {task}")
    if config.get("test"):
        lines += [
            "model-index:",
            f"- name: {_quoted(run.folder.resolve().name)}",
            "  results:",
            "  - task:",
            f"      type: {task or 'other'}",
            "    dataset:",
            f"      name: {_quoted(_data_name(config))}",
            f"      type: {_quoted(_data_name(config))}",
            "      split: test",
            "    metrics:",
        ]
        measured = {k: v for k, v in config["test"].items() if math.isfinite(v)}
        for name, value in measured.items():
            lines += [f"    - type: {_quoted(name)}", f"      value: {json.dumps(value)}"]
    return [*lines, "---", ""]


def _quoted(text):
    return json.dumps(str(text))  # a JSON string is a YAML string


def _data_name(config):
    return Path(config["data"]["name"]).name  # only the last part of a path


def _makes_samples(config):
    return "samples" in (config.get("audit") or {}).get("metrics", {})


def _task(config):
    """Return the hub's name of the model's task, or `None` if there is none."""
    kind, spec = config["data"]["kind"], config["data"]["spec"]
    if _makes_samples(config):
        return MAKES.get(kind)
    if kind in ("tables", "vectors", "series"):
        return f"tabular-{spec.get('task') or 'classification'}"
    if kind == "audio":
        return "audio-classification" if spec.get("class_names") else "automatic-speech-recognition"
    return TELLS.get(kind)


def _introduction(run):
    recipe = get_recipe(run.name)
    name = _data_name(run.config)
    article = "An" if recipe.summary[0] in "aeiou" else "A"
    return [f"# {run.name} on {name}", "", f"{article} {recipe.summary}. Trained on {name}.", ""]


def _uses(config):
    """Return the uses that the run's metrics support, and those they advise against."""
    audit = config.get("audit") or {}
    metrics, intervals = audit.get("metrics", {}), audit.get("intervals", {})
    noun = NOUNS.get(config["data"]["kind"], "examples")
    known = _known(config["data"]["spec"])
    fit = f"{noun} like those of {_data_name(config)}{known}"
    does = f"Draws {fit}." if _makes_samples(config) else f"Takes {fit}."
    lines = ["## Uses", "", does, ""]
    unsuitable = [f"{noun.capitalize()} of kinds that are not in the training data."]
    if metrics.get("copied") and intervals.get("copied", [0])[0] > 0:
        unsuitable.append(
            f"Work that must be original: {metrics['copied']:.1%} of the samples are copies."
        )
    low = intervals.get("membership_auc", [0.0])[0]
    if low > LEAKING:
        unsuitable.append(
            "Sharing the weights if it must stay unknown who is in the data: membership "
            f"inference succeeds in at least {low:.0%} of pairs (chance: 50%)."
        )
    groups = audit.get("tables", {}).get("groups") or []
    if groups and groups[0].get("differs"):
        worst = groups[0]
        unsuitable.append(
            f"Decisions about {worst['by']} {worst['group']}: {worst['error_is']} "
            f"{worst['error']:.3g} against {worst['rest']:.3g} on the rest."
        )
    return [*lines, "Unsuitable:", "", *(f"- {sentence}" for sentence in unsuitable), ""]


def _known(spec):
    shape, names = spec.get("shape"), spec.get("class_names")
    facts = []
    if shape:
        facts.append(" x ".join("any" if side is None else str(side) for side in shape))
    if names:
        shown = ", ".join(map(str, names[:12])) + (", ..." if len(names) > 12 else "")
        facts.append(f"{len(names)} classes: {shown}")
    return f" ({'; '.join(facts)})" if facts else ""


def _data(config):
    data, checks = config["data"], config.get("checks") or {}
    sizes = "{:,} training, {:,} validation and {:,} test examples".format(*data["sizes"])
    lines = [
        "## Training data",
        "",
        f"{sizes} of kind {data['kind']} from `{_data_name(config)}` (fingerprint "
        f"`{data['fingerprint']}`). Licence of the data: {data.get('license') or 'not stated'}.",
        "",
    ]
    if data.get("skipped"):
        lines += [f"{len(data['skipped'])} files could not be read and were left out.", ""]
    dropped = config["training"].get("drop")
    if dropped:
        lines += [f"Taken out of the training part: {', '.join(dropped)}.", ""]
    findings = [f"- {sentence}" for sentence in checks.get("findings", ())]
    return lines + ([*findings, ""] if findings else [])


def _training(config):
    training, builder = config["training"], config["builder"]
    minutes = training["minutes"]
    budget = f"{minutes:g} minutes" if minutes else f"{training['epochs']} epochs"
    versions = ", ".join(f"{name} {version}" for name, version in config["versions"].items())
    arguments = ", ".join(f"{name}={value!r}" for name, value in builder["arguments"].items())
    early = config["status"] not in ("finished", "running")
    return [
        "## Training",
        "",
        f"Training ended early: {config['status']}.\n" if early else None,
        f"{config.get('steps', 0):,} steps of {training['batch_size']} examples (budget: "
        f"{budget}), seed {training['seed']}, with {versions}.",
        "",
        f"Builder: `{builder['name'].split('.')[-1]}({arguments})`",
        "",
    ]


def _numbers(title, where, metrics, intervals=None):
    """Return a section with a table of metrics, or nothing without metrics."""
    if not metrics:
        return []
    lines = [f"## {title}", "", f"On the {where}.", "", "| metric | value | 95% interval |"]
    lines.append("| --- | --- | --- |")
    for name, value in metrics.items():
        if isinstance(value, (int, float)):
            low, high = (intervals or {}).get(name) or (None, None)
            bounds = "" if low is None else f"{low:.4g} to {high:.4g}"
            lines.append(f"| {name} | {value:.5g} | {bounds} |")
    return [*lines, ""]


def _audit(config):
    audit = config.get("audit")
    if not audit:
        return []
    lines = _numbers("Audit", "samples and losses", audit["metrics"], audit["intervals"])
    lines = lines or ["## Audit", ""]
    said = [*audit["findings"], *audit["unchecked"]]
    lines += [*(f"- {sentence}" for sentence in said), ""] if said else []
    groups = audit["tables"].get("groups")
    if groups:
        lines += [f"By {groups[0]['by']}:", "", "| group | n | error | 95% interval |"]
        lines.append("| --- | --- | --- | --- |")
        for row in groups[:20]:
            bounds = f"{row['low']:.3g} to {row['high']:.3g}" if row["low"] is not None else ""
            lines.append(f"| {row['group']} | {row['n']} | {row['error']:.3g} | {bounds} |")
        lines.append("")
    return lines


def _privacy(config):
    privacy = config.get("privacy")
    if not privacy:
        return []
    lines = [
        "## Privacy",
        "",
        f"Trained with differential privacy (DP-SGD): epsilon {privacy['epsilon']:.3g} at delta "
        f"{privacy['delta']:.2g}, noise multiplier {privacy['noise']:g}, gradients clipped at "
        f"{privacy['clip']:g}, one example in {1 / privacy['rate']:.0f} a step by Poisson "
        f"sampling. What is protected is {privacy.get('unit', 'one example')}.",
        "",
    ]
    return lines + [f"- Not covered: {sentence}" for sentence in privacy["not_covered"]] + [""]


def _cost(config):
    seconds = config.get("seconds")
    if not seconds:
        return []
    machine = config["versions"].get("platform", "one machine")
    return ["## Cost", "", f"{seconds:,.0f} seconds of training on {machine}.", ""]
