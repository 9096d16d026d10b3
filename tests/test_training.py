"""`train` and run folders: budgets, checkpoints, resuming, errors."""

import csv
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from genai_basics import load_data, load_run, train
from genai_basics.runs import Interrupted
from genai_basics.runs.pace import Pace

TINY = {"latent_dim": 2, "hidden_units": (16,)}
QUICK = {"batch_size": 64, "audit": False, **TINY}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return train("vae", "digits", epochs=3, out=tmp_path_factory.mktemp("a") / "vae", **QUICK)


def test_a_run_folder_holds_all_of_a_run(run):
    names = {path.name for path in run.folder.iterdir()}
    assert {"model.keras", "config.json", "history.csv", "curves.png", "samples.png"} <= names
    assert {"MODEL_CARD.md", "samples", "checkpoints"} <= names
    assert run.config["status"] == "finished"
    assert [row["epoch"] for row in run.history] == [1, 2, 3]
    assert run.config["data"]["sizes"] == [1455, 162, 180]


def test_a_budget_that_holds_too_few_steps_is_said():
    pictures = SimpleNamespace(shape=(64, 64, 3))
    model = SimpleNamespace(steps_needed=lambda: 20_480, preprocessor=pictures)
    pace = Pace(minutes=10, spent=lambda: 60.0)
    pace.set_model(model)
    with pytest.warns(UserWarning, match="about 640 steps fit into 10 minutes here") as caught:
        pace.say(speed=1.19)
    assert "64x64 need about 20,000: try a smaller --image-size (32)" in str(caught[0].message)
    pace.say(speed=30.0)  # enough
    model.steps_needed = lambda: None
    pace.say(speed=0.1)
    assert len(caught) == 1


def test_a_run_is_loaded_with_its_model_and_its_data(run):
    again = load_run(run.folder)
    np.testing.assert_array_equal(again.model.sample(4, seed=1), run.model.sample(4, seed=1))
    data = again.data()
    assert data.fingerprint == run.config["data"]["fingerprint"]
    np.testing.assert_array_equal(data.test.x, load_data("digits").test.x)


def test_nothing_is_overwritten_unasked(run):
    with pytest.raises(FileExistsError, match=r"--resume.*--force"):
        train("vae", "digits", epochs=1, out=run.folder, **QUICK)


