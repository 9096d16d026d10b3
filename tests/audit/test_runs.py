"""Audits of whole runs: models that copy, leak or miss classes, and models that do not."""

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from cli.main import cli
from genai_basics import load_data, load_run, train
from genai_basics.audit import Audit, audit_run, exceeded
from genai_basics.evaluation import Errors


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def digits():
    return load_data("digits")


def few(data, n):
    """Return data with n training examples, loaded from a file so that a run can reload them."""
    parts = {"x_train": data.train.x[:n], "y_train": data.train.y[:n]}
    return {**parts, "x_test": data.test.x, "y_test": data.test.y}


@pytest.fixture(scope="module")
def copier(folder, digits):
    np.savez(folder / "few.npz", **few(digits, 50))
    return train(
        "vae",
        str(folder / "few.npz"),
        data_options={"validation": 0},
        epochs=1000,
        batch_size=50,
        license="bsd-3-clause",
        out=folder / "copier",
    )


@pytest.fixture(scope="module")
def honest(folder):
    return train("vae", "digits", epochs=8, hidden_units=(256,), out=folder / "honest")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def invoke():
    return lambda *args: CliRunner().invoke(cli, [str(a) for a in args])


@pytest.mark.slow
def test_a_copier_is_caught_at_the_end_of_training(copier):
    found = copier.config["audit"]
    assert found["metrics"]["copied"] > 0.03
    assert any("the model copies" in sentence for sentence in found["findings"])
    assert found["intervals"]["membership_auc"][0] > 0.8
    assert (copier.folder / "copies.png").exists()


@pytest.mark.slow
def test_an_honest_model_is_not_accused(honest):
    found = honest.config["audit"]
    assert found["metrics"]["copied"] < 0.01
    assert not any("copies" in s or "gives away" in s for s in found["findings"])
    low, high = found["intervals"]["membership_auc"]
    assert low < 0.5 < high


def test_the_audit_at_the_end_is_short(honest):
    assert honest.config["audit"]["seconds"] < 30  # about two on an idle machine


def test_a_model_that_never_saw_the_data_leaks_nothing(honest, digits):
    found = audit_run(honest, load_data((digits.test.x, digits.test.y)), n=50)
    low, high = found.intervals["membership_auc"]
    assert low <= 0.5 <= high
    assert "fingerprint" in found.findings[0]


def test_a_class_that_the_samples_lack_is_named(honest, digits, monkeypatch):
    fives = digits.train.x[digits.train.y != 5]
    monkeypatch.setattr(honest.model, "sample", lambda n, seed: fives[:n], raising=False)
    found = audit_run(honest, digits, n=1000)
    assert any(sentence.startswith("Class 5 makes up 0") for sentence in found.findings)


@pytest.mark.slow
def test_the_worst_group_of_a_classifier_is_named(folder, digits):
    x = digits.train.x.copy()
    noise = np.random.default_rng(0).integers(0, 256, x.shape).astype("uint8")
    test = digits.test.x.copy()
    eights = digits.test.y == 8
    test[eights] = noise[: eights.sum()]  # nothing distinguishes these
    np.savez(folder / "eights.npz", **{**few(digits, 2000), "x_test": test})
    run = train("mlp", str(folder / "eights.npz"), epochs=10, out=folder / "mlp")
    found = audit_run(run, by="label")
    assert found.tables["groups"][0]["group"] == "8"
    assert any("label 8 worst" in sentence for sentence in found.findings)
    assert "makes no samples" in " ".join(found.unchecked)


class Known:
    """A model with known errors."""

    can_sample = False

    def __init__(self, *errors):
        self.errors = errors

    def losses_by_example(self, x, y=None):
        raise ValueError("its losses are not known")

    def errors_of(self, x, y=None):
        return Errors(*self.errors)


def known_run(data, *errors):
    config = {"data": {"fingerprint": data.fingerprint}}
    return SimpleNamespace(name="known", model=Known(*errors), spec=data.spec, config=config)


