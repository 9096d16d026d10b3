"""One contract for all models: each row of `recipes.py` loads, reproduces, resumes and trains.

The runs that are loaded and resumed are stored ones, see `stored.py`.
"""

import functools
import inspect
import json
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from genai_basics import arguments, feeding
from genai_basics.backend import value_of
from genai_basics.declarations import LABEL
from genai_basics.recipes import (
    RECIPES,
    builder_of,
    check_options,
    get_recipe,
    options_of,
    parameters,
)
from genai_basics.runs import load_run
from tests.stored import extract, measure, resume_stored

NAMES = list(RECIPES)
GANS = ("gan", "text-gan", "video-gan", "music-gan")
WINDOWS = ("music-gan", "forecaster", "language-model")  # cut out of whole series and texts
FAST = ("mlp", "autoencoder", "vae", "gan", "forecaster")  # the others train among the slow tests
TRAINED = [pytest.param(n, marks=() if n in FAST else pytest.mark.slow) for n in NAMES]
OWN_LOSS = [name for name in NAMES if name not in ("mlp", "cnn", "rnn")]


@pytest.mark.parametrize("name", NAMES)
def test_a_row_names_a_builder_and_arguments_that_it_has(name):
    recipe = RECIPES[name]
    check_options(name, recipe.tiny)
    options = recipe.options_of("train")
    check_options(name, {option.keyword: 0 for option in options if option.keyword})
    known = parameters(name)
    assert "seed" in known
    assert all(parameter.help for parameter in known.values()), "an argument lacks its line"


ABILITIES = {  # ability in the table: method of the model
    "samples": "sample",
    "encodes": "encode",
    "interpolates": "interpolate",
    "streams": "stream",
    "compresses": "compress",
    "features": "features",
}
METHODS = {"sample": "sample", "predict": "answer", "evaluate": "report"}


@pytest.mark.parametrize("name", NAMES)
def test_a_row_says_what_its_model_can_do_and_takes(name, stored):
    recipe, run = RECIPES[name], stored(name)[0]
    model = run.model
    for ability, method in ABILITIES.items():
        if ability in recipe.can:
            assert callable(getattr(model, method)), ability
    assert model.can_sample == ("samples" in recipe.can)
    assert ("labels" in recipe.can) == (LABEL in recipe.options_of("sample"))
    for command, method in METHODS.items():
        takes = inspect.signature(getattr(model, method)).parameters
        options = recipe.options_of(command, run.spec.kind)
        assert {o.keyword for o in options if o.type != "inputs"} <= set(takes), command
        refused = {o.keyword for o in options_of(command)} - {o.keyword for o in options}
        if command != "sample" or name == "language-model":  # GANs share `sample`
            assert not refused & set(takes), command


def test_an_unknown_model_or_argument_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"there is no model 'va'.* vae.*did you mean vae\?"):
        get_recipe("va")
    with pytest.raises(ValueError, match="did you mean latent_dim"):
        check_options("vae", {"latent_dims": 3})


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Return `stored(name)`: a stored run of each model, and what it measured when it was made."""

    @functools.cache
    def run_of(name):
        folder, expected = extract(name, tmp_path_factory.mktemp(name))
        return load_run(folder), expected

    return run_of


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return `trained(name)`: a stored run of each model after another epoch."""
    return functools.cache(
        lambda name: resume_stored(name, extract(name, tmp_path_factory.mktemp(name))[0])
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_run_has_the_same_loss_and_samples(name, stored):
    run, expected = stored(name)
    found = measure(run)
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-4)
    same, values = np.asarray(found["samples"]), np.asarray(expected["samples"])
    if values.dtype.kind in "US":
        assert same.tolist() == values.tolist()
    else:  # pixels may be rounded the other way on another machine
        np.testing.assert_allclose(same, values, rtol=1e-3, atol=1 if values.dtype == int else 1e-3)


