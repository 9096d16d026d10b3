"""The table of models: what the commands, `gb.train` and the audit need to know about each.

A row lists the model's builder, the data it accepts, its options in every command, and what
it can do. Builders' signatures are read from their source, so help does not need TensorFlow.
"""

import difflib
from importlib import import_module

from .declarations import (
    BACKBONE,
    BALANCE,
    BEAM,
    BETWEEN,
    CONDITIONAL,
    EXPLAIN,
    GUIDED,
    INTERPOLATE,
    LABEL,
    LANGUAGE_MODEL,
    LENGTH,
    MIRROR,
    NEW,
    TEMPERATURE,
    THRESHOLD,
    TOP,
    TRUNCATION,
    WRITING,
    Option,
    Recipe,
)
from .signatures import check_keywords, signature_of

__all__ = [
    "RECIPES",
    "Recipe",
    "builder_of",
    "check_options",
    "get_recipe",
    "models_that",
    "options_of",
    "parameters",
]


BY_LABEL = ("num_classes", "class_names")
LABELS = (*BY_LABEL, "task", "multi_label")

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="mlp",
            family="feedforward",
            builder="feedforward.build_mlp",
            summary="feedforward network: classifies or regresses vectors, tables, pictures, text",
            data="letters",
            kinds=("images", "vectors", "tables", "text"),
            facts=("input_shape", "value_range", "columns", *LABELS),
            labelled=True,
            epochs=40,
            options=(BALANCE, TOP),
            can=("features",),
            demo={"epochs": 12},
            tiny={"hidden_units": (16,)},
        ),
        Recipe(
            name="cnn",
            family="convolutional",
            builder="convolutional.build_cnn",
            summary="convolutional network: classifies or regresses pictures, sound, series, clips",
            data="letters",
            kinds=("images", "audio", "series", "video"),
            facts=("input_shape", "value_range", "sample_rate", *LABELS),
            labelled=True,
            epochs=30,
            batch_size=64,
            options=(BALANCE, MIRROR, BACKBONE, TOP, EXPLAIN),
            can=("features",),
            demo={"epochs": 2},
            tiny={"filters": (8, 8), "blocks": 0},
        ),
        Recipe(
            name="detector",
            family="convolutional",
            builder="convolutional.build_detector",
            summary="object detector: boxes, labels and scores of the objects in pictures",
            data="scattered_letters",
            kinds=("detection",),
            facts=("input_shape", "num_classes", "class_names"),
            epochs=30,
            batch_size=8,
            options=(MIRROR, BACKBONE, THRESHOLD),
            demo={"epochs": 15},
            tiny={"filters": (8, 8, 8, 8)},
        ),
        Recipe(
            name="autoencoder",
            family="autoencoder",
            builder="autoencoder.build_autoencoder",
            summary="autoencoder: denoises and compresses pictures, vectors, series, sounds",
            data="letters",
            kinds=("images", "vectors", "series", "audio"),
            facts=("input_shape", "value_range", "sample_rate", "max_length"),
            epochs=100,
            options=(
                Option(
                    "--noise", "Noise to remove: gaussian, mask, salt_pepper or poisson.", "noise"
                ),
                Option(
                    "--noise-level",
                    "Strength of the noise; see --help-model.",
                    "noise_level",
                    type="float",
                ),
                Option(
                    "--rate",
                    "Learn to compress: 0.01 for small files, 0.001 for good quality.",
                    "rate",
                    type="float",
                ),
                BETWEEN,
            ),
            can=("samples", "encodes", "interpolates", "compresses"),
            demo={"data_options": {"n": 20_000}, "epochs": 5},
            tiny={"latent_dim": 4, "hidden_units": (16,)},
        ),
        Recipe(
            name="vae",
            family="VAE",
            builder="vae.build_vae",
            summary="variational autoencoder: generates and encodes pictures and vectors",
            data="letters",
            kinds=("images", "vectors"),
            epochs=100,
            options=(CONDITIONAL, LABEL, BETWEEN),
            can=("samples", "labels", "encodes", "interpolates"),
            demo={"epochs": 28, "facts": BY_LABEL},
            tiny={"latent_dim": 2, "hidden_units": (16,)},
        ),
        Recipe(
            name="text-vae",
            family="VAE",
            builder="vae.build_text_vae",
            summary="variational autoencoder for short texts: generates and interpolates them",
            data="place_names",
            kinds=("text",),
            facts=(),
            epochs=20,
            batch_size=64,
            options=(
                CONDITIONAL,
                Option("--unit", "character, word, subword or byte.", "unit"),
                LABEL,
                TEMPERATURE,
                NEW,
                BETWEEN,
            ),
            can=("samples", "labels", "encodes", "interpolates"),
            tiny={"latent_dim": 2, "units": 8, "embedding_dim": 4},
        ),
        Recipe(
            name="gan",
            family="GAN",
            builder="gan.build_gan",
            summary="GAN: generates pictures and vectors, by label if the data have labels",
            data="letters",
            kinds=("images", "vectors"),
            facts=("input_shape", "value_range", "num_classes", "class_names"),
            epochs=100,
            batch_size=64,
            round_steps=250,
            options=(LABEL, TRUNCATION, INTERPOLATE),
            can=("samples", "labels"),
            # Without augmentation, the discriminator memorizes a small data set.
            few_pictures={"augment": ("translation", "brightness")},
            demo={"epochs": 4},
            tiny={"latent_dim": 8, "network": "dense", "hidden_units": (16,)},
        ),
        Recipe(
            name="diffusion",
            family="diffusion",
            builder="diffusion.build_diffusion",
            summary="diffusion by flow matching: generates pictures and vectors, guided by label",
            data="letters",
            kinds=("images", "vectors"),
            epochs=100,
            batch_size=64,
            options=(CONDITIONAL, LABEL, *GUIDED, INTERPOLATE, BETWEEN),
            can=("samples", "labels", "encodes", "interpolates"),
            demo={
                "data_options": {"image_size": 16},
                "facts": BY_LABEL,
                "guidance": 1.5,
                "epochs": 18,
            },
            tiny={"network": "dense", "hidden_units": (16,), "steps": 2},
        ),
        Recipe(
            name="text-gan",
            family="GAN",
            builder="gan.build_text_gan",
            summary="GAN for names and other short texts, generated character by character",
            data="place_names",
            kinds=("text",),
            facts=(),
            epochs=100,
            batch_size=64,
            round_steps=200,
            options=(TEMPERATURE, TRUNCATION, NEW),
            can=("samples",),
            demo={"epochs": 40},
            tiny={"latent_dim": 8, "units": 8, "filters": 8, "blocks": 1, "max_length": 8},
        ),
        Recipe(
            name="video-gan",
            family="GAN",
            builder="gan.build_video_gan",
            summary="GAN for short clips, by label if they have labels",
            data="moving_letters",
            kinds=("video",),
            facts=("input_shape", "value_range", *BY_LABEL),
            epochs=20,
            batch_size=32,
            round_steps=100,
            options=(LABEL, TRUNCATION, INTERPOLATE),
            can=("samples", "labels"),
            demo={"epochs": 7, "filters": (32, 64, 128)},
            tiny={"latent_dim": 8, "filters": (4, 4, 4)},
        ),
        Recipe(
            name="music-gan",
            family="GAN",
            builder="gan.build_music_gan",
            summary="GAN for a few bars of several voices, as piano rolls",
            data="chords",
            kinds=("music",),
            facts=("voices", "low", "high"),
            epochs=32,
            batch_size=64,
            round_steps=200,
            demo={"epochs": 20},
            options=(TRUNCATION, INTERPOLATE),
            can=("samples",),
            tiny={"latent_dim": 8, "units": 8, "steps": 8},
        ),
        Recipe(
            name="rnn",
            family="recurrent",
            builder="recurrent.build_rnn",
            summary="recurrent network: classifies or regresses series and texts of any length",
            data="terms",
            kinds=("series", "text"),
            facts=("input_shape", *LABELS),
            labelled=True,
            epochs=15,
            batch_size=64,
            options=(
                BALANCE,
                Option("--unit", "word, subword or character, for texts.", "unit"),
                TOP,
            ),
            can=("features",),
            demo={"epochs": 12},
            tiny={"units": 8},
        ),
        Recipe(
            name="forecaster",
            family="recurrent",
            builder="recurrent.build_forecaster",
            summary="recurrent forecaster: quantiles of the next steps of one or several series",
            data="sunspots",
            kinds=("forecast",),
            facts=("columns", "targets", "season", "calendar"),
            epochs=10,
            batch_size=64,
            options=(
                Option("--horizon", "Steps to forecast.", "horizon", type="int"),
                Option("--window", "Number of past steps used.", "window", type="int"),
                Option(
                    "--known",
                    "Columns known ahead, as A,B; `predict` reads them from rows without target.",
                    "known",
                    type="names",
                ),
            ),
            can=("samples",),
            tiny={"units": 8, "window": 12, "horizon": 3},
        ),
        Recipe(
            name="speech-recognizer",
            family="recurrent",
            builder="recurrent.build_speech_recognizer",
            summary="recurrent speech recognizer: transcribes speech, by CTC",
            data="key_sequences",
            kinds=("audio",),
            facts=("sample_rate", "alphabet", "class_names"),
            labelled=True,
            epochs=20,
            batch_size=16,
            options=(
                Option(
                    "--concatenate",
                    "Join up to N clips, so that single words teach connected speech.",
                    "concatenate",
                    type="int",
                ),
                BEAM,
                *LANGUAGE_MODEL,
            ),
            tiny={"units": 8, "filters": (8, 8), "bands": 16},
        ),
        Recipe(
            name="translator",
            family="recurrent",
            builder="recurrent.build_translator",
            summary="recurrent encoder-decoder with attention: translates sentences",
            data="dates",
            kinds=("pairs",),
            facts=(),
            epochs=8,
            options=(
                Option("--unit", "subword, character or word.", "unit"),
                Option("--vocab-size", "Vocabulary size per language.", "vocab_size", type="int"),
                BEAM,
            ),
            tiny={"units": 16, "embedding_dim": 8, "vocab_size": 100},
        ),
        Recipe(
            name="language-model",
            family="recurrent",
            builder="recurrent.build_language_model",
            summary="recurrent language model: writes text by character, byte or word; music",
            data="python_topics",
            kinds=("text", "music"),
            facts=("alphabet", "pitches"),
            epochs=6,
            batch_size=32,
            options=(
                Option("--unit", "character, byte, word or subword.", "unit"),
                Option("--units", "Size of the recurrent layer.", "units", type="int"),
                *WRITING,
                TEMPERATURE,
                LENGTH,
            ),
            can=("samples", "streams"),
            tiny={"units": 16, "embedding_dim": 8, "window": 20},
        ),
    )
}


def get_recipe(name):
    """Return the recipe with this name; otherwise raise a `ValueError` that lists all."""
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"there is no model '{name}'; choose one of {', '.join(RECIPES)}{hint}")
    return RECIPES[name]


def models_that(ability, kind=None):
    """Return the names of the models with an ability that accept this kind of data."""
    return tuple(
        recipe.name
        for recipe in RECIPES.values()
        if ability in recipe.can and kind in (None, *recipe.kinds)
    )


def builder_of(name):
    """Return the function that builds a model."""
    return getattr(import_module(__package__), get_recipe(name).builder.split(".")[1])


def options_of(command):
    """Return all models' options of a command, in the order of the table."""
    rows = (option for recipe in RECIPES.values() for option in recipe.options)
    return tuple(dict.fromkeys(option for option in rows if command in option.commands))


def parameters(name):
    """Return the builder's arguments as `{name: Parameter}`, read from its source."""
    return signature_of(get_recipe(name).builder)


def check_options(name, options):
    """Raise a `ValueError` for an unknown argument of the builder or an invalid number."""
    return check_keywords(name, parameters(name), options)
