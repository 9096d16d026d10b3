"""The table of models: what the commands and `gb.train` need to know of each, as plain data.

Nothing here imports Keras. A new model is one builder in its family's file, one row here, and
its tests; the commands follow by themselves. Builders' signatures are read from their source,
so that `--set key=value` is checked, and `--help-model` answers, without TensorFlow.
"""

import ast
import difflib
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["RECIPES", "Option", "Parameter", "Recipe", "check_options", "get_recipe", "parameters"]


@dataclass(frozen=True)
class Option:
    """A command-line option of `train` that one model has: it sets a keyword of the builder.

    Attributes:
        flag: As typed, `"--conditional"`.
        keyword: The builder's keyword. Where `facts` is given instead, facts of the data's
            spec that the builder gets when the flag is there.
        help: One line.
        type: "flag", "int", "float", "str" or "names" (several, with commas between).
    """

    flag: str
    help: str
    keyword: str = ""
    facts: tuple = ()
    type: str = "str"

    @property
    def name(self):
        return self.flag.lstrip("-").replace("-", "_")


@dataclass(frozen=True)
class Recipe:
    """How to train one model when nothing is said.

    Attributes:
        name: What the command line calls it.
        family: The family that it belongs to, for `list`.
        builder: "module.function" within the package.
        summary: One line for `list`.
        data: Embedded data that need no network.
        kinds: Kinds of data that it takes, see `load_data`.
        facts: Facts of the data's spec that the builder gets, where it has such a keyword.
        labelled: Whether it learns labels, values or transcriptions, which the data must hold.
        epochs: Default budget.
        batch_size: Default batch size.
        round_steps: Most training steps between two validations, checkpoints, rows of history.
        options: Options of `train` for this model alone.
        data_options: Options of `load_data` that are set when nothing is said.
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
    data_options: dict = field(default_factory=dict)
    tiny: dict = field(default_factory=dict)


CONDITIONAL = Option(
    "--conditional",
    "Learn each class by its label; `sample --label` then chooses.",
    facts=("num_classes", "class_names"),
    type="flag",
)

BALANCE = Option(
    "--balance", "Rare classes weigh as much as frequent ones.", "balance", type="flag"
)
LABELS = ("num_classes", "class_names", "task", "multi_label")

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="mlp",
            family="feedforward",
            builder="feedforward.build_mlp",
            summary="feedforward network: classes or values of vectors, tables, pictures, text",
            data="digits",
            kinds=("images", "vectors", "tables", "text"),
            facts=("input_shape", "value_range", "columns", *LABELS),
            labelled=True,
            epochs=40,
            options=(BALANCE,),
            tiny={"hidden_units": (16,)},
        ),
        Recipe(
            name="cnn",
            family="convolutional",
            builder="convolutional.build_cnn",
            summary="convolutional network: classes or values of pictures, sounds, series, clips",
            data="digits",
            kinds=("images", "audio", "series", "video"),
            facts=("input_shape", "value_range", "sample_rate", *LABELS),
            labelled=True,
            epochs=30,
            batch_size=64,
            options=(
                BALANCE,
                Option("--mirror", "Mirrored pictures mean the same.", "mirror", type="flag"),
            ),
            tiny={"filters": (8, 8), "blocks": 0},
        ),
        Recipe(
            name="detector",
            family="convolutional",
            builder="convolutional.build_detector",
            summary="object detector: finds the things in pictures, with boxes and scores",
            data="scattered_digits",
            kinds=("detection",),
            facts=("input_shape", "num_classes", "class_names"),
            epochs=30,
            batch_size=8,
            options=(
                Option("--mirror", "Mirrored pictures mean the same.", "mirror", type="flag"),
            ),
            tiny={"filters": (8, 8, 8, 8)},
        ),
        Recipe(
            name="autoencoder",
            family="autoencoder",
            builder="autoencoder.build_autoencoder",
            summary="autoencoder: squeezes pictures, vectors, series, sound; denoises, compresses",
            data="digits",
            kinds=("images", "vectors", "series", "audio"),
            facts=("input_shape", "value_range", "sample_rate", "max_length"),
            epochs=100,
            options=(
                Option("--noise", "gaussian, mask, salt_pepper or poisson, to remove.", "noise"),
                Option(
                    "--noise-level",
                    "How much of it; see --help-model.",
                    "noise_level",
                    type="float",
                ),
                Option(
                    "--rate",
                    "Learn to compress: 0.01 for small files, 0.001 for good pictures.",
                    "rate",
                    type="float",
                ),
            ),
            tiny={"latent_dim": 4, "hidden_units": (16,)},
        ),
        Recipe(
            name="vae",
            family="VAE",
            builder="vae.build_vae",
            summary="variational autoencoder: images and vectors, sampled from a Gaussian code",
            data="digits",
            kinds=("images", "vectors"),
            epochs=100,
            options=(CONDITIONAL,),
            tiny={"latent_dim": 2, "hidden_units": (16,)},
        ),
        Recipe(
            name="text-vae",
            family="VAE",
            builder="vae.build_text_vae",
            summary="variational autoencoder of short texts: names, sentences, made or mixed",
            data="place_names",
            kinds=("text",),
            facts=(),
            epochs=20,
            batch_size=64,
            options=(
                CONDITIONAL,
                Option("--unit", "character, word, subword or byte.", "unit"),
            ),
            tiny={"latent_dim": 2, "units": 8, "embedding_dim": 4},
        ),
        Recipe(
            name="gan",
            family="GAN",
            builder="gan.build_gan",
            summary="generative adversarial network: images and vectors, by label where labelled",
            data="digits",
            kinds=("images", "vectors"),
            facts=("input_shape", "value_range", "num_classes", "class_names"),
            epochs=100,
            batch_size=64,
            round_steps=250,
            tiny={"latent_dim": 8, "hidden_units": (16,)},
        ),
        Recipe(
            name="diffusion",
            family="diffusion",
            builder="diffusion.build_diffusion",
            summary="diffusion by flow matching: images and vectors, guided by label, in few steps",
            data="digits",
            kinds=("images", "vectors"),
            epochs=100,
            batch_size=64,
            options=(CONDITIONAL,),
            tiny={"hidden_units": (16,), "steps": 2},
        ),
        Recipe(
            name="text-gan",
            family="GAN",
            builder="gan.build_text_gan",
            summary="GAN for names and other short texts, written letter by letter",
            data="place_names",
            kinds=("text",),
            facts=(),
            epochs=100,
            batch_size=64,
            round_steps=200,
            tiny={"latent_dim": 8, "units": 8, "filters": 8, "blocks": 1},
        ),
        Recipe(
            name="video-gan",
            family="GAN",
            builder="gan.build_video_gan",
            summary="GAN for short clips, with a judge of frames and a judge of motion",
            data="moving_digits",
            kinds=("video",),
            epochs=7,
            batch_size=16,
            round_steps=100,
            tiny={"latent_dim": 8, "filters": (4, 4, 4)},
        ),
        Recipe(
            name="music-gan",
            family="GAN",
            builder="gan.build_music_gan",
            summary="GAN for some bars of several voices, as piano rolls",
            data="chords",
            kinds=("music",),
            facts=("voices", "low", "high"),
            epochs=32,
            batch_size=64,
            round_steps=200,
            tiny={"latent_dim": 8, "units": 8, "steps": 8},
        ),
        Recipe(
            name="rnn",
            family="recurrent",
            builder="recurrent.build_rnn",
            summary="recurrent network: tells classes or values of series and texts",
            data="place_names",
            kinds=("series", "text"),
            facts=("input_shape", *LABELS),
            labelled=True,
            epochs=15,
            batch_size=64,
            options=(
                BALANCE,
                Option("--unit", "word, subword or character, for texts.", "unit"),
            ),
            tiny={"units": 8},
        ),
        Recipe(
            name="forecaster",
            family="recurrent",
            builder="recurrent.build_forecaster",
            summary="recurrent forecaster: quantiles of the next steps of one or many series",
            data="sunspots",
            kinds=("forecast",),
            facts=("columns", "targets", "season", "calendar"),
            epochs=10,
            batch_size=64,
            options=(
                Option("--horizon", "Steps to forecast.", "horizon", type="int"),
                Option("--window", "Steps of the past that it sees.", "window", type="int"),
                Option(
                    "--known",
                    "Columns known ahead, as A,B: `predict` reads them from rows without target.",
                    "known",
                    type="names",
                ),
            ),
            tiny={"units": 8, "window": 12, "horizon": 3},
        ),
        Recipe(
            name="speech-recognizer",
            family="recurrent",
            builder="recurrent.build_speech_recognizer",
            summary="recurrent speech recognizer: writes down what is said, by CTC",
            data="key_sequences",
            kinds=("audio",),
            facts=("sample_rate", "alphabet", "class_names"),
            labelled=True,
            epochs=20,
            batch_size=16,
            options=(
                Option(
                    "--concatenate",
                    "Join up to N clips, so that words teach connected speech.",
                    "concatenate",
                    type="int",
                ),
            ),
            tiny={"units": 8, "filters": (8, 8), "bands": 16},
        ),
        Recipe(
            name="translator",
            family="recurrent",
            builder="recurrent.build_translator",
            summary="recurrent encoder and decoder with attention: translates lines of text",
            data="dates",
            kinds=("pairs",),
            facts=(),
            epochs=8,
            options=(
                Option("--unit", "subword, character or word.", "unit"),
                Option("--vocab-size", "Most units of each side.", "vocab_size", type="int"),
            ),
            tiny={"units": 16, "embedding_dim": 8, "vocab_size": 100},
        ),
        Recipe(
            name="language-model",
            family="recurrent",
            builder="recurrent.build_language_model",
            summary="recurrent language model: writes text by characters or words, or music",
            data="python_topics",
            kinds=("text", "music"),
            facts=("alphabet", "pitches"),
            epochs=6,
            batch_size=32,
            options=(
                Option("--unit", "character, byte, word or subword.", "unit"),
                Option("--units", "Size of the recurrent layer.", "units", type="int"),
            ),
            tiny={"units": 16, "embedding_dim": 8, "window": 20},
        ),
    )
}


# Type of a default: what it takes, and what cannot be that.
NUMBERS = {int: ("whole number", (str, float)), float: ("number", str)}


@dataclass(frozen=True)
class Parameter:
    """One keyword of a builder: its default as written, and its line of the docstring."""

    name: str
    default: object
    help: str

    @property
    def value(self):
        """The default, where it is a literal, else `None`."""
        try:
            return ast.literal_eval(self.default)
        except (ValueError, SyntaxError):
            return None


def get_recipe(name):
    """Return the recipe of that name, or raise a `ValueError` that lists them."""
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"there is no model '{name}'; choose one of {', '.join(RECIPES)}{hint}")
    return RECIPES[name]


def parameters(name):
    """Return the builder's keywords as `{name: Parameter}`, read from its source."""
    module, function = get_recipe(name).builder.split(".")
    here = Path(__file__).parent
    path = here / f"{module}.py"
    paths = [path] if path.exists() else sorted((here / module).glob("*.py"))
    for path in paths:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == function:
                return _signature(node)
    raise ValueError(f"the recipe of '{name}' names no function. Received: {module}.{function}")