@pytest.mark.parametrize("name", TRAINED)
def test_a_stored_run_resumes_and_moves_every_weight(name, stored, trained):
    (before, expected), run = stored(name), trained(name)
    assert [row["step"] for row in run.history] == [row["step"] for row in expected["history"]]
    for row, known in zip(run.history, expected["history"], strict=True):
        losses = [key for key in known if key.endswith("loss")]
        assert losses
        assert [row[key] for key in losses] == pytest.approx([known[key] for key in losses], 0.05)
    pairs = zip(last_weights(run), last_weights(before), strict=True)
    assert not [path for (path, value), (_, was) in pairs if np.array_equal(value, was)]


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_alone_says_where_a_model_starts(name, stored):
    models = []
    for other in (1, 2):
        keras.utils.set_random_seed(other)
        models.append(untrained(stored(name)[0]))
    for first, second in zip(*weights(*models), strict=True):
        np.testing.assert_array_equal(value_of(first), value_of(second), first.path)


@pytest.mark.parametrize("name", TRAINED)
def test_a_run_shows_what_it_makes_of_held_out_examples(name, trained):
    run = trained(name)
    lines = run.examples(run.data(limit=12))
    assert all("\n" not in line for line in lines)
    with Image.open(run.folder / "examples.png") as picture:
        assert np.ptp(np.asarray(picture.convert("L"))) > 100


def last_weights(run):
    """Return [(path, value)] of the trainable weights of a run's last checkpoint."""
    variables = enumerate(run.model.variables)
    with np.load(run.folder / "checkpoints" / "last.npz") as arrays:
        return [(v.path, arrays[f"weights/{i}"]) for i, v in variables if v.trainable]


def untrained(run):
    arguments = run.config["builder"]["arguments"]
    arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()}
    return builder_of(run.name)(**arguments)


def weights(*models):
    return [list(model.trainable_variables) for model in models]


RELOAD = """
import json, sys
import genai_basics as gb, keras, numpy as np
from genai_basics.arguments import wanted
for folder in sys.argv[1:]:
    model = keras.models.load_model(folder + "/model.keras")
    data = gb.load_run(folder).data(limit=16)
    y = wanted(model, data.test.y)
    metrics = model.evaluate(data.test.x, y, verbose=0, return_dict=True)
    samples = model.sample(3, seed=7) if model.can_sample else None
    same = str(np.asarray(samples, dtype=object).tolist()) if samples is not None else ""
    print(json.dumps([metrics["loss"], same]))
"""


