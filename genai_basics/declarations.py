"""`Recipe` and `Option`, which rows of `recipes.py` consist of, and options that rows share.

A command shows the options of all rows and rejects those that the row of a run's model does not
declare, so the commands contain no model-specific code.
"""

from dataclasses import dataclass, field

__all__ = ["Option", "Recipe"]


@dataclass(frozen=True)
class Option:
    """An option that a model adds to one or several commands.

    Attributes:
        flag: As typed, `"--conditional"`.
        help: One line of help.
        keyword: The argument it sets. `train`: of the builder; `sample`, `predict` and
            `evaluate`: of the model's `sample`, `answer` and `report`.
        commands: The commands that have this option.
        type: `"flag"`, `"int"`, `"float"`, `"str"`, `"names"` (several, separated by commas),
            `"labels"` (repeatable), `"inputs"` (two inputs, as for `predict`), `"examples"` (a
            flag that passes all examples of the run's data), or `"run"` (a run, whose model is
            passed).
        least, above, most: Limits of a number; `above` is exclusive.
        facts: Fields of the data's spec that are passed to the builder if the flag is given.
        kinds: Kinds of data for which the model has this option; empty for all.
        of: The model of a `"run"` and the kind of its data.
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
        data: Default data set, which needs no network.
        kinds: Kinds of data that it supports; see `load_data`.
        facts: Fields of the data's spec that are passed to the builder if it accepts them.
        labelled: Whether it learns labels, values or transcriptions, which the data must contain.
        epochs: Default budget.
        batch_size: Default batch size.
        round_steps: Maximum training steps between validations (with checkpoint and history).
        options: Options that this model adds to commands.
        can: What it can do: "samples", "labels" (samples by class label, if conditional),
            "encodes", "interpolates" (between two inputs), "streams" (text while it is
            generated), "compresses", "features" (feature vectors of inputs, to measure
            similarity).
        demo: Arguments of `train` for the default data: `epochs`, `facts`, `data_options`, and
            builder arguments.
        few_pictures: Builder arguments for data of at most a few thousand pictures.
        tiny: Builder arguments for a tiny model, used in tests.
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
    demo: dict = field(default_factory=dict)
    few_pictures: dict = field(default_factory=dict)
    tiny: dict = field(default_factory=dict)

    @property
    def data_options(self):
        """Arguments of `load_data` for the default data."""
        return self.demo.get("data_options", {})

    def demo_of(self, source):
        """Return `demo` if a source is the default data, by name or loaded."""
        name = source if isinstance(source, str) else getattr(source, "name", None)
        return self.demo if isinstance(name, str) and name == self.data else {}

    def options_of(self, command, kind=None):
        """Return the options of a command for a model of this kind of data."""
        return tuple(
            option
            for option in self.options
            if command in option.commands and (not option.kinds or kind in option.kinds)
        )


# train

CONDITIONAL = Option(
    "--conditional",
    "Learn to sample by class label, for `sample --label`.",
    facts=("num_classes", "class_names"),
    type="flag",
)
BALANCE = Option(
    "--balance", "Give rare classes the same weight as frequent ones.", "balance", type="flag"
)
MIRROR = Option("--mirror", "Also train on mirrored pictures.", "mirror", type="flag")
BACKBONE = Option(
    "--backbone", "Pretrained network of keras.applications, as MobileNetV3Small.", "backbone"
)

# sample

SAMPLE = ("sample",)
LABEL = Option(
    "--label", "Class of a conditional model; repeatable.", "labels", SAMPLE, type="labels"
)
TEMPERATURE = Option(
    "--temperature", "Below 1: safer; above 1: more diverse.", "temperature", SAMPLE, "float", 0
)
TRUNCATION = Option(
    "--truncation", "Truncate the noise: safer samples.", "truncation", SAMPLE, "float", above=0
)
NEW = Option("--new", "Only texts that are not in the data.", "avoid", SAMPLE, "examples")
INTERPOLATE = Option(
    "--interpolate", "Interpolate in N steps per pair.", "interpolate", SAMPLE, "int", 2
)
BETWEEN = Option(
    "--between", "Interpolate between two inputs, in -n steps.", "between", SAMPLE, "inputs"
)
GUIDED = (
    Option(
        "--guidance", "Strength of the label; 1 as trained.", "guidance", SAMPLE, "float", least=0
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
        "Character language model that supports the search.",
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
