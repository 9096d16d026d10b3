"""`MODEL_CARD.md`: what a trained model is, of what, and how good, in numbers of its own run."""

from .recipes import get_recipe
from .runs import write_text

__all__ = ["write_card"]


def write_card(run):
    """Write `MODEL_CARD.md` into a run folder, in the layout of the Hugging Face hub."""
    config = run.config
    data, training, recipe = config["data"], config["training"], get_recipe(run.name)
    budget = f"{training['minutes']:g} minutes" if training["minutes"] else f"{training['epochs']} epochs"
    lines = [
        "---",
        "library_name: keras",
        "tags:",
        "- genai_basics",
        f"- {run.name}",
        "---",
        "",
        f"# {run.name} on {data['name']}",
        "",
        f"A {recipe.summary}.",
        "",
        "## Data",
        "",
        f"{data['sizes'][0]:,} training, {data['sizes'][1]:,} validation and {data['sizes'][2]:,} "
        f"test examples of kind {data['kind']} from `{data['name']}`.",
        "",
        "## Training",
        "",
        f"{config.get('steps', 0):,} steps of {training['batch_size']} in {config.get('seconds', 0):,} "
        f"seconds (budget: {budget}), seed {training['seed']}, with "
        + ", ".join(f"{k} {v}" for k, v in config["versions"].items())
        + ".",
        "",
        "Builder: `"
        + f"{config['builder']['name'].split('.')[1]}("
        + ", ".join(f"{k}={v!r}" for k, v in config["builder"]["arguments"].items())
        + ")`",
        "",
    ]
    for title, metrics in (("Validation", config.get("validation")), ("Test", config.get("test"))):
        if metrics:
            lines += [f"## {title}", "", "| metric | value |", "| --- | --- |"]
            lines += [f"| {k} | {v:.5g} |" for k, v in metrics.items()] + [""]
    write_text(run.folder / "MODEL_CARD.md", "\n".join(lines))
