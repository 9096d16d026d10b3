"""Secrets in texts, and private training."""

import numpy as np
import pytest

from genai_basics import load_data, train
from genai_basics.audit import exposure
from genai_basics.audit.canaries import exposure_among, plant, repeated_sentences


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


class Unigrams:
    """A character-level language model that has memorized some texts."""

    def __init__(self, known=()):
        self.known = known

    def losses_by_example(self, texts):
        return np.array([0.01 if t in self.known else np.mean([ord(c) for c in t]) for t in texts])


def test_a_secret_learned_by_heart_is_exposed():
    data, planted = plant(
        load_data([f"text {i} of words" for i in range(50)], kind="text"), (1, 10)
    )
    lines = "\n".join(data.train.x)
    assert [lines.count(p["secret"]) for p in planted] == [1, 10]
    known = f"the secret of the canary is {planted[1]['secret']}"
    assert exposure(Unigrams([known]), planted[1]["secret"]) > 20


def test_exposure_of_others_is_that_of_chance():
    found = [exposure(Unigrams(), secret) for secret in ("qwertyui", "abcdefgh", "nopqrstu")]
    assert min(found) < 3
    losses = np.random.default_rng(0).normal(size=1000)
    bits = [exposure_among(x, losses) for x in np.random.default_rng(1).normal(size=500)]
    assert np.mean(np.array(bits) > 4) == pytest.approx(1 / 16, abs=0.04)


def test_a_sentence_that_repeats_is_found():
    fresh = [f"This is sentence number {i} of a text, and it stands once." for i in range(300)]
    text = "\n".join([*fresh, *["Nobody expects the Spanish Inquisition, ever."] * 200])
    assert repeated_sentences([text]) == [("Nobody expects the Spanish Inquisition, ever.", 200)]


@pytest.mark.slow
def test_private_training_forgets_secret_and_members(folder, rng):
    """Ordinary training memorizes a planted secret and its lines; private training does not."""
    pytest.importorskip("dp_accounting")
    lines = ["".join(rng.choice(list("abcdefghij"), 12)) for _ in range(300)]
    data = load_data(lines, kind="text", test=0.3)
    options = {"units": 64, "embedding_dim": 16, "window": 60, "dropout": 0.0, "batch_size": 16}
    plain, private = (
        train("language-model", data, canaries=(40,), out=folder / name, **options, **more)
        for name, more in (
            ("plain", {"epochs": 60}),
            ("private", {"epochs": 15, "dp_noise": 2.0}),
        )
    )
    exposure_of, auc_of = (
        [run.config["audit"]["metrics"][name] for run in (plain, private)]
        for name in ("exposure", "membership_auc")
    )
    assert exposure_of[0] > 10 > 6 > exposure_of[1]
    assert auc_of[0] > auc_of[1] + 0.1
    assert private.config["privacy"]["epsilon"] < 50


@pytest.mark.slow
def test_private_training_says_what_it_guarantees(folder):
    pytest.importorskip("dp_accounting")
    run = train(
        "mlp", "digits", epochs=2, normalize=False, dp_noise=1.0, dp_clip=0.5, out=folder / "dp"
    )
    privacy = run.config["privacy"]
    assert 0.5 < privacy["epsilon"] < 20
    assert privacy["rate"] == pytest.approx(run.config["training"]["batch_size"] / 1455)
    assert "epsilon" in (run.folder / "MODEL_CARD.md").read_text()


def test_batch_normalization_is_refused(folder):
    with pytest.raises(ValueError, match="batch normalization mixes examples"):
        train("mlp", "digits", epochs=1, dp_noise=1.0, out=folder / "refused")


@pytest.mark.slow
def test_a_model_without_losses_of_examples_is_refused(folder):
    with pytest.raises(ValueError, match="no loss of single examples"):
        train("gan", "digits", epochs=1, dp_noise=1.0, out=folder / "refused2")
