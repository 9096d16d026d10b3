"""No argument is accepted without effect: found by machine, from the code and by trying."""

import ast
import contextlib
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest

import genai_basics as gb
from genai_basics.backend import value_of
from genai_basics.recipes import RECIPES, builder_of, parameters

PACKAGE = Path(gb.__file__).parent
TREES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in PACKAGE.rglob("*.py")}


def loaded(tree, kind, field):
    """Return how often names or attributes are read in a tree."""
    nodes = (node for node in ast.walk(tree) if isinstance(node, kind))
    return Counter(getattr(n, field) for n in nodes if isinstance(n.ctx, ast.Load))


def test_every_argument_of_a_class_is_used_or_kept_as_an_attribute_that_is_read():
    read = sum((loaded(tree, ast.Attribute, "attr") for tree in TREES.values()), Counter())
    idle = []
    for file, tree in TREES.items():
        for cls in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
            for method in cls.body:
                if isinstance(method, ast.FunctionDef) and method.name == "__init__":
                    used = loaded(method, ast.Name, "id")
                    for argument in (*method.args.args[1:], *method.args.kwonlyargs):
                        name = argument.arg
                        if not used[name] or (
                            used[name] == 1
                            and f"self.{name} = " in ast.unparse(method)
                            and not read[name]
                        ):
                            idle.append(f"{file.name} {cls.name}: {name}")
    assert not idle


X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
Y = (X.sum(axis=1) > 0).astype(int)
QUIET = {"verbose": 0}
# Keywords of `fit`, and a value far from the usual one.
FIT = {
    "batch_size": 8,
    "epochs": 2,
    "validation_split": 0.5,
    "validation_data": (X, Y),
    "shuffle": False,
    "class_weight": {0: 9.0},
    "sample_weight": np.linspace(0, 3, 64),
    "initial_epoch": 1,
    "steps_per_epoch": 1,
    "callbacks": keras.callbacks.LearningRateScheduler(lambda epoch: 1e-6),
}
VALIDATED = {"validation_batch_size": 3, "validation_steps": 1, "validation_freq": 2}


@pytest.mark.slow
def test_each_keyword_of_fit_changes_what_is_trained_or_told():
    model = gb.build_mlp((4,), num_classes=2, hidden_units=(8,), dropout=0.0, seed=0)
    model.compile()
    model.adapt(X, Y)
    start = model.get_weights()

    def trained(**arguments):
        model.compile()
        model.set_weights(start)
        batches = []
        count = keras.callbacks.LambdaCallback(
            on_test_batch_end=lambda batch, logs: batches.append(1)
        )
        arguments["callbacks"] = [count, *keras.tree.flatten(arguments.get("callbacks", []))]
        history = model.fit(X, Y, **{**QUIET, "batch_size": 16, **arguments}).history
        return [history, len(batches), *(weight.tolist() for weight in model.get_weights())]

    usual = trained()
    assert usual == trained(), "training repeats itself"
    same = [name for name, value in FIT.items() if trained(**{name: value}) == usual]
    assert not same
    held_out = trained(validation_data=(X[:40], Y[:40]))
    same = [
        name
        for name, value in VALIDATED.items()
        if trained(**{name: value}, validation_data=(X[:40], Y[:40])) == held_out
    ]
    assert not same


def test_keywords_of_compile_evaluate_predict_and_sample_have_effects():
    vae = gb.build_vae((4,), latent_dim=2, hidden_units=(8,), num_classes=2, seed=0)
    for name, value in {"run_eagerly": True, "steps_per_execution": 3, "jit_compile": True}.items():
        vae.compile(**{name: value})
        assert getattr(vae, name) == value
    vae.compile()
    whole = vae.evaluate(X, Y, **QUIET)
    assert vae.evaluate(X, Y, sample_weight=np.full(64, 0.5), **QUIET)[0] < 0.6 * whole[0]
    assert vae.evaluate(X, Y, batch_size=7, steps=1, **QUIET) != whole
    assert set(vae.evaluate(X, Y, return_dict=True, **QUIET)) >= {"loss", "kl"}
    drawn = vae.sample(8, seed=0)
    for arguments in ({"n": 7}, {"seed": 1}, {"batch_size": 3}, {"labels": [1]}):
        other = vae.sample(**{"n": 8, "seed": 0, **arguments})
        assert other.shape != drawn.shape or not np.array_equal(other, drawn), arguments