def test_the_objects_that_a_detector_misses_are_named_by_class_and_by_camera():
    data = load_data("scattered_digits")
    counts = [len(target["labels"]) for target in data.test.y]
    examples = np.repeat(np.arange(len(counts)), counts)
    classes = np.array(data.spec.class_names)
    labels = np.concatenate([target["labels"] for target in data.test.y])
    parts = labels if labels.dtype.kind == "U" else classes[labels]
    cameras = np.resize(["day", "day", "night"], len(counts))
    test = dataclasses.replace(data.test, groups={"camera": cameras})
    data = dataclasses.replace(data, test=test)
    seven = (parts == classes[7]).astype("float64")
    found = audit_run(known_run(data, "objects missed", seven, examples, parts), data)
    assert any(f"label {classes[7]} worst: objects missed 1 (" in s for s in found.findings)
    dark = (cameras[examples] == "night").astype("float64")
    run = known_run(data, "objects missed", dark, examples, parts)
    found = audit_run(run, data, by="camera")
    assert any("camera night worst" in s for s in found.findings)
    assert not any(s.startswith("The model serves label") for s in found.findings)


def test_the_column_of_a_table_that_a_model_serves_worst_is_named(rng, tmp_path):
    lines = [f"{rng.normal():.3f},{'ab'[i % 2]},{'yn'[i % 3 == 0]}" for i in range(200)]
    (tmp_path / "t.csv").write_text("\n".join(["size,town,ok", *lines]))
    data = load_data(tmp_path / "t.csv", target="ok", test=0.5)
    wrong = (data.test.x["town"] == "b").astype("float64")
    found = audit_run(known_run(data, "error", wrong), data, by="town")
    assert any("town b worst" in sentence for sentence in found.findings)
    with pytest.raises(ValueError, match="one of the columns of the data: town, label"):
        audit_run(known_run(data, "error", wrong), data, by="size")


def test_the_speaker_that_a_recognizer_serves_worst_is_named(rng):
    data = load_data("key_sequences")
    speakers = np.resize(["ann", "theo", "eve"], len(data.test))
    data = dataclasses.replace(
        data, test=dataclasses.replace(data.test, groups={"speaker": speakers})
    )
    rates = rng.random(len(speakers))
    noise = audit_run(known_run(data, "word error rate of a clip", rates), data, by="speaker")
    assert len(noise.tables["groups"]) == 3
    assert not any("worst" in sentence for sentence in noise.findings)
    rates[speakers == "theo"] += 1
    found = audit_run(known_run(data, "word error rate of a clip", rates), data, by="speaker")
    assert any("speaker theo worst" in sentence for sentence in found.findings)


@pytest.mark.slow
def test_the_series_that_a_forecaster_serves_worst_is_named(folder, rng):
    calm, wild = np.sin(np.arange(600) / 5), rng.normal(size=600)
    lines = [f"{a:.4f},{b:.4f},{i % 2}" for i, (a, b) in enumerate(zip(calm, wild, strict=True))]
    (folder / "two.csv").write_text("\n".join(["calm,wild,shift", *lines]))
    data = load_data(folder / "two.csv", kind="forecast", target=["calm", "wild"])
    run = train("forecaster", data, epochs=3, horizon=3, units=8, out=folder / "two", audit=False)
    found = audit_run(run, data)
    assert found.tables["groups"][0]["group"] == "wild"
    assert any("target wild worst: absolute scaled error" in s for s in found.findings)
    low, high = found.intervals["membership_auc"]
    assert low < 0.5 < high
    assert any("a later stretch" in sentence for sentence in found.unchecked)
    assert len(audit_run(run, data, by="shift").tables["groups"]) == 2
    with pytest.raises(ValueError, match="target, shift"):
        audit_run(run, data, by="speaker")


# GANs and texts that copy.


