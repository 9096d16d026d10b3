"""The commands that use a latent code: compress, decompress, sample --between, predict."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from genai_basics.cli.main import cli


def command(*arguments, code=0):
    """Run a command and return its output."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with runs and pictures."""
    folder = tmp_path_factory.mktemp("latent")
    digits = ("--data", "digits")
    small = ("--quiet", "--epochs", 1, "--set", "hidden_units=(32,)", "--no-audit")
    command("train", "autoencoder", *digits, "--rate", 0.01, "--out", folder / "codec", *small)
    command("train", "vae", *digits, "--out", folder / "vae", *small)
    command("train", "text-vae", "--quiet", "--epochs", 1, "--limit", 200, "--set", "units=8",
            "--no-audit", "--out", folder / "text")  # fmt: skip
    rng = np.random.default_rng(0)
    (folder / "pictures").mkdir()
    for i, size in enumerate([(8, 8), (8, 8), (21, 13)]):
        Image.fromarray(rng.integers(0, 256, size).astype("uint8")).save(
            folder / "pictures" / f"p{i}.png"
        )
    return folder


@pytest.mark.slow
def test_pictures_go_into_one_file_and_come_back(folder, tmp_path):
    file, out = tmp_path / "all.gbac", tmp_path / "again"
    said = json.loads(
        command("compress", folder / "codec", folder / "pictures", "--out", file, "--json")
    )
    assert said["n"] == 3
    assert said["bytes"] == file.stat().st_size
    command("decompress", folder / "codec", file, "--out", out)
    assert sorted(path.name for path in out.iterdir()) == ["p0.png", "p1.png", "p2.png"]
    assert Image.open(out / "p2.png").size == (13, 21)
    assert "--force" in command("decompress", folder / "codec", file, "--out", out, code=1)
    file.write_bytes(file.read_bytes()[:-3])
    said = command("decompress", folder / "codec", file, "--out", tmp_path / "cut", code=1)
    assert "cut off" in said
    assert not (tmp_path / "cut").exists()


@pytest.mark.slow
def test_what_does_not_compress_says_so(folder, tmp_path):
    said = command("compress", folder / "vae", folder / "pictures", "--out", tmp_path / "x", code=1)
    assert "does not compress" in said


@pytest.mark.slow
def test_a_strip_leads_from_one_picture_to_another(folder, tmp_path):
    ends = folder / "pictures" / "p0.png", folder / "pictures" / "p1.png"
    for name in ("strip.png", "strip.gif"):
        command("sample", folder / "vae", "--between", *ends, "-n", 5, "--out", tmp_path / name)
    width, height = Image.open(tmp_path / "strip.png").size
    assert width > 4 * height
    assert Image.open(tmp_path / "strip.gif").n_frames == 8
    lines = command("sample", folder / "text", "--between", "Wien", "Berlin", "-n", 4)
    assert len(lines.strip("\n").split("\n")) == 4
    said = command("sample", folder / "vae", "--between", *ends, "-n", 1, code=2)
    assert "2 or more" in said
    many = folder / "pictures", folder / "pictures"
    said = command(
        "sample", folder / "vae", "--between", *many, "--out", tmp_path / "x.png", code=1
    )
    assert "takes two inputs. Received: 6" in said


@pytest.mark.slow
def test_new_texts_are_none_of_the_training_texts(folder, tmp_path):
    (tmp_path / "pairs.txt").write_text("aa\nab\nba\nbb\n" * 20)
    command("train", "text-vae", "--data", tmp_path / "pairs.txt", "--out", tmp_path / "run",
            "--quiet", "--epochs", 1, "--set", "units=8", "--no-audit")  # fmt: skip
    draw = ("sample", tmp_path / "run", "-n", 50, "--seed", 1, "--json")
    pairs = {"aa", "ab", "ba", "bb"}
    assert pairs & set(json.loads(command(*draw)))
    assert set(json.loads(command(*draw, "--new"))) <= {"", "a", "b"}  # nor are held-out texts new
    assert "vae takes no --new" in command("sample", folder / "vae", "--new", code=2)


@pytest.mark.slow
def test_a_larger_picture_keeps_its_size(folder, tmp_path):
    out = tmp_path / "again.png"
    command("predict", folder / "codec", folder / "pictures" / "p2.png", "--out", out)
    assert Image.open(out).size == (13, 21)


@pytest.mark.slow
def test_evaluate_reports_what_the_field_does(folder):
    found = json.loads(command("evaluate", folder / "vae", "--json"))["metrics"]
    assert {"negative_elbo", "iwae_500", "active_units", "kl"} <= set(found)
    found = json.loads(command("evaluate", folder / "codec", "--json"))["metrics"]
    assert {"psnr", "ssim", "bits_per_number"} <= set(found)
    found = json.loads(command("evaluate", folder / "text", "--json"))["metrics"]
    assert {"exact_reconstructions", "nats_per_character"} <= set(found)
