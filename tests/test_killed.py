"""Training that is killed at any write leaves a valid run, or the previous one."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from unittest import mock

import keras
import numpy as np
import pytest

from benchmarks.reliability.kills import Moments, survey, weights
from genai_basics import load_run, train
from genai_basics.recipes import RECIPES
from genai_basics.runs import Interrupted, NotARunError
from genai_basics.runs.preparing import free_folder
from genai_basics.runs.recorder import Recorder
from genai_basics.runs.run_folder import locked

QUICK = {"batch_size": 64, "audit": False, "latent_dim": 2, "hidden_units": (8,)}
SMALL = {"data_options": {"limit": 128}, **QUICK}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Return copies, at each write, of a new run and of one with `--force`, and both final runs."""
    root = tmp_path_factory.mktemp("killed")
    whole, moments = root / "r", {}
    with mock.patch.object(Recorder, "spacing", 0.0):
        for name, options in (("new", {"seed": 1}), ("force", {"seed": 2, "force": True})):
            with Moments(whole, root / name) as taken:
                train("vae", epochs=3, out=whole, **options, **SMALL)
            moments[name] = taken.taken
            shutil.copytree(whole, root / f"{name}-end")
    return moments, root / "new-end", root / "force-end"


def assert_same(folder, other):
    a, b = weights(folder), weights(other)
    assert set(a) == set(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=f"{folder} {name}")


def seed_of(folder):
    return json.loads((folder / "config.json").read_text())["training"]["seed"]


def test_a_new_run_killed_at_any_write_is_absent_or_a_run(killed):
    moments, end, _ = killed
    assert len(moments["new"]) > 30
    for i, folder in enumerate(moments["new"]):
        if not (folder / "config.json").exists():
            with pytest.raises(NotARunError, match="not a run folder"):
                load_run(folder)
            continue
        run = load_run(folder)
        finished = run.config["status"] == "finished"
        if i % 4 == 0:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                assert run.model.latent_dim == 2
            assert finished == (not any("is not finished" in str(w.message) for w in said))
        assert not list(folder.rglob(".writing-*")) or finished
        if finished:
            assert_same(folder, end)


def test_a_run_by_force_killed_at_any_write_is_the_earlier_or_the_new(killed):
    moments, earlier, end = killed
    seen = set()
    for folder in moments["force"]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run = load_run(folder)  # always one of the two
            seed = seed_of(folder)
            assert seed == run.config["training"]["seed"]
            seen.add((seed, run.config["status"]))
            if seed == 1:
                assert_same(folder, earlier)
                for name in ("config.json", "model.keras"):
                    assert (folder / name).read_bytes() == (earlier / name).read_bytes()
            elif run.config["status"] != "finished":
                assert (folder / ".before" / "model.keras").exists()
            else:
                assert_same(folder, end)
    assert seen == {(1, "finished"), (2, "running"), (2, "finished")}


@pytest.mark.slow
def test_one_killed_at_any_write_is_resumed_to_the_same_end(killed, tmp_path, monkeypatch):
    moments, end, _ = killed
    monkeypatch.setattr(Recorder, "spacing", 0.0)
    runs = [folder for folder in moments["new"] if (folder / "config.json").exists()]
    for i, folder in enumerate(runs[:: len(runs) // 3]):
        shutil.copytree(folder, tmp_path / str(i))
        run = train("vae", out=tmp_path / str(i), resume=True)
        assert run.config["status"] == "finished"
        assert [row["step"] for row in run.history] == [
            row["step"] for row in load_run(end).history
        ]
        assert_same(run.folder, end)


def failing(error, batch):
    """Return a callback that raises an error before a given batch of the first round."""

    class Callback(keras.callbacks.Callback):
        def on_train_batch_begin(self, number, logs=None):
            if number == batch:
                raise error

    return Callback()


@pytest.mark.slow
def test_ctrl_c_before_the_first_checkpoint_is_resumed_from_the_beginning(killed, tmp_path):
    _, end, _ = killed
    stop = failing(KeyboardInterrupt, 1)
    with pytest.raises(Interrupted):
        train("vae", epochs=3, out=tmp_path / "r", seed=1, callbacks=[stop], **SMALL)
    run = load_run(tmp_path / "r")
    assert (run.config["status"], run.step) == ("interrupted", 0)
    with pytest.warns(UserWarning, match="has learned nothing yet"):
        _ = run.model
    train("vae", out=tmp_path / "r", resume=True)
    assert_same(tmp_path / "r", end)


@pytest.mark.slow
def test_private_steps_are_counted_through_stops(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, number, logs=None):
            if self.model.private_steps == 5:
                raise KeyboardInterrupt

    private = {"dp_noise": 1.0, "batch_size": 32, "audit": False, "hidden_units": (4,)}
    options = {"out": tmp_path / "r", "epochs": 2, "normalize": False, "callbacks": [Stop()]}
    with pytest.raises(Interrupted):
        train("mlp", data_options={"limit": 128}, **options, **private)
    stopped = load_run(tmp_path / "r")
    assert stopped.config["privacy"]["parts"] == [[1.0, 0.25, stopped.model.private_steps]]
    run = train("mlp", out=tmp_path / "r", resume=True)
    steps = int(run.model.optimizer.iterations.numpy())
    assert steps == 8
    assert run.config["privacy"]["parts"] == [[1.0, 0.25, steps]]
    options = {**options, "out": tmp_path / "again", "callbacks": ()}
    again = train("mlp", start_from=run.folder, data_options={"limit": 128}, **options, **private)
    assert [part[2] for part in again.config["privacy"]["parts"]] == [8, 8]
    assert again.config["privacy"]["epsilon"] > run.config["privacy"]["epsilon"]


@pytest.mark.slow
def test_memory_that_is_short_halves_the_batch_once(tmp_path):
    class Short(keras.callbacks.Callback):
        sizes, most = (), 32

        def on_train_begin(self, logs=None):
            config = json.loads((tmp_path / "r" / "config.json").read_text())
            self.sizes += (config["training"]["batch_size"],)
            if self.sizes[-1] > self.most:
                raise MemoryError

    with pytest.warns(UserWarning, match="batch size of 64.*trying 32"):
        run = train("vae", epochs=1, out=tmp_path / "r", callbacks=[Short()], **SMALL)
    assert run.config["training"]["batch_size"] == 32
    Short.most = 8
    with pytest.raises(MemoryError, match="out of memory at a batch size of 32"):
        train("vae", epochs=1, out=tmp_path / "r", force=True, callbacks=[Short()], **SMALL)
    assert load_run(tmp_path / "r").config["status"] == "finished"  # the earlier run


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "nan", "parts"])
def test_a_damaged_checkpoint_falls_back_to_the_one_before(killed, damage, tmp_path):
    moments, end, _ = killed
    cut = next(f for f in moments["new"] if (f / "checkpoints/previous.npz").exists())
    shutil.copytree(cut, tmp_path / "r")
    last = tmp_path / "r" / "checkpoints" / "last.npz"
    if not last.exists():
        shutil.copy(last.with_name("previous.npz"), last)
    with np.load(last) as arrays:
        arrays = dict(arrays)
    if damage == "cut":
        last.write_bytes(last.read_bytes()[:-500])
    elif damage == "nan":
        name = next(n for n, a in arrays.items() if a.ndim == 2 and a.dtype == "float32")
        np.savez(last, **{**arrays, name: arrays[name] * np.nan})
    else:
        np.savez(last, **{n: a for n, a in arrays.items() if n != "optimizer0/3"})
    with pytest.warns(UserWarning, match=r"last\.npz' is damaged.*the one before"):
        train("vae", out=tmp_path / "r", resume=True)
    assert_same(tmp_path / "r", end)
    for path in last.parent.glob("*.npz"):
        path.write_bytes(b"")
    with pytest.raises(NotARunError, match=r"previous\.npz' is damaged"):
        train("vae", out=tmp_path / "r", resume=True, epochs=4)


