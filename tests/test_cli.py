"""The commands: with Click's runner and in a real process; help without TensorFlow."""

import io
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from genai_basics.cli import options
from genai_basics.cli.main import cli
from genai_basics.cli.progress import Line
from genai_basics.cli.train import GROUPS, summarize
from genai_basics.recipes import RECIPES
from genai_basics.runs import load_run

TINY = ["--set", "latent_dim=2", "--set", "hidden_units=(16,)", "--batch-size", 64, "--no-audit"]


def invoke(*args, input=None):
    return CliRunner().invoke(cli, [str(arg) for arg in args], input=input)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "vae"
    result = invoke("train", "vae", "--data", "digits", "--epochs", 2, "--out", folder, *TINY)
    assert result.exit_code == 0, result.output
    return folder


def commands(group=cli, path=()):
    """Yield (path, command) of all commands, including the models of `train`."""
    for name in group.list_commands(None):
        command = group.get_command(click.Context(group), name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(("path", "command"), commands(), ids=lambda value: str(value))
def test_every_command_has_help_with_an_example(path, command):
    result = invoke(*path, "--help")
    assert result.exit_code == 0
    assert "Example:" in result.output


QUIET = ["tensorflow", "keras", "matplotlib", "sklearn", "scipy"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["list"],
        ["list", "vae"],
        ["train", "vae", "--help"],
        ["train", "vae", "--help-model"],
        ["train", "nothing"],
        ["train", "vae", "--set", "latent_dims=3"],
        ["train", "vae", "--data", "digits", "--epochs", "none"],
        ["sample", "no/such/run"],
    ],
    ids=" ".join,
)
def test_help_and_usage_errors_load_no_heavy_module(arguments):
    code = (
        "import sys\nfrom genai_basics.cli.main import cli\n"
        "try:\n    cli(sys.argv[1:])\n"
        f"finally:\n    print([m for m in {QUIET} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stdout
    assert "Traceback" not in done.stderr


def test_a_mistake_about_the_data_is_said_before_tensorflow_loads(tmp_path):
    lines = [f"{i},{'ab'[i % 2]}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["size,label", *lines]))
    code = (
        "import sys\nfrom genai_basics.cli.main import cli\n"
        "try:\n    cli(sys.argv[1:])\n"
        f"finally:\n    print([m for m in {QUIET[:2]} if m in sys.modules])"
    )
    arguments = ["train", "mlp", "--data", str(tmp_path / "t.csv"), "--target", "lable"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.stdout == "[]\n"
    assert done.returncode == 1
    assert "has no column 'lable'; its columns are size, label" in done.stderr


def test_a_reader_that_has_read_enough_is_no_error():
    program = [sys.executable, "-m", "genai_basics", "list", "cnn"]
    done = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done.stdout.close()  # as `head` does
    assert done.stderr.read() == b""
    done.wait()


@pytest.mark.slow
def test_the_installed_program_trains_samples_and_evaluates(tmp_path):
    def program(*args):
        command = [sys.executable, "-m", "genai_basics", *map(str, args)]
        environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    done = program("train", "vae", "--data", "digits", "--epochs", 1, *TINY)
    assert done.returncode == 0, done.stderr
    assert "runs/vae/samples.png" in done.stdout
    assert done.stderr == ""  # none of TensorFlow's messages
    done = program("sample", "runs/vae", "-n", 5, "--seed", 1, "--out", "s.npy")
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "s.npy").shape == (5, 8, 8, 1)
    done = program("evaluate", "runs/vae", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"model", "data", "n", "metrics", "intervals"}


def test_the_end_of_a_training_shows_examples_and_what_to_try(run, capsys):
    summarize(load_run(run), None)
    said = capsys.readouterr().out
    assert f"{run}/examples.png" in said
    assert f"genai-basics sample {run} -n 16 --seed 1\n" in said
    assert (run / "examples.png").exists()


def test_the_time_left_does_not_count_the_start():
    model = SimpleNamespace(progress=np.array(0.0), monitor="-val_accuracy")
    times, terminal = iter([100.0, 110.0, 120.0]), io.StringIO()
    line = Line(terminal, lambda: next(times))
    line.set_model(model)
    line.on_train_begin()
    assert "compiling" in terminal.getvalue()
    for progress in (0.1, 0.2, 0.4):
        line.model.progress = np.array(progress)
        line.on_train_batch_end(0, {"loss": 0.5})
        line.on_epoch_end(0, {"val_accuracy": 0.75})
    last = terminal.getvalue().split("\r")[-2].rstrip()
    assert last == " 40%  loss 0.5  accuracy 0.75  0:40 left"


def test_options_are_listed_in_groups_of_known_names():
    said = invoke("train", "vae", "--help").output
    assert [said.index(f"\n{title}:") for title in GROUPS] == sorted(
        said.index(f"\n{title}:") for title in GROUPS
    )
    known = {p.name for p in cli.commands["train"].get_command(None, "vae").params}
    named = {name for names in GROUPS.values() for name in names}
    assert named - known == {"_click_default_help"}


@pytest.mark.slow
def test_train_reports_as_json(tmp_path):
    result = invoke(
        "train", "vae", "--data", "digits", "--epochs", 1, "--out", tmp_path / "r", "--json", *TINY
    )
    facts = json.loads(result.stdout)
    assert facts["status"] == "finished"
    assert facts["validation"]["kl"] >= 0


def test_json_holds_no_nan(capsys):
    options.echo_json({"a": [float("nan"), np.float32(1)], "b": np.inf, "c": np.arange(2)})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 1.0], "b": None, "c": [0, 1]}