@pytest.mark.slow
def test_a_gan_that_copies_is_caught_and_an_honest_one_is_not(folder, digits):
    options = {"hidden_units": (128, 128), "network": "dense", "batch_size": 50}
    np.savez(folder / "fifty.npz", **few(digits, 50))
    copier = train(
        "gan",
        str(folder / "fifty.npz"),
        data_options={"validation": 0},
        epochs=2500,
        out=folder / "gan-copier",
        **options,
    ).config["audit"]
    assert any("the model copies" in sentence for sentence in copier["findings"])
    assert copier["intervals"]["copied"][0] > 0.02
    honest = train("gan", "digits", epochs=40, out=folder / "gan-honest", **options).config["audit"]
    assert honest["metrics"]["copied"] < 0.02
    assert not any("copies" in sentence for sentence in honest["findings"])
    assert copier["metrics"]["membership_auc"] > honest["metrics"]["membership_auc"] + 0.1
    assert any("discriminator's score" in sentence for sentence in copier["findings"])


@pytest.mark.slow
def test_a_language_model_that_knows_its_text_by_heart_is_caught(folder, rng):
    vocabulary = [f"w{i:02d}" for i in range(100)]
    options = {"units": 96, "embedding_dim": 32, "window": 50, "dropout": 0.0, "batch_size": 8}
    found = {}
    for name, words, epochs in (("parrot", 400, 200), ("writer", 8000, 2)):
        (folder / f"{name}.txt").write_text(" ".join(rng.choice(vocabulary, words)))
        source = str(folder / f"{name}.txt")
        run = train("language-model", source, epochs=epochs, out=folder / name, **options)
        found[name] = run.config["audit"]
    assert found["parrot"]["metrics"]["copied"] > 0.1
    assert any("more of the samples than" in s for s in found["parrot"]["findings"])
    assert found["writer"]["metrics"]["copied"] < 0.05
    assert not any("more of the samples than" in s for s in found["writer"]["findings"])


# The commands, and their limits.