def test_a_best_value_of_zero_is_remembered(killed, tmp_path):
    _, end, _ = killed
    recorder = Recorder(load_run(end), load_run(end).model, None, 1, 1)
    shutil.copytree(end, tmp_path / "r")
    recorder.run.folder = tmp_path / "r"
    recorder.restore()
    recorder.best_value, recorder.best = 0.0, None
    recorder.clock = type("Clock", (), {"elapsed": 1.0})
    (tmp_path / "r" / "checkpoints" / "best.npz").unlink()
    recorder.write()
    recorder.restore()
    assert recorder.best_value == 0.0


def test_a_folder_has_one_writer_and_the_second_is_told_who(killed, tmp_path):
    from click.testing import CliRunner

    from genai_basics.cli.main import cli

    _, end, _ = killed
    with locked(end):
        for arguments in (["--force"], ["--resume"]):
            done = CliRunner().invoke(cli, ["train", "vae", "--out", str(end), *arguments])
            assert done.exit_code == 1
            assert f"is being written by process {os.getpid()} on" in done.stderr
        done = CliRunner().invoke(cli, ["evaluate", str(end), "--json"])
        assert done.exit_code == 0
        assert json.loads(done.stdout)["metrics"]["negative_elbo"] > 0
        assert "what was measured is only printed" in done.stderr
    assert "test" not in load_run(end).config


def test_two_that_start_at_once_take_two_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [str(free_folder("vae")) for _ in range(2)] == ["runs/vae", "runs/vae-2"]


@pytest.mark.slow
def test_a_loss_that_is_not_finite_is_no_finished_run(tmp_path):
    from click.testing import CliRunner

    from genai_basics.cli.main import cli

    out = str(tmp_path / "r")
    command = ["train", "vae", "--limit", "128", "--set", "hidden_units=(8,)", "--epochs", "2"]
    command += ["--out", out, "--learning-rate", "1e30", "--no-audit"]
    assert CliRunner().invoke(cli, command).exit_code == 4
    assert load_run(out).config["status"] == "not finite"
    assert "Training ended early: not finite." in (tmp_path / "r" / "MODEL_CARD.md").read_text()
    done = CliRunner().invoke(cli, ["sample", out, "-n", "1", "--out", str(tmp_path / "x.png")])
    assert done.exit_code == 0
    assert "is not finished: its training stopped at a loss that was not finite" in done.stderr


SIGNALLED = """
import os, signal, sys, keras
from genai_basics import train
from genai_basics.runs import Interrupted
class Hang(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            os.kill(os.getpid(), getattr(signal, sys.argv[1]))
try:
    train("vae", epochs=3, out=sys.argv[2], audit=False, hidden_units=(8,), callbacks=[Hang()])
except Interrupted as stop:
    print(stop.run.config["status"], stop.run.step)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_signals_stop_a_training_as_ctrl_c_does(name, tmp_path):
    command = [sys.executable, "-c", SIGNALLED, name, str(tmp_path / "r")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.split() == ["interrupted", str(load_run(tmp_path / "r").step)], done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_each_model_survives_a_kill_at_any_write(name, tmp_path):
    found = survey(name, tmp_path, resumes=2)
    assert found["moments"] == found["absent"] + found["runs"]
    assert found["resumed"] == found["identical"] == 2
