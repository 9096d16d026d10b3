"""Training, comparing and breaking on the page, without a browser."""

import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from genai_basics import build_translator, build_vae, load_run
from genai_basics.app.comparing import measures, overlaid
from genai_basics.app.live_training import Training, TrainTab, source_within
from genai_basics.app.switches import (
    SWITCHES,
    train_switch,
    without_attention,
    without_reparameterization,
)
from genai_basics.recipes import RECIPES, get_recipe, parameters

OF_TRAIN = ("learning_rate",)  # arguments of `train` rather than of a builder


@pytest.fixture
def tab(tmp_path):
    (tmp_path / "data" / "photos").mkdir(parents=True)
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    return TrainTab(tmp_path / "runs", tmp_path / "data")


@pytest.mark.parametrize("name", ["..", ".", "", "../secret.csv", "/etc/passwd", "photos/../.."])
def test_no_path_from_the_browser_leads_out_of_the_folder(tab, name):
    with pytest.raises(ValueError, match="is not in the folder"):
        source_within(tab.data, name)
    for kind in ("folder", "upload"):
        with pytest.raises(ValueError, match="is not in the folder"):
            tab.source_of(f"{kind}:{name}")


def test_links_do_not_lead_out_of_the_folder_either(tab):
    (tab.data / "link.csv").symlink_to(tab.data.parent / "secret.csv")
    with pytest.raises(ValueError, match="is not in the folder"):
        tab.source_of("folder:link.csv")


@pytest.mark.parametrize("key", [None, "", "name:/etc/passwd", "name:hf://x/y", "letters", "x:y"])
def test_only_what_was_offered_is_read(tab, key):
    with pytest.raises(ValueError, match="choose the data"):
        tab.source_of(key)


def test_the_folder_and_uploads_are_offered(tab):
    key = tab.keep_upload("../../mine.csv", b"a,b\n1,2\n")
    assert key == "upload:mine.csv"
    assert tab.source_of(key).endswith("mine.csv")
    assert {"folder:photos", "upload:mine.csv", "name:letters"} <= set(tab.sources())


@pytest.mark.parametrize("name", ["run.py", "annotations.json", ".htaccess", "data.yaml", "a"])
def test_uploads_of_other_kinds_are_refused(tab, name):
    with pytest.raises(ValueError, match="is not accepted"):
        tab.keep_upload(name, b"")


def test_the_data_are_described_before_training(tab):
    assert "classes: 0 178, 1 182" in tab.described("vae", "name:digits")
    with pytest.raises(ValueError, match="vae takes images or vectors"):
        tab.described("vae", "name:place_names")


def test_a_training_that_fails_says_why(tmp_path):
    training = Training(tmp_path / "run", "-c", "raise SystemExit('Error: no such data')")
    while training.running:
        time.sleep(0.05)
    assert training.problem == "no such data"
    assert training.look() == ([], None, None)


def test_only_one_training_at_a_time(tab):
    tab.training = Training(tab.runs / "run", "-c", "import time; time.sleep(60)")
    with pytest.raises(ValueError, match="a training is running"):
        tab.start("vae", None, 1)
    tab.training.stop()
    tab.training.process.wait(10)
    assert not tab.training.running


@pytest.mark.slow
def test_a_stopped_training_is_kept(tab):
    tab.start("mlp", "digits", 10)
    training = tab.training
    began = time.monotonic()
    while not training.history and time.monotonic() - began < 100:
        time.sleep(0.5)
    training.stop()
    training.process.wait(60)
    assert training.problem == ""
    run = load_run(training.folder)
    assert run.config["status"] == "interrupted"
    assert run.model.predict(np.zeros((1, 8, 8, 1)), verbose=0).shape == (1, 10)
    assert training.look()[0] == run.history


def test_runs_are_compared(stored_runs):
    runs = {name: load_run(stored_runs[name]) for name in ("vae", "cnn")}
    names, rows = measures(runs)
    assert names == ["measure", "vae", "cnn"]
    found = {row[0]: row[1:] for row in rows}
    assert found["kl"] == [f"{runs['vae'].config['validation']['kl']:.4g}", ""]
    history = [{"step": i, "loss": 1 / i} for i in range(1, 5)]
    figure = overlaid({"a": history, "b": [{"step": 1, "loss": float("nan")}]}, "loss")
    (line,) = figure.axes[0].lines
    assert line.get_xydata().tolist() == [[i, 1 / i] for i in range(1, 5)]


# What is broken.


def test_each_family_has_two_switches():
    families = [get_recipe(switch.model).family for switch in SWITCHES.values()]
    assert {family: families.count(family) for family in families} == {
        recipe.family: 2 for recipe in RECIPES.values()
    }


@pytest.mark.parametrize("key", SWITCHES)
def test_a_switch_changes_what_the_model_takes(key):
    switch = SWITCHES[key]
    known = {*parameters(switch.model), *OF_TRAIN}
    assert set(switch.options) <= known
    assert bool(switch.options) != bool(switch.change)
    tutorials = Path(__file__).parents[2] / "tutorials"
    assert (tutorials / f"{switch.tutorial}.py").exists()
    assert switch.sentence.endswith(".")


def test_without_reparameterization_only_the_kl_term_trains_the_encoder():
    model = build_vae((4,), latent_dim=2, hidden_units=(8,), likelihood="gaussian", seed=0)
    x = np.random.default_rng(0).random((16, 4), "float32")
    model.compile()
    model.adapt(x)

    def slopes():
        with tf.GradientTape() as tape:
            loss = ops.sum(model.loss_terms(x, training=True)["reconstruction"])
        return tape.gradient(loss, model.encoder.trainable_variables)

    assert any(g is not None and np.abs(g).max() > 0 for g in slopes())
    without_reparameterization(model)
    assert all(g is None or np.abs(g).max() == 0 for g in slopes())


def test_without_attention_all_source_units_weigh_the_same():
    model = build_translator(units=8, embedding_dim=4, vocab_size=20, seed=0)
    model.compile()
    model.fit(["one two", "two"] * 4, ["un deux", "deux"] * 4, epochs=1, verbose=0)
    without_attention(model)
    weights, source, _ = model.attention("one two", "un")
    assert weights == pytest.approx(1 / len(source))


@pytest.mark.slow
@pytest.mark.parametrize("key", ["vae-gradient", "feedforward-rate"])
def test_a_broken_model_is_worse_than_a_whole_one(key, tmp_path):
    found = {}
    for broken in (False, True):
        keras.utils.clear_session()
        run = train_switch(key, broken, 0.1, tmp_path / str(broken))
        found[broken] = run.config["validation"]["loss"]
        assert (run.folder / "examples.png").exists()
    assert not found[True] <= found[False]