def test_the_command_prints_an_object(invoke, honest):
    result = invoke("audit", honest.folder, "-n", 100, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["model"] == "vae"
    assert found["metrics"]["samples"] == 100
    assert found["broken"] == []


@pytest.mark.slow
def test_a_limit_that_is_broken_exits_3(invoke, copier):
    result = invoke("audit", copier.folder, "-n", 200, "--max-copied", 0.01, "--max-auc", 0.6)
    assert result.exit_code == 3
    assert "The share of copied samples is" in result.stderr
    assert "membership inference is" in result.stderr


def test_a_limit_that_is_kept_exits_0(invoke, honest):
    result = invoke("audit", honest.folder, "-n", 200, "--max-copied", 0.01, "--max-auc", 0.6)
    assert result.exit_code == 0, result.output


def test_a_limit_that_cannot_be_checked_is_not_kept():
    (sentence,) = exceeded(Audit(), {"exposure": 5.0})
    assert "could not be measured" in sentence


@pytest.mark.slow
def test_no_audit_leaves_it_out(invoke, folder):
    result = invoke(
        "train",
        "vae",
        "--data",
        "digits",
        "--epochs",
        1,
        "--out",
        folder / "none",
        "--no-audit",
        "--quiet",
    )
    assert result.exit_code == 0, result.output
    assert "audit" not in load_run(folder / "none").config


def test_inspect_names_model_and_run(invoke, honest, tmp_path):
    result = invoke("sample", honest.folder, "-n", 4, "--seed", 1, "--out", tmp_path / "s.png")
    assert result.exit_code == 0, result.output
    result = invoke("inspect", tmp_path / "s.png", "--json")
    facts = json.loads(result.stdout)["provenance"]
    assert (facts["model"], facts["run"], facts["seed"]) == ("vae", "honest", 1)
    assert invoke("inspect", honest.folder / "model.keras").exit_code == 1
    history = json.loads(invoke("inspect", honest.folder / "history.csv", "--json").stdout)
    assert "provenance" not in history  # a table that was not generated by a model
    assert json.loads(invoke("inspect", honest.folder, "--json").stdout)["model"] == "vae"


# Bad input: one sentence, and nothing is lost.


@pytest.mark.slow
def test_a_run_whose_data_are_gone_is_audited_as_far_as_can_be(folder, digits, honest):
    path = folder / "gone.npz"
    np.savez(path, **few(digits, 100))
    run = train("vae", str(path), epochs=1, out=folder / "gone", audit=False)
    path.unlink()
    found = audit_run(run, n=50)
    assert found.metrics["samples"] == 50
    assert "not available" in found.unchecked[0]
    with pytest.raises(ValueError, match=r"gone\.npz"):
        audit_run(run, str(path))


@pytest.mark.slow
def test_data_that_changed_are_said_to_have(folder, digits, copier):
    np.savez(folder / "few.npz", **few(digits, 60))
    found = audit_run(copier, n=50)
    np.savez(folder / "few.npz", **few(digits, 50))
    assert "fingerprint has changed" in found.findings[0]
    assert "copied" in found.metrics


@pytest.mark.slow
def test_no_held_out_split_is_said(folder, digits):
    data = load_data(digits.train.x, validation=0, test=0)
    run = train("vae", data, epochs=1, out=folder / "all")
    found = run.config["audit"]
    assert "no held-out part" in found["unchecked"][0]
    assert "copied" in found["metrics"]


def test_a_column_that_does_not_exist_lists_those_that_do(invoke, honest):
    result = invoke("audit", honest.folder, "-n", 20, "--by", "speaker")
    assert result.exit_code == 1
    assert "label" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_speaker_on_both_sides_is_named(honest, digits):
    who = {"speaker": np.array(["ann", "theo"])}
    parts = {
        name: dataclasses.replace(
            getattr(digits, name).take(np.arange(100)),
            groups={"speaker": np.resize(who["speaker"][name == "test" :], 100)},
        )
        for name in ("train", "validation", "test")
    }
    data = dataclasses.replace(digits, **parts)
    found = audit_run(honest, data, n=20, group="speaker")
    assert any("speaker ann, theo" in sentence for sentence in found.findings)
    with pytest.raises(ValueError, match="Received: group='author'"):
        audit_run(honest, data, n=20, group="author")


@pytest.mark.slow
def test_what_was_dropped_is_dropped_again(folder, digits):
    messy = few(digits, 300)
    messy["x_train"] = messy["x_train"].copy()
    messy["x_train"][:20] = messy["x_test"][:20]
    np.savez(folder / "messy.npz", **messy)
    run = train("vae", str(folder / "messy.npz"), epochs=1, drop=["leaks"], out=folder / "messy")
    assert run.config["audit"]["metrics"]["held_out_in_training"] == 0
    assert audit_run(run, n=20).metrics["held_out_in_training"] == 0
    assert "Taken out of the training part: leaks." in (run.folder / "MODEL_CARD.md").read_text()


# The card.


@pytest.mark.slow
def test_the_hubs_own_library_reads_the_card(copier, invoke):
    hub = pytest.importorskip("huggingface_hub")
    assert invoke("evaluate", copier.folder).exit_code == 0
    card = hub.ModelCard.load(copier.folder / "MODEL_CARD.md")
    assert card.data.library_name == "keras"
    assert card.data.pipeline_tag == "unconditional-image-generation"
    names = [result.metric_type for result in card.data.eval_results]
    assert "negative_elbo" in names
    text = card.content
    assert "Licence of the data: bsd-3-clause" in text
    assert "Work that must be original" in text
    assert str(copier.folder.parent) not in text  # cards are shared; paths are private
    headings = [i for i, line in enumerate(text.splitlines()) if line.startswith("#")]
    lines = text.splitlines()
    for i in headings:
        rest = [line for line in lines[i + 1 :] if line]
        assert rest, f"nothing under {lines[i]}"
        assert not rest[0].startswith("#"), f"nothing under {lines[i]}"


def test_a_licence_that_nobody_gave_is_not_stated(honest):
    assert "not stated" in (honest.folder / "MODEL_CARD.md").read_text()