def _signature(node):
    arguments, found = node.args, {}
    helps = _argument_helps(ast.get_docstring(node) or "")
    pairs = list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    positional = arguments.args
    missing = [None] * (len(positional) - len(arguments.defaults))
    pairs = [*zip(positional, [*missing, *arguments.defaults], strict=True), *pairs]
    for argument, default in pairs:
        text = "required" if default is None else ast.unparse(default)
        found[argument.arg] = Parameter(argument.arg, text, helps.get(argument.arg, ""))
    return found


def _argument_helps(docstring):
    """Return `{argument: description}` of the `Args:` part of a docstring."""
    helps, name, inside = {}, None, False
    for line in docstring.splitlines():
        if not line.startswith(" ") and line.strip():
            inside = line.strip() == "Args:"
        elif inside and line.startswith("    ") and not line.startswith("     ") and ":" in line:
            names, text = line.strip().split(":", 1)
            name = names.split(",")[0].strip()
            for each in names.split(","):
                helps[each.strip()] = text.strip()
        elif inside and name and line.strip():
            helps[name] += " " + line.strip()
    return helps


def check_options(name, options):
    """Raise a `ValueError` where a keyword of the builder is unknown, or a number is none."""
    known = parameters(name)
    for key, value in options.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{name} has no argument '{key}'{hint}; it takes {', '.join(known)}")
        kind, wrong = NUMBERS.get(type(known[key].value), ("", ()))
        if isinstance(value, wrong):
            raise ValueError(f"`{key}` of {name} is a {kind}. Received: {key}={value!r}")
    return options
