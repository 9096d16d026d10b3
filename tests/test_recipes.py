"""One contract for all models: each row of `recipes.py` trains, saves, loads, repeats itself."""

import functools
import inspect
import json

import keras
import numpy as np
import pytest
from stored import ANSWERS, answers, train_tiny

from genai_basics import load_run, train
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

NAMES = list(RECIPES)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_names_a_builder_and_arguments_that_it_has(name):
    recipe = RECIPES[name]
    check_options(name, recipe.tiny)
    options = recipe.options_of("train")
    check_options(name, {option.keyword: 0 for option in options if option.keyword})
    known = parameters(name)
    assert "seed" in known
    assert all(parameter.help for parameter in known.values()), "an argument lacks its line"


@pytest.fixture(scope="module")
def loaded(stored):
    """Return `load(name)`: the stored run of a model, with the model loaded once."""
    return functools.cache(lambda name: load_run(stored(name)))


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
def test_a_row_says_what_its_model_can_do_and_takes(name, loaded):
    recipe, model = RECIPES[name], loaded(name).model
    for ability, method in ABILITIES.items():
        if ability in recipe.can:
            assert callable(getattr(model, method)), ability
    assert model.can_sample == ("samples" in recipe.can)
    assert ("labels" in recipe.can) == (LABEL in recipe.options_of("sample"))
    for command, method in METHODS.items():
        takes = inspect.signature(getattr(model, method)).parameters
        options = recipe.options_of(command, loaded(name).spec.kind)
        assert {o.keyword for o in options if o.type != "inputs"} <= set(takes), command
        refused = {o.keyword for o in options_of(command)} - {o.keyword for o in options}
        if command != "sample" or name == "language-model":  # GANs share `sample`
            assert not refused & set(takes), command


def test_an_unknown_model_or_argument_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"there is no model 'va'.* vae.*did you mean vae\?"):
        get_recipe("va")
    with pytest.raises(ValueError, match="did you mean latent_dim"):
        check_options("vae", {"latent_dims": 3})


@pytest.mark.parametrize("name", NAMES)
def test_one_epoch_has_a_finite_loss_and_moves_every_weight(name, tmp_path):
    run = train_tiny(name, tmp_path / name)
    assert losses(run)
    assert np.isfinite(losses(run)).all()
    assert not unmoved(run.model, untrained(run))


def losses(run):
    return [value for row in run.history for key, value in row.items() if key.endswith("loss")]


def unmoved(*models):
    """Return the paths of the trainable weights that two models have in common."""
    pairs = zip(*weights(*models), strict=True)
    return [v.path for v, w in pairs if np.array_equal(value_of(v), value_of(w))]


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_alone_says_where_a_model_starts(name, loaded):
    models = []
    for other in (1, 2):
        keras.utils.set_random_seed(other)
        models.append(untrained(loaded(name)))
    for first, second in zip(*weights(*models), strict=True):
        np.testing.assert_array_equal(value_of(first), value_of(second), first.path)


def untrained(run):
    arguments = run.config["builder"]["arguments"]
    arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in arguments.items()}
    return builder_of(run.name)(**arguments)


def weights(*models):
    return [list(model.trainable_variables) for model in models]


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_run_gives_the_loss_and_the_samples_that_it_gave(name, loaded):
    run = loaded(name)
    found = answers(run)
    with np.load(run.folder / ANSWERS) as given:
        assert set(found) == set(given)
        if run.data().fingerprint == run.config["data"]["fingerprint"]:  # else other data
            assert found["loss"] == pytest.approx(float(given["loss"]), rel=1e-4)
        if found.get("samples") is not None:
            same(found["samples"], given["samples"])


def same(samples, given):
    """Assert that samples are the same: texts to the letter, pictures to a grey level."""
    assert samples.dtype == given.dtype
    if samples.dtype.kind == "f":
        np.testing.assert_allclose(samples, given, rtol=1e-4, atol=1e-4)
    elif samples.dtype == "uint8":
        np.testing.assert_allclose(samples.astype(int), given.astype(int), atol=1)
    else:
        np.testing.assert_array_equal(samples, given)


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_run_goes_on(name, stored, loaded):
    folder, before = stored(name), loaded(name)
    config = json.loads((folder / "config.json").read_text())
    config["data"]["fingerprint"] = before.data().fingerprint  # varies with Python and Babel
    (folder / "config.json").write_text(json.dumps(config))
    run = train(name, out=folder, resume=True, epochs=2)
    assert [row["epoch"] for row in run.history] == [1, 2]
    assert run.history[0] == before.history[0]
    assert np.isfinite(losses(run)).all()
    assert not unmoved(run.model, before.model)


@pytest.mark.parametrize("name", NAMES)
def test_another_seed_gives_other_samples(name, loaded):
    model = loaded(name).model
    if not model.can_sample:
        pytest.skip("makes no samples")
    one, two = (np.asarray(model.sample(3, seed=seed), dtype=object) for seed in (1, 2))
    assert str(one.tolist()) != str(two.tolist())