@pytest.mark.slow
def test_a_new_process_loads_all_of_them_and_repeats_loss_and_samples(trained):
    runs = [trained(name) for name in NAMES]
    done = subprocess.run(
        [sys.executable, "-c", RELOAD, *(str(run.folder) for run in runs)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for run, (loss, samples) in zip(runs, lines, strict=True):
        data = run.data(limit=16)
        y = arguments.wanted(run.model, data.test.y)
        mine = run.model.evaluate(data.test.x, y, verbose=0, return_dict=True)["loss"]
        assert loss == pytest.approx(mine, rel=1e-5), run.name
        if run.model.can_sample:
            again = run.model.sample(3, seed=7)
            assert samples == str(np.asarray(again, dtype=object).tolist()), run.name


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_gives_other_samples(name, stored):
    model = stored(name)[0].model
    if not model.can_sample:
        pytest.skip("makes no samples")
    one, two = (np.asarray(model.sample(3, seed=seed), dtype=object) for seed in (1, 2))
    assert str(one.tolist()) != str(two.tolist())


# Keras' habits, on each model: a cell works, or is refused in these words.


def seen(model, x):
    """Return what a model shows of itself, as text: samples, or its outputs for x."""
    shown = model.sample(2, seed=3) if model.can_sample else model.predict(x, verbose=0)
    return str(keras.tree.map_structure(lambda part: np.asarray(part).tolist(), shown))


def examples(name, trained):
    """Return some raw x and y of a model; whole series and texts are not cut."""
    part = trained(name).data(limit=16).train
    whole = trained(name).model.cuts_windows
    return (part.x, part.y) if whole else feeding.Examples(part.x, part.y)[:8].parts[:2]


def copying(model, x, y):
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    assert seen(copy, x) == seen(model, x)


def saving_as_h5(model, x, y):
    model.save("never.h5")


def choosing_a_loss(model, x, y):
    fresh = type(model).from_config(model.get_config())
    fresh.compile("sgd", loss="mse")
    assert fresh.loss == "mse"


def adding_a_metric(model, x, y):
    fresh = type(model).from_config(model.get_config())
    fresh.compile(metrics=["mae"])
    assert "mae" in fresh.evaluate(x, y, verbose=0, return_dict=True)


def weighting(model, x, y):
    weights = np.full(len(x), 0.5)
    half = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)["loss"]
    assert half == pytest.approx(model.evaluate(x, y, verbose=0, return_dict=True)["loss"] / 2)


def weighting_classes(model, x, y):
    weighted = feeding.Examples(x, y).weighted(model, {0: 3.0})
    assert set(weighted.sample_weight) <= {1.0, 3.0}
    model.prepare(*weighted.parts)


def one_batch(model, x, y):
    found = model.test_on_batch(x, y, return_dict=True)
    assert np.isfinite(found["loss"])


def one_batch_of_a_stream(model, x, y):
    model.test_on_batch(iter([(x, y)]))


def streaming(model, x, y):
    batch = (x,) if y is None else (x, y)
    data = feeding.read(model, iter([batch]))
    streamed = data.batches(model, steps=1)[0]
    whole = next(iter(feeding.read(model, x, y).batches(model, 1000)[0]))
    for one, other in zip(*map(keras.tree.flatten, (next(iter(streamed)), whole)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def splitting_a_stream(model, x, y):
    model.fit(iter([(x, y)]), validation_split=0.5)


def printing(model, x, y):
    lines = []
    model.summary(print_fn=lambda line, **kwargs: lines.append(line))
    assert model.name in "".join(lines)


def exporting(model, x, y):
    model.export("never", verbose=False)


HABITS = {
    copying: {},
    saving_as_h5: dict.fromkeys(NAMES, "an .h5 file cannot"),
    choosing_a_loss: dict.fromkeys(OWN_LOSS, "carries its own loss"),
    adding_a_metric: dict.fromkeys(OWN_LOSS, "carries its own loss"),
    weighting: dict.fromkeys((*GANS, *WINDOWS), "no loss of single examples"),
    weighting_classes: {
        **dict.fromkeys(NAMES, "needs one label per example"),
        **dict.fromkeys(("mlp", "cnn", "rnn")),
        "gan": "no loss of single examples",
    },
    one_batch: dict.fromkeys(WINDOWS, "windows of whole series"),
    one_batch_of_a_stream: dict.fromkeys(NAMES, "take the arrays of one batch"),
    streaming: dict.fromkeys(WINDOWS, "cuts its examples out of whole series"),
    splitting_a_stream: dict.fromkeys(NAMES, "`validation_split` needs arrays"),
    printing: {},
    exporting: dict.fromkeys(
        [name for name in NAMES if name not in ("mlp", "cnn", "autoencoder", "vae")],
        "is not computed by one graph of x",
    ),
}


@pytest.mark.parametrize("name", TRAINED)
def test_a_habit_of_keras_holds_or_is_refused_in_a_sentence(name, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # some habits write files
    model, (x, y), wrong = trained(name).model, examples(name, trained), []
    y = arguments.wanted(model, y)
    for habit, refusals in HABITS.items():
        words, said = refusals.get(name), ""
        try:
            habit(model, x, y)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        if not re.fullmatch(f"ValueError: .*{re.escape(words)}.*" if words else "", said):
            wrong.append(f"{habit.__name__}: {said}")
    assert not wrong


@pytest.mark.parametrize("name", NAMES)
def test_channels_come_last(name, stored):
    run, _ = stored(name)
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ValueError, match="models take channels as the last axis"):
            untrained(run)
    finally:
        keras.config.set_image_data_format("channels_last")