def test_list_names_models_and_data():
    result = invoke("list")
    assert all(name in result.output for name in [*RECIPES, "digits", "mnist"])
    assert set(json.loads(invoke("list", "--json").output)["models"]) == set(RECIPES)
    assert "latent_dim=20" in invoke("list", "vae").output


@pytest.mark.parametrize("name", ["a.png", "a.npy", "a.npz", "folder"])
def test_sample_writes_what_the_ending_says_and_the_same_for_a_seed(run, tmp_path, name):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        result = invoke("sample", run, "-n", 4, "--seed", 3, "--out", tmp_path / folder / name)
        assert result.exit_code == 0, result.output
    one, two = (sorted((tmp_path / folder).rglob("*.*")) for folder in ("one", "two"))
    assert [path.name for path in one] == [path.name for path in two]
    for a, b in zip(one, two, strict=True):
        if a.suffix == ".png":
            np.testing.assert_array_equal(Image.open(a), Image.open(b))


def test_sample_refuses_what_the_model_has_not(run, tmp_path):
    result = invoke("sample", run, "--prompt", "once", "--out", tmp_path / "a.npy")
    assert result.exit_code == 2
    assert "vae takes no --prompt" in result.output
    result = invoke("sample", run, "--label", 3, "--out", tmp_path / "a.npy")
    assert result.exit_code == 1
    assert "without `num_classes`" in result.output
    assert not list(tmp_path.iterdir())


def test_a_conditional_model_is_one_option_away_and_samples_by_label(tmp_path):
    folder = tmp_path / "r"
    result = invoke(
        "train", "vae", "--data", "digits", "--conditional", "--epochs", 1, "--out", folder, *TINY
    )
    assert result.exit_code == 0, result.output
    result = invoke(
        "sample", folder, "-n", 4, "--label", 3, "--label", 7, "--out", tmp_path / "s.npz"
    )
    assert result.exit_code == 0, result.output
    with np.load(tmp_path / "s.npz") as arrays:
        assert arrays["labels"].tolist() in ([3, 7, 3, 7], ["3", "7", "3", "7"])
    word = ("--label", 3, "--label", 7, "--label", 3, "--out", tmp_path / "word.png")
    assert "3 samples" in invoke("sample", folder, *word).output
    width, height = Image.open(tmp_path / "word.png").size
    assert width > 2.5 * height


@pytest.mark.slow
def test_classes_named_by_numbers_are_asked_for_by_their_names(tmp_path):
    for name in ("1", "2", "30"):
        folder_of_pictures(tmp_path / "p" / name, n=12)
    folder = tmp_path / "r"
    arguments = ("--data", tmp_path / "p", "--conditional", "--epochs", 1, "--out", folder)
    assert invoke("train", "vae", *arguments, *TINY).exit_code == 0
    for label, index in (("1", 0), ("30", 2), ("0", 0)):
        out = tmp_path / f"{label}.npz"
        result = invoke("sample", folder, "-n", 2, "--label", label, "--out", out)
        assert result.exit_code == 0, result.output
        with np.load(out) as arrays:
            assert set(arrays["labels"]) == {index}


def test_predict_reconstructs_a_users_picture_of_any_size(run, tmp_path):
    Image.new("RGB", (50, 40), "white").save(tmp_path / "mine.png")
    out = tmp_path / "again.npy"
    result = invoke("predict", run, tmp_path / "mine.png", "--out", out)
    assert result.exit_code == 0, result.output
    assert np.load(out).shape == (1, 8, 8, 1)
    result = invoke("predict", run, tmp_path / "mine.png", "--json")
    assert "mean_absolute_error" in json.loads(result.stdout.splitlines()[-1])


def test_evaluate_writes_its_figures_into_the_card(run):
    result = invoke("evaluate", run)
    assert result.exit_code == 0, result.output
    assert "negative_elbo" in result.output
    assert "negative_elbo" in (run / "MODEL_CARD.md").read_text()
    assert (run / "reconstructions.png").exists()


@pytest.mark.slow
def test_other_data_without_a_test_part_count_whole(run, tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (5, 8, 8), "uint8")
    np.save(tmp_path / "others.npy", pictures)
    result = invoke("evaluate", run, "--data", tmp_path / "others.npy", "--json")
    assert json.loads(result.stdout)["n"] == 5
    assert (run / "reconstructions-others.png").exists()  # the run's own file is unchanged
    own = invoke("evaluate", run, "--data", "digits", "--json")
    assert json.loads(own.stdout)["n"] < 200  # the tenth that was held out


