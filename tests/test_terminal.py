"""Poor terminals and full disks: the run is kept, and what is missing is one sentence."""

import base64
import errno
import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from genai_basics.cli.inline import show_picture
from genai_basics.cli.main import cli
from genai_basics.cli.progress import Line
from genai_basics.plotting import style
from genai_basics.runs import load_run

ARGUMENTS = ["train", "vae", "--data", "digits", "--epochs", "1", "--no-audit"]
TINY = ["--set", "latent_dim=2", "--set", "hidden_units=(16,)"]


def test_letters_that_the_terminal_lacks_are_replaced(tmp_path, monkeypatch):
    lines = [f"{i},{'Málaga' if i % 2 else 'Łódź'}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["size,town", *lines]), encoding="utf-8")
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", terminal)
    cli.main(["inspect", str(tmp_path / "t.csv"), "--target", "town"], standalone_mode=False)
    terminal.flush()
    assert "classes: Málaga 30, ?ód? 30" in terminal.buffer.getvalue().decode("latin-1")


def test_the_progress_line_fits_into_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    terminal = io.StringIO()
    Line(terminal).write(" 40%  loss 0.5  frechet distance 12.34  10:40 left")
    assert len(terminal.getvalue().strip("\r")) == 39


@pytest.mark.parametrize(
    ("environment", "pattern"),
    [
        ({"TERM": "xterm-kitty"}, r"(?:\x1b_G[^;]*m=[01];([^\x1b]{,4096})\x1b\\)+\n"),
        ({"TERM_PROGRAM": "iTerm.app"}, r"\x1b\]1337;File=inline=1;width=80:([^\a]+)\a\n"),
        ({"TERM": "xterm-256color"}, ""),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "iTerm.app"}, ""),
    ],
)
def test_a_picture_is_shown_where_the_terminal_can(environment, pattern, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    data = np.random.default_rng(0).bytes(9000)
    (tmp_path / "a.png").write_bytes(data)
    terminal = io.StringIO()
    assert not show_picture(tmp_path / "a.png", terminal, environment)  # it is no terminal
    terminal.isatty = lambda: True
    assert show_picture(tmp_path / "a.png", terminal, environment) == bool(pattern)
    assert re.fullmatch(pattern, terminal.getvalue())
    sent = re.findall(r"[;:]([A-Za-z0-9+/=]{50,})", terminal.getvalue())
    assert base64.b64decode("".join(sent)) == (data if pattern else b"")


@pytest.mark.slow
def test_a_disk_that_is_full_at_the_pictures_costs_only_them(tmp_path, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(style, "replacing", full)
    run = tmp_path / "run"
    result = CliRunner().invoke(cli, [*ARGUMENTS, *TINY, "--out", str(run)])
    assert result.exit_code == 0, result.output
    for said in ("its curves or samples are not written", "no examples are drawn"):
        assert sum(said in line for line in result.output.splitlines()) == 1
    assert load_run(run).config["status"] == "finished"
    assert load_run(run).model.sample(1).shape == (1, 8, 8, 1)


@pytest.mark.slow
def test_a_poor_terminal_gets_a_whole_run_without_messages_of_others(tmp_path):
    poor = {"COLUMNS": "40", "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    poor |= {"TERM": "dumb", "MPLCONFIGDIR": "/dev/null/none"}
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"} | poor
    command = [sys.executable, "-m", "genai_basics", "train", "text-vae", "--epochs", "1"]
    command += ["--no-audit", "--set", "units=8", "--out", str(tmp_path / "run")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "Try next" in done.stdout
    assert json.loads((tmp_path / "run/config.json").read_text())["status"] == "finished"
    assert (tmp_path / "run/examples.png").exists()
