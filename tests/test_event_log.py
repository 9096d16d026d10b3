"""Logs for TensorBoard hold the history, and samples as pictures, text or sound."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from genai_basics.runs import load_run, train
from genai_basics.runs.event_log import EventLog
from tests.stored import extract, train_stored


def events(run):
    """Return what a run has logged, as `{tag: [(step, array), ...]}`."""
    found = EventAccumulator(str(run.folder / "tensorboard"), {"tensors": 0})
    found.Reload()
    tags = {tag: found.Tensors(tag) for tag in found.Tags()["tensors"]}
    return {tag: [(e.step, make_ndarray(e.tensor_proto)) for e in es] for tag, es in tags.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gan", "mlp"])
def test_a_training_logs_its_history_and_what_the_model_makes(name, tmp_path):
    run = train_stored(name, tmp_path / "run", log="tensorboard")
    found = events(run)
    steps, losses = zip(*found["training/loss"], strict=True)
    assert losses == pytest.approx([row["loss"] for row in run.history])
    assert list(steps) == [row["step"] for row in run.history]
    assert "validation/loss" in found
    assert ("samples" in found) == run.model.can_sample
    for tag in {"examples", "samples"} & set(found):
        width, height, png = found[tag][0][1][:3]
        assert int(width) > 8 < int(height)
        assert png.startswith(b"\x89PNG")
    assert "examples" in found
    assert (run.folder / "history.csv").exists()


KINDS = {"video-gan": "image", "text-gan": "text", "music-gan": "audio", "forecaster": "histogram"}


@pytest.mark.parametrize("name", KINDS)
def test_samples_are_logged_in_the_form_of_their_kind(name, tmp_path):
    run = load_run(extract(name, tmp_path)[0])
    log = EventLog(run)
    log.samples(run.model.sample(3, seed=0), 7)
    log.events.flush()
    found = {tag: values for tag, values in events(run).items() if tag.startswith("samples")}
    assert found
    assert {step for values in found.values() for step, _ in values} == {7}
    if KINDS[name] == "text":
        assert found["samples"][0][1].item().decode().startswith("    ")


def test_an_unknown_log_and_a_missing_extra_are_named(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"`log` must be .tensorboard.\. Received: log='wandb'"):
        train("mlp", log="wandb", out=tmp_path / "run")
    import genai_basics.extras

    def missing(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(genai_basics.extras, "import_module", missing)
    with pytest.raises(ImportError, match=r"needs the package tensorboard.*genai_basics\[log\]"):
        train("mlp", log="tensorboard", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