@pytest.mark.slow
def test_a_look_at_some_of_the_data_leaves_the_card_as_it_is(run):
    assert invoke("evaluate", run).exit_code == 0
    card = (run / "MODEL_CARD.md").read_text()
    assert invoke("evaluate", run, "--limit", 9).exit_code == 0
    assert (run / "MODEL_CARD.md").read_text() == card


def test_files_are_not_overwritten_unasked(run, tmp_path):
    path = tmp_path / "a.npy"
    path.write_text("mine")
    result = invoke("sample", run, "--out", path)
    assert result.exit_code == 1
    assert "--force" in result.output
    assert path.read_text() == "mine"
    assert invoke("sample", run, "--out", path, "--force").exit_code == 0
    result = invoke("sample", run, "--out", tmp_path)
    assert result.exit_code == 1
    assert "not empty" in result.output
    assert not list(tmp_path.glob("*.png"))
    result = invoke("train", "vae", "--out", run)
    assert result.exit_code == 1
    assert "--resume" in result.output


def folder_of_pictures(folder, sizes=((8, 8),), n=30):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(n):
        pixels = rng.integers(0, 256, sizes[i % len(sizes)], dtype="uint8")
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return folder


def bad_data(tmp_path):
    """Yield (name, path, words of the message) of data that cannot be trained on."""
    (tmp_path / "empty").mkdir()
    yield "empty", tmp_path / "empty", "empty"
    yield "missing", tmp_path / "missing.npz", "neither a file"
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.png").write_text("no picture")
    yield "texts", folder, "a.png"
    x = np.random.default_rng(0).random((40, 8, 8), dtype="float32")
    x[3, 2, 2] = np.nan
    np.save(tmp_path / "nan.npy", x)
    yield "nan", tmp_path / "nan.npy", "NaN"
    np.savez(tmp_path / "labels.npz", x_train=x[:5] * 0, y_train=np.arange(9))
    yield "labels", tmp_path / "labels.npz", "9"


@pytest.mark.parametrize("case", ["empty", "missing", "texts", "nan", "labels"])
def test_bad_data_is_one_sentence_and_exit_1(case, tmp_path):
    path, words = {name: rest for name, *rest in bad_data(tmp_path)}[case]
    result = invoke("train", "vae", "--data", path, "--out", tmp_path / "r", *TINY)
    assert result.exit_code == 1, result.output
    assert words in result.output
    assert len(result.output.strip().splitlines()) <= 2
    assert not (tmp_path / "r").exists()


def test_pictures_of_mixed_sizes_and_a_corrupt_one_train_with_a_warning(tmp_path):
    folder = folder_of_pictures(tmp_path / "p", ((8, 8), (8, 8), (9, 12)))
    (folder / "corrupt.png").write_bytes((folder / "0.png").read_bytes()[:40])
    result = invoke("train", "vae", "--data", folder, "--epochs", 1, "--out", tmp_path / "r", *TINY)
    assert result.exit_code == 0, result.output
    assert "corrupt.png" in result.output
    config = json.loads((tmp_path / "r/config.json").read_text())
    assert any("corrupt.png" in line for line in config["data"]["skipped"])
    result = invoke("train", "vae", "--data", folder, "--strict", "--out", tmp_path / "s", *TINY)
    assert result.exit_code == 1
    assert "corrupt.png" in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--set", "latent_dim=0"], 1, "latent_dim=0"),
        (["--set", "latent_dim=many"], 2, "is a whole number"),
        (["--set", "latent_dims=2"], 2, "did you mean latent_dim"),
        (["--set", "latent_dim"], 2, "key=value"),
        (["--epochs", "1", "--minutes", "1"], 2, "not both"),
        (["--minutes", "nan"], 2, "nan is not a number"),
        (["--kind", "sounds"], 1, "kind"),
        (["--data", "place_names"], 1, "vae takes images or vectors"),
    ],
)
def test_a_wrong_option_is_one_sentence(arguments, code, words, tmp_path):
    result = invoke("train", "vae", "--out", tmp_path / "r", *arguments)
    assert result.exit_code == code, result.output
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_run_that_is_none_and_a_truncated_model_are_named(run, tmp_path):
    result = invoke("sample", tmp_path, "--out", tmp_path / "s.npy")
    assert result.exit_code == 1
    assert "not a run folder" in result.output
    (tmp_path / "config.json").write_bytes((run / "config.json").read_bytes())
    (tmp_path / "model.keras").write_bytes((run / "model.keras").read_bytes()[:9000])
    result = invoke("sample", tmp_path, "--out", tmp_path / "s.npy")
    assert result.exit_code == 1
    assert "damaged" in result.output


def test_debug_shows_the_traceback(tmp_path):
    result = invoke("--debug", "sample", tmp_path, "--out", tmp_path / "s.npy")
    assert isinstance(result.exception, ValueError)