class Stop:
    """Stops training in a given round, as Ctrl-C does."""

    def __new__(cls, rounds):
        import keras

        class Callback(keras.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == rounds:
                    raise KeyboardInterrupt

        return Callback()


def test_ctrl_c_leaves_a_usable_run(tmp_path):
    with pytest.raises(Interrupted) as stop:
        train("vae", "digits", epochs=9, out=tmp_path / "r", callbacks=[Stop(2)], **QUICK)
    run = load_run(stop.value.run.folder)
    assert run.config["status"] == "interrupted"
    assert run.model.sample(2, seed=0).shape == (2, 8, 8, 1)
    run = train("vae", out=tmp_path / "r", resume=True)
    assert run.config["status"] == "finished"
    assert run.history[-1]["epoch"] == 9


COMMAND = """
import sys
from genai_basics import train
from genai_basics.runs.recorder import Recorder
Recorder.spacing = 0.0
folder, kill, resume = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "resume"
import keras, os, signal
class Kill(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations == kill:
            os.kill(os.getpid(), signal.SIGKILL)
if resume:
    train("vae", out=folder, resume=True)
else:
    train("vae", "digits", epochs=6, out=folder, deterministic=True, batch_size=64, audit=False,
          latent_dim=2, hidden_units=(16,), callbacks=[Kill()] if kill else [])
"""


@pytest.mark.slow
def test_killed_and_resumed_is_bit_for_bit_the_run_never_interrupted(tmp_path):
    def process(folder, kill=0, resume=""):
        command = [sys.executable, "-c", COMMAND, str(tmp_path / folder), str(kill), resume]
        return subprocess.run(command, capture_output=True, text=True)

    assert process("whole").returncode == 0
    assert process("cut", kill=22 * 3 + 5).returncode == -signal.SIGKILL
    assert load_run(tmp_path / "cut").model.sample(1).shape == (1, 8, 8, 1)  # still usable
    done = process("cut", resume="resume")
    assert done.returncode == 0, done.stderr
    ends = [tmp_path / folder / "checkpoints/last.npz" for folder in ("whole", "cut")]
    with np.load(ends[0]) as a, np.load(ends[1]) as b:
        assert set(a.files) == set(b.files)
        for name in a.files:
            if not name.endswith(".json"):
                np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    whole, cut = load_run(tmp_path / "whole"), load_run(tmp_path / "cut")
    drop = {"seconds"}
    rows = [
        [{k: v for k, v in r.items() if k not in drop} for r in h.history] for h in (whole, cut)
    ]
    assert rows[0] == rows[1]
    np.testing.assert_array_equal(whole.model.sample(9, seed=3), cut.model.sample(9, seed=3))


def test_a_budget_of_minutes_is_kept_and_ends_the_schedule(tmp_path):
    began = time.monotonic()
    run = train("vae", "digits", minutes=0.1, out=tmp_path / "r", **QUICK)
    assert run.config["seconds"] == pytest.approx(6.0, rel=0.1)
    assert time.monotonic() - began < 30
    assert run.history[-1]["progress"] > 0.97
    assert run.history[-1]["learning_rate"] < 1e-4


def test_data_that_changed_are_not_resumed(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (90, 8, 8), dtype="uint8")
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(Interrupted):
        train("vae", tmp_path / "x.npy", epochs=3, out=tmp_path / "r", callbacks=[Stop(1)], **QUICK)
    np.save(tmp_path / "x.npy", x[:80])
    with pytest.raises(ValueError, match=r"data have changed.*--from"):
        train("vae", out=tmp_path / "r", resume=True)


def test_training_starts_from_another_run(run, tmp_path):
    again = train("vae", "digits", epochs=1, out=tmp_path / "r", start_from=run.folder, **QUICK)
    assert again.history[0]["loss"] < run.history[0]["loss"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latent_dim": 3}, "its own `latent_dim`.*latent_dim=3"),
        ({"facts": ("num_classes",)}, "its own `num_classes`"),
    ],
)
def test_a_run_that_starts_from_another_keeps_its_model(run, arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        train("vae", "digits", epochs=1, out=tmp_path / "r", start_from=run.folder, **arguments)


def test_a_run_starts_from_one_of_its_own_kind_alone(run, tmp_path):
    with pytest.raises(ValueError, match="is a run of vae"):
        train("gan", epochs=1, out=tmp_path / "r", start_from=run.folder)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("arguments", [{"batch_size": 32}, {"latent_dim": 3}, {"dp_noise": 1.0}])
def test_what_cannot_change_any_more_is_refused_in_resuming(run, arguments):
    with pytest.raises(ValueError, match=f"goes on with its own `{next(iter(arguments))}`"):
        train("vae", out=run.folder, resume=True, **arguments)


def test_a_run_that_learns_nothing_leaves_what_was_there(tmp_path):
    def fail():
        raise RuntimeError("no memory")

    earlier = train("vae", "digits", epochs=1, out=tmp_path / "r", **QUICK)
    before = {p: p.read_bytes() for p in earlier.folder.rglob("*") if p.is_file()}
    stop = Stop(0)
    stop.on_epoch_begin = lambda epoch, logs=None: fail()
    for folder in ("r", "new"):
        with pytest.raises(RuntimeError, match="no memory"):
            train(
                "vae",
                "digits",
                epochs=2,
                out=tmp_path / folder,
                force=True,
                callbacks=[stop],
                **QUICK,
            )
    assert {p: p.read_bytes() for p in earlier.folder.rglob("*") if p.is_file()} == before
    assert not (tmp_path / "new").exists()


def test_mirrored_over_one_device_trains(tmp_path):
    run = train("vae", "digits", epochs=1, out=tmp_path / "r", strategy="mirrored", **QUICK)
    assert np.isfinite(run.history[-1]["loss"])


def test_mixed_precision_trains_and_samples(tmp_path):
    import keras

    policy = keras.config.dtype_policy()
    try:
        run = train(
            "vae", "digits", epochs=1, out=tmp_path / "r", precision="mixed_bfloat16", **QUICK
        )
        assert run.model.sample(2, seed=0).dtype == np.uint8
    finally:
        keras.config.set_dtype_policy(policy)


def test_a_budget_that_ends_before_the_first_step_is_no_finished_run(tmp_path):
    with pytest.warns(UserWarning, match="ended before the first step: preparing took"):
        run = train("vae", "digits", minutes=1e-4, out=tmp_path / "r", **QUICK)
    assert (run.config["status"], run.config["steps"]) == ("budget too short", 0)
    with pytest.warns(UserWarning, match="it has learned nothing yet; `train vae --resume"):
        assert load_run(run.folder).model.can_sample
    again = train("vae", out=tmp_path / "r", resume=True, epochs=1)
    assert again.config["status"] == "finished"


def test_python_takes_arrays_and_says_that_a_run_does_not_keep_them(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype="uint8")
    run = train("vae", x, epochs=1, out=tmp_path / "r", **QUICK)
    with pytest.raises(ValueError, match="trained on arrays"):
        load_run(run.folder).data()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 1, "minutes": 1}, "not both"),
        ({"minutes": -1}, "minutes=-1"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"latent_dims": 3}, "did you mean latent_dim"),
        ({"latent_dim": 0}, "latent_dim=0"),
        ({"latent_dim": "many"}, "is a whole number. Received: latent_dim='many'"),
        ({"latent_dim": 2.5}, "is a whole number"),
        ({"beta": "1,0"}, "is a number"),
        ({"facts": ("sample_rate",)}, "no sample rate"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_leaves_no_folder(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        train("vae", out=tmp_path / "r", **arguments)
    assert not (tmp_path / "r").exists()


def test_a_folder_that_is_no_run_and_a_damaged_one_say_so(run, tmp_path):
    with pytest.raises(ValueError, match="not a run folder"):
        load_run(tmp_path)
    with pytest.raises(ValueError, match="not a folder"):
        load_run(tmp_path / "none")
    (tmp_path / "config.json").write_bytes((run.folder / "config.json").read_bytes())
    (tmp_path / "model.keras").write_bytes((run.folder / "model.keras").read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"model\.keras' is damaged"):
        _ = load_run(tmp_path).model
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config\.json' is damaged"):
        load_run(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="cannot be written"):
        train("vae", "digits", epochs=1, out=tmp_path / "r", **QUICK)


def test_an_out_that_is_a_file_or_lies_under_one_is_refused_and_kept(tmp_path):
    (tmp_path / "f").write_text("mine")
    with pytest.raises(FileExistsError, match="is a file"):
        train("vae", "digits", epochs=1, out=tmp_path / "f", **QUICK)
    with pytest.raises(OSError, match="cannot be written"):
        train("vae", "digits", epochs=1, out=tmp_path / "f" / "r", **QUICK)
    assert (tmp_path / "f").read_text() == "mine"


def test_fewer_pictures_than_a_batch_train(tmp_path):
    x = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 1), dtype="uint8")
    run = train("vae", x, epochs=1, out=tmp_path / "r", batch_size=500, audit=False, **TINY)
    assert run.history[-1]["step"] == 1


def test_history_is_a_table(run):
    with open(run.folder / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [22, 44, 66]
