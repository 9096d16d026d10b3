"""`backend`: training in several processes, and how they divide a batch."""

import json
import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from genai_basics import backend, train
from genai_basics.backend import strategies
from genai_basics.cli.main import cli

TINY = {
    "mlp": {"hidden_units": (16,), "dropout": 0.0, "normalize": False},
    "vae": {"hidden_units": (16,), "latent_dim": 2},
}
SHORT = {"epochs": 2, "batch_size": 20, "audit": False, "data_options": {"limit": 200}}
COMMAND = f"""
import sys
from pathlib import Path
import keras
import numpy as np
from genai_basics import train

folder, rank = Path(sys.argv[1]), sys.argv[2]

class Keep(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        weights = [keras.ops.convert_to_numpy(v) for v in self.model.trainable_variables]
        np.savez(folder / f"{{self.model.name}}-{{rank}}", *weights)

for name, options in {TINY}.items():
    out = folder / f"worker{{rank}}" / name
    options |= {SHORT} | {{"out": out, "strategy": "multiworker", "callbacks": [Keep()]}}
    run = train(name, "digits", **options)
    print(run.folder, run.config["status"])
"""


def free_ports(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def environment(rank, addresses):
    task = {"type": "worker", "index": rank}
    config = {"cluster": {"worker": addresses}, "task": task}
    return {**os.environ, "TF_CONFIG": json.dumps(config), "CUDA_VISIBLE_DEVICES": "-1"}


@pytest.mark.slow
def test_two_processes_train_one_model_and_the_first_writes_it(tmp_path):
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(tmp_path), str(rank)],
            env=environment(rank, addresses),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        ends = [process.communicate(timeout=300) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, errors) in zip(processes, ends, strict=True):
        assert process.returncode == 0, errors
    runs = [tmp_path / "worker0" / name for name in TINY]
    for (printed, _), status in zip(ends, ("finished", "followed"), strict=True):
        assert printed.splitlines() == [f"{folder} {status}" for folder in runs]
    assert not (tmp_path / "worker1").exists()

    for name in TINY:
        with np.load(tmp_path / f"{name}-0.npz") as a, np.load(tmp_path / f"{name}-1.npz") as b:
            assert len(a.files) > 3
            for key in a.files:
                assert np.isfinite(a[key]).all()
                np.testing.assert_array_equal(a[key], b[key])
        losses = np.loadtxt(tmp_path / "worker0" / name / "history.csv", delimiter=",", dtype=str)
        first, last = (float(row[list(losses[0]).index("loss")]) for row in losses[1:])
        assert last < first < np.inf

    # Without noise and batch normalization, two workers take the same steps as one.
    alone = train("mlp", "digits", out=tmp_path / "alone", **TINY["mlp"], **SHORT)
    with np.load(tmp_path / "mlp-0.npz") as together:
        for key, variable in zip(together.files, alone.model.trainable_variables, strict=True):
            np.testing.assert_allclose(together[key], backend.value_of(variable), atol=1e-4)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}'],
)
def test_a_process_without_a_place_among_workers_is_one_sentence(text, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    command = ["train", "vae", "--strategy", "multiworker", "--out", str(tmp_path / "r")]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 1
    assert "TF_CONFIG" in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert not (tmp_path / "r").exists()


def test_workers_take_each_example_once_in_the_order_of_one(monkeypatch):
    def epoch():
        pipeline = backend.batches((np.arange(24),), 6, seed=3, training=True).take(4)
        return [np.asarray(batch[0]) for batch in pipeline]

    whole, parts = epoch(), []
    for rank in range(3):
        team = SimpleNamespace(rank=rank, size=3)
        monkeypatch.setattr(strategies._Workers, "current", team)
        parts.append(epoch())
    for batch, *shares in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(batch, np.stack(shares, axis=1).ravel())
    assert sorted(np.concatenate(whole)) == list(range(24))


def test_batches_of_like_lengths_hold_every_example_once_in_random_order():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 50, 200)

    def drawn(seed, start=0, steps=50):
        pipeline = backend.batches(
            (np.arange(200),), 8, seed=seed, start=start, training=True, lengths=lengths
        )
        return [batch[0].numpy() for batch in pipeline.take(steps)]

    first, second = drawn(3)[:25], drawn(3)[25:]
    for epoch in (first, second):
        assert sorted(np.concatenate(epoch)) == list(range(200))
        assert np.mean([np.ptp(lengths[batch]) for batch in epoch]) < 3  # random batches: 40
    assert {tuple(sorted(b)) for b in first} != {tuple(sorted(b)) for b in second}
    means = [lengths[batch].mean() for batch in first]
    assert abs(np.corrcoef(means, np.arange(25))[0, 1]) < 0.5  # not sorted from short to long
    np.testing.assert_array_equal(np.stack(drawn(3)[7:20]), np.stack(drawn(3, 7, 13)))


def test_every_example_has_its_turn_where_some_are_left_over():
    pipeline = backend.batches((np.arange(23),), 5, seed=0, training=True, lengths=np.arange(23))
    seen = np.concatenate([batch[0].numpy() for batch in pipeline.take(40)])
    assert set(seen) == set(range(23))


def test_private_training_takes_one_process(monkeypatch, tmp_path):
    monkeypatch.setattr(strategies, "_workers", lambda: SimpleNamespace(rank=0, size=1))
    with pytest.raises(ValueError, match="takes one process"):
        train("vae", strategy="multiworker", dp_noise=1.0, audit=False, out=tmp_path / "r")