# For each builder, what it is called with; and for each keyword, a value far from the usual one.
BASE = {
    "mlp": {"input_shape": (8, 8, 1), "num_classes": 4, "hidden_units": (8,)},
    "cnn": {"input_shape": (8, 8, 1), "num_classes": 4, "filters": (4, 4), "blocks": 0},
    "detector": {"input_shape": (32, 32, 1), "num_classes": 4, "filters": (4, 4, 4, 4)},
    "autoencoder": {"input_shape": (8, 8, 1), "latent_dim": 3, "hidden_units": (8,)},
    "vae": {"input_shape": (8, 8, 1), "latent_dim": 3, "hidden_units": (8,)},
    "gan": {"input_shape": (8, 8, 1), "latent_dim": 3, "hidden_units": (8,)},
    "diffusion": {"input_shape": (8, 8, 1), "hidden_units": (8,)},
    "video-gan": {"input_shape": (8, 16, 16, 1), "latent_dim": 3, "filters": (4, 4, 4)},
    "rnn": {"num_classes": 4, "units": 8},
    "forecaster": {"columns": ("a", "b"), "targets": ("a",), "units": 8},
}
OTHER = {
    "augment": ("translation",),
    "backbone": None, "balance": True, "bands": 20, "beta": 5.0, "bidirectional": False,
    "binarize": "dynamic", "blocks": 2, "calendar": ("b",), "capacity": 20.0, "cell": "lstm",
    "characters": True, "class_names": ("p", "q", "r", "s"), "columns": [("a", "number")],
    "concatenate": 3, "contractive": 0.5, "cycles": 3, "discriminator_steps": 3, "dropout": 0.6,
    "ema": 0.1, "embedding_dim": 6, "features": None, "filters": (8, 8), "free_bits": 2.0,
    "guidance": 3.0, "hidden_units": (16, 16), "high": 90, "hop": 5, "horizon": 5,
    "image_size": 64, "importance_samples": 4, "input_shape": (16, 16, 1), "kernel_size": 5,
    "known": ("b",), "label_dropout": 0.9, "label_smoothing": 0.3, "latent_dim": 6, "level": "word",
    "levels": 2, "likelihood": "gaussian", "loss": "hinge", "low": 30, "max_categories": 5,
    "max_length": 4, "max_overlap": 0.1, "max_seconds": 0.1, "max_words": 100, "mel_bands": 20,
    "mirror": True, "moving": 2, "multi_label": True, "network": "conv", "ngrams": 1,
    "noise": "gaussian", "noise_level": 0.9, "normalize": False, "num_classes": 5, "num_layers": 2,
    "num_outputs": 3, "penalty": "gradient",
    "penalty_weight": 9.0, "pitch": 0.3, "pitches": (3, 8),
    "prior": "mixture", "quantiles": (0.2, 0.5, 0.8), "rate": 0.01, "relaxation": "softmax",
    "sample_rate": 4000, "season": 12, "seed": 9, "sparsity": 0.5, "spectral_normalization": True,
    "speed": 0.0, "steps": 16, "stretch": 0.15, "target": "noise2void", "targets": ("a", "b"),
    "task": "regression", "threshold": 0.9, "tied": True, "unit": "word", "units": 12,
    "value_range": (0, 1), "vocab_size": 60, "vocabulary_size": 20, "voices": 2, "warm_up": 0.9,
    "weights": None, "window": 30, "word_dropout": 0.9, "alphabet": "abc",
}  # fmt: skip
SPECIAL = {
    ("mlp", "augment"): True, ("cnn", "augment"): False, ("detector", "augment"): False,
    ("video-gan", "filters"): (8, 8, 8), ("detector", "filters"): (8, 8, 8, 8),
    ("text-gan", "filters"): 16,
    ("speech-recognizer", "filters"): (6, 6),
    ("forecaster", "columns"): ("a", "b", "c"), ("speech-recognizer", "noise"): 0.5,
}  # fmt: skip
TAKES_NETWORKS = {  # which are not built here
    ("cnn", "backbone"),
    ("detector", "backbone"),
    ("cnn", "weights"),  # of a backbone
    ("detector", "weights"),
    ("gan", "features"), ("diffusion", "features"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "keyword", "because"),
    [
        *((name, "penalty_weight", {"penalty": "none"}) for name in ("gan", "text-gan")),
        *((name, "penalty_weight", {"penalty": "none"}) for name in ("video-gan", "music-gan")),
        *((name, "label_smoothing", {"task": "regression"}) for name in ("mlp", "cnn", "rnn")),
    ],
)
def test_keywords_that_another_one_makes_idle_are_refused(name, keyword, because):
    arguments = {**RECIPES[name].tiny, **BASE.get(name, {}), **because}
    with pytest.raises(ValueError, match=f"`{keyword}` has no effect .*{keyword}={OTHER[keyword]}"):
        builder_of(name)(**arguments, **{keyword: OTHER[keyword]})


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_each_keyword_of_a_builder_changes_the_model_or_is_refused(name):
    base = {**RECIPES[name].tiny, **BASE.get(name, {}), "seed": 0}

    def built(**arguments):
        model = builder_of(name)(**{**base, **arguments})
        config = {k: v for k, v in model.get_config().items() if k != "name"}
        weights = [value_of(w).tolist() for w in model.weights]
        return repr(_without_names(config)), weights

    usual, same = built(), []
    for keyword in parameters(name):
        assert keyword in OTHER, f"say what is far from the usual {keyword}"
        value = SPECIAL.get((name, keyword), OTHER[keyword])
        if (name, keyword) in TAKES_NETWORKS:
            continue
        with contextlib.suppress(ValueError):  # refused: right, too
            if built(**{keyword: value}) == usual:
                same.append(keyword)
    assert not same


def _without_names(config):
    """Return a configuration without the numbers that Keras appends to names."""
    if isinstance(config, dict):
        hidden = ("name", "registered_name", "build_config", "shared_object_id")
        return {k: _without_names(v) for k, v in config.items() if k not in hidden}
    if isinstance(config, (list, tuple)):
        return [_without_names(v) for v in config]
    return config.rstrip("0123456789_") if isinstance(config, str) else config
