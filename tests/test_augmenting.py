"""Augmenting a labelled data set, and measuring the gain."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import genai_basics as gb
from genai_basics import augmenting, provenance
from genai_basics.recipes import models_that


class Nearest:
    """A fast nearest-mean classifier with Keras' `fit` and `predict`."""

    def __init__(self, seed, varied):
        self.varied = varied

    def fit(self, x, y, **options):
        x = x.reshape(len(x), -1).astype("float32")
        self.means = np.stack([x[y == k].mean(axis=0) for k in range(int(y.max()) + 1)])

    def predict(self, x, verbose=0):
        x = x.reshape(len(x), 1, -1).astype("float32")
        return -np.square(x - self.means).sum(axis=-1)


class Exact:
    """A conditional generator that is right for seven out of ten labels."""

    num_classes = 10

    def __init__(self, x, y):
        self.x, self.y = x, y

    def sample(self, n, *, seed, labels):
        rng = np.random.default_rng(seed)
        shown = np.where(np.arange(n) % 10 < 7, labels, (labels + 1) % 10)
        return np.stack([rng.choice(self.x[self.y == label]) for label in shown])


@pytest.fixture(scope="module")
def digits():
    return gb.load_data("digits").train


def test_what_the_classifier_refuses_is_left_out(digits):
    x, y = digits.x[:600], digits.y[:600]
    done = gb.augment(x, y, n=100, generator=Exact(x, y), classifier=Nearest, seeds=3)
    assert done.real == len(done.x) - 100 == len(done.y) - 100
    assert 0.5 < done.agreement < 0.8  # seven in ten, minus the classifier's errors
    assert set(done.accuracy) == {"real", "generated", "varied", "both"}
    assert all(len(values) == 3 for values in done.accuracy.values())
    assert all(low <= mean <= high for mean, low, high in done.gains.values())
    assert "over 3 seeds" in done.verdict


@pytest.mark.slow
@pytest.mark.parametrize("name", models_that("labels", "vectors"))
@pytest.mark.parametrize("shape", [(8, 8, 1), (6,)])
def test_every_model_that_samples_by_label_can_be_the_generator(name, shape):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 255, (40, *shape)).astype("float32"), np.arange(40) % 4
    model = augmenting._trained(name, x, y, 4, (0, 255), 1, 0)
    assert model.num_classes == 4
    assert model.sample(6, seed=0, labels=[3, 1, 0, 2, 3, 1]).shape == (6, *shape)


def test_few_pictures_are_varied_for_the_generator(digits):
    x, y = digits.x[:30], digits.y[:30]
    varied, labels = augmenting._varied_copies(x, y, 0)
    assert len(varied) == len(labels) == 4020  # whole copies, to reach 4,000
    assert varied.min() >= x.min()
    assert varied.max() <= x.max()
    copies = varied.reshape(-1, 30, 64)
    np.testing.assert_array_equal(labels.reshape(-1, 30), np.tile(y, (134, 1)))
    assert np.abs(copies[0] - copies[1]).max() > 0.1 * x.max()  # every copy differs
    distance = np.square(copies.mean(axis=0)[:, None] - x.reshape(1, 30, 64)).sum(axis=-1)
    assert (distance.argmin(axis=1) == np.arange(30)).all()  # but remains recognizable


def test_held_out_pictures_are_not_learned_from(digits):
    x, y = digits.x[:200], digits.y[:200]
    rest_x, _rest_y, held_x, held_y = augmenting._quarter(x, y, 0)
    assert len(rest_x) + len(held_x) == 200
    assert set(held_y) == set(range(10))
    together = {picture.tobytes() for picture in rest_x} & {p.tobytes() for p in held_x}
    assert not together


def test_gains_are_paired_and_have_students_interval():
    mean, low, high = augmenting._gain([0.9, 0.8, 0.85], [0.8, 0.7, 0.75])
    assert (mean, low, high) == pytest.approx((0.1, 0.1, 0.1))
    mean, low, high = augmenting._gain([0.9, 0.8], [0.8, 0.8])
    assert mean == pytest.approx(0.05)
    assert high - mean == pytest.approx(12.71 * np.std([0.1, 0.0], ddof=1) / np.sqrt(2))


@pytest.mark.parametrize(
    ("gains", "words"),
    [
        ((0.05, 0.01, 0.09), "help: +5.0%"),
        ((-0.05, -0.09, -0.01), "hurt: -5.0%"),
        ((0.01, -0.02, 0.04), "no significant difference: +1.0%"),
    ],
)
def test_the_verdict_says_plainly_what_came_of_it(gains, words):
    accuracy = {"real": [0.8], "generated": [0.8], "varied": [0.85], "both": [0.86]}
    assert words in augmenting._verdict(accuracy, {"generated": gains}, 5)


def test_wrong_arguments_are_refused(digits):
    x, y = digits.x[:60], digits.y[:60]
    with pytest.raises(ValueError, match=r"at least two classes\. Received: 1"):
        gb.augment(x, np.zeros(60, int))
    with pytest.raises(ValueError, match="seeds=0"):
        gb.augment(x, y, seeds=0)
    with pytest.raises(ValueError, match="must be conditional"):
        gb.augment(x, y, generator=gb.build_gan((8, 8, 1)))
    with pytest.raises(ValueError, match=r'"gan" or "diffusion"\. Received: generator='):
        gb.augment(x, y, generator="mlp")


def test_the_command_writes_a_data_set(tmp_path, monkeypatch):
    from genai_basics.cli.main import cli

    def quick(x, y, **options):
        accuracy = {name: [0.8, 0.9] for name in ("real", "generated", "varied", "both")}
        gains = dict.fromkeys(("generated", "varied", "both"), (0.0, -0.1, 0.1))
        return augmenting.Augmented(x, y, len(x) - 5, 0.9, accuracy, gains, "A verdict.")

    monkeypatch.setattr(augmenting, "augment", quick)
    out = tmp_path / "more.npz"
    arguments = ["augment", "--data", "digits", "--limit", "50", "--out", str(out)]
    done = CliRunner().invoke(cli, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    facts = provenance.read(out)
    assert facts["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert (facts["model"], facts["generated_examples"]) == ("gan", 5)
    assert set(np.load(out)) == {"x_train", "y_train"}
    assert json.loads(done.output)["generated"] == 5
    again = gb.load_data(out)
    assert again.spec.shape == (8, 8, 1)
    refused = CliRunner().invoke(cli, arguments)
    assert refused.exit_code == 1
    assert "--force" in refused.output
    table = CliRunner().invoke(cli, [*arguments, "--force"])
    assert "A verdict." in table.output
    other = CliRunner().invoke(cli, [*arguments, "--force", "--model", "vae"])
    assert other.exit_code == 0
    assert provenance.read(out)["model"] == "vae"
    assert CliRunner().invoke(cli, ["augment", "runs/none", "--model", "vae"]).exit_code == 2
    assert CliRunner().invoke(cli, ["augment", "--out", "x.npz"]).exit_code == 2
    assert CliRunner().invoke(cli, ["augment", "--data", "digits", "--out", "x.png"]).exit_code == 2
    assert CliRunner().invoke(cli, ["augment", "--help"]).exit_code == 0
