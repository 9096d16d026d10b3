"""`Recipe` and `Option`: what a row of `recipes.py` declares; and the options that rows share.

A command shows the options of all rows, and refuses those that the row of a run's model does not
declare. So the commands themselves need to know no model.
"""

from dataclasses import dataclass, field

__all__ = ["Option", "Recipe"]


@dataclass(frozen=True)
class Option:
    """An option that a model adds to one or several commands.

    Attributes:
        flag: As typed, `"--conditional"`.
        help: One line.
        keyword: What it sets. `train`: a keyword of the builder; `sample`, `predict` and
            `evaluate`: one of the model's `sample`, `answer` and `report`.
        commands: The commands that have it.
        type: `"flag"`, `"int"`, `"float"`, `"str"`, `"names"` (several, separated by commas),
            `"labels"` (repeatable), `"inputs"` (two of what `predict` takes), `"examples"` (a
            flag; the keyword gets all examples of the run's data), or `"run"` (a run; the
            keyword gets its model).
        least, above, most: Limits of a number; `above` is excluded.
        facts: Facts of the data's spec that the builder gets where the flag is given.
        kinds: Kinds of data for which the model has it; empty for all.
        of: The model that a `"run"` must be of, and the kind of its data.
    """

    flag: str
    help: str
    keyword: str = ""
    commands: tuple = ("train",)
    type: str = "str"
    least: float | None = None
    above: float | None = None
    most: float | None = None
    facts: tuple = ()
    kinds: tuple = ()
    of: tuple = ()

    @property
    def name(self):
        """The flag as a Python name."""
        return self.flag.lstrip("-").replace("-", "_")


@dataclass(frozen=True)
class Recipe:
    """How to train one model, with its defaults.

    Attributes:
        name: What the command line calls it.
        family: The family that it belongs to, for `list`.
        builder: "module.function" within the package.
        summary: One line for `list`.
        data: Default data, which need no network.
        kinds: Kinds of data that it supports, see `load_data`.
        facts: Facts of the data's spec that the builder gets, if it has such a keyword.
        labelled: Whether it learns labels, values or transcriptions, which the data must contain.
        epochs: Default budget.
        batch_size: Default batch size.
        round_steps: Maximum training steps between two validations, checkpoints, rows of history.
        options: Options that this model adds to commands.
        can: What it can do: "samples", "labels" (samples a class by its label, if it is
            conditional), "encodes", "interpolates" (between two inputs),
            "streams" (text as it is written), "compresses", "features" (vectors of its inputs,
            to measure likeness by).
        data_options: Default options of `load_data`.
        few_pictures: Builder arguments for a few thousand pictures or less.
        tiny: Builder arguments that make it small, for tests.
    """

    name: str
    family: str
    builder: str
    summary: str
    data: str
    kinds: tuple
    facts: tuple = ("input_shape", "value_range")
    labelled: bool = False
    epochs: int = 20
    batch_size: int = 128
    round_steps: int = 500
    options: tuple = ()
    can: tuple = ()
    data_options: dict = field(default_factory=dict)
    few_pictures: dict = field(default_factory=dict)
    tiny: dict = field(default_factory=dict)

    def options_of(self, command, kind=None):
        """Return the options of a command, for a model of data of this kind."""
        return tuple(
            option
            for option in self.options
            if command in option.commands and (not option.kinds or kind in option.kinds)
        )


# train

CONDITIONAL = Option(
    "--conditional",
    "Learn each class by its label; `sample --label` then chooses.",
    facts=("num_classes", "class_names"),
    type="flag",
)
BALANCE = Option(
    "--balance", "Give rare classes the same weight as frequent ones.", "balance", type="flag"
)
MIRROR = Option("--mirror", "Mirrored pictures mean the same.", "mirror", type="flag")

# sample

SAMPLE = ("sample",)
LABEL = Option(
    "--label", "Class of a conditional model; repeatable.", "labels", SAMPLE, type="labels"
)
TEMPERATURE = Option(
    "--temperature", "Below 1: safer; above 1: more varied.", "temperature", SAMPLE, "float", 0
)
TRUNCATION = Option(
    "--truncation", "Truncate the noise: safer samples.", "truncation", SAMPLE, "float", above=0
)
NEW = Option("--new", "Only texts that are not in the data.", "avoid", SAMPLE, "examples")
INTERPOLATE = Option(
    "--interpolate", "Steps from each sample to the next.", "interpolate", SAMPLE, "int", 2
)
BETWEEN = Option(
    "--between", "Interpolate between two inputs, in -n steps.", "between", SAMPLE, "inputs"
)
GUIDED = (
    Option(
        "--guidance", "Strength of the label; 1: as learned.", "guidance", SAMPLE, "float", least=0
    ),
    Option("--steps", "Number of steps from noise to a sample.", "steps", SAMPLE, "int", least=1),
)
LENGTH = Option("--length", "Maximum length of a text or piece.", "length", SAMPLE, "int", 1)
WRITING = (
    Option("--prompt", "Beginning of the text.", "prompt", SAMPLE, kinds=("text",)),
    Option(
        "--top-k",
        "Draw among the k most likely.",
        "top_k",
        SAMPLE,
        "int",
        least=1,
        kinds=("text",),
    ),
    Option(
        "--top-p",
        "Draw among the most likely, up to this total probability.",
        "top_p",
        SAMPLE,
        "float",
        above=0,
        most=1,
        kinds=("text",),
    ),
)

# predict, evaluate

PREDICT, BOTH = ("predict",), ("predict", "evaluate")
TOP = Option("--top", "Show the top N classes.", "top", PREDICT, "int", least=1)
EXPLAIN = Option(
    "--explain", "Write pictures of the evidence for each class.", "explain", PREDICT, "flag"
)
THRESHOLD = Option(
    "--threshold", "Minimum score of an object.", "threshold", PREDICT, "float", least=0, most=1
)
BEAM = Option("--beam", "Beam size of the search.", "beam", BOTH, "int", least=1)
LANGUAGE_MODEL = (
    Option(
        "--language-model",
        "Language model of characters that helps to transcribe.",
        "language_model",
        BOTH,
        "run",
        of=("language-model", "text"),
    ),
    Option(
        "--weight",
        "Weight of the language model. [default: 0.5]",
        "weight",
        BOTH,
        "float",
        least=0,
    ),
)
