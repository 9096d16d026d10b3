"""The commands train, predict and evaluate, for each kind of data that predictors accept."""

import json
import warnings

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from scipy.io import wavfile

from genai_basics import load_data
from genai_basics.cli.main import cli

FAST = ["--epochs", 1, "--no-audit", "--quiet"]


def invoke(*args):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = CliRunner().invoke(cli, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def measured(run):
    return rows(invoke("evaluate", run, "--json"))[0]["metrics"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    run = tmp_path_factory.mktemp("cnn") / "run"
    invoke(
        "train",
        "cnn",
        "--data",
        "digits",
        "--limit",
        300,
        "--set",
        "filters=(8,8)",
        "--out",
        run,
        *FAST,
    )
    return run


@pytest.mark.slow
def test_pictures_of_another_size_and_mode_are_classified(pictures, tmp_path):
    Image.new("RGB", (31, 17), "white").save(tmp_path / "big.png")
    (row,) = rows(invoke("predict", pictures, tmp_path / "big.png", "--top", 3, "--json"))
    assert row["input"].endswith("big.png")
    assert row["label"] in "0123456789"
    assert row["probability"] >= row["probability_2"] >= row["probability_3"]


@pytest.mark.slow
def test_what_spoke_for_the_class_is_drawn(pictures, tmp_path):
    np.save(tmp_path / "x.npy", load_data("digits").test.x[:2])
    invoke("predict", pictures, tmp_path / "x.npy", "--explain", "--out", tmp_path / "why.png")
    assert Image.open(tmp_path / "why.png").size[0] > 8


@pytest.mark.slow
def test_evaluate_reports_intervals_and_draws_the_confusion(pictures):
    report = rows(invoke("evaluate", pictures, "--json"))[0]
    assert {"accuracy", "balanced_accuracy", "f1_macro", "calibration_error", "baseline"} <= set(
        report["metrics"]
    )
    low, high = report["intervals"]["accuracy"]
    assert low <= report["metrics"]["accuracy"] <= high
    assert (pictures / "confusion.png").exists()
    assert (pictures / "explained.png").exists()


def test_option_of_another_model_is_refused(pictures, tmp_path):
    np.save(tmp_path / "x.npy", load_data("digits").test.x[:2])
    result = CliRunner().invoke(
        cli, ["predict", str(pictures), str(tmp_path / "x.npy"), "--threshold", "0.5"]
    )
    assert result.exit_code == 2
    assert "cnn takes no --threshold" in result.output


@pytest.mark.slow
def test_table_rows_with_their_columns_in_another_order(tmp_path):
    rng = np.random.default_rng(0)
    lines = ["size,colour,price"]
    for _ in range(120):
        size, colour = rng.normal(), rng.choice(["red", "blue"])
        lines.append(f"{size:.3f},{colour},{'high' if size > 0 else 'low'}")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    run = tmp_path / "run"
    invoke(
        *("train", "mlp", "--data", tmp_path / "table.csv", "--target", "price", "--balance"),
        *("--set", "hidden_units=(8,)", "--batch-size", 16, "--out", run, *FAST[2:], "--epochs", 8),
    )
    assert measured(run)["accuracy"] > 0.7
    (tmp_path / "new.csv").write_text("colour,other,size\nblue,x,2.5\nviolet,y,-2.5\n")
    found = rows(invoke("predict", run, tmp_path / "new.csv", "--json"))
    assert [row["label"] for row in found] == ["high", "low"]


def test_numbers_of_a_table_are_predicted(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=100)
    lines = ["a,b", *(f"{value:.3f},{100 * value + rng.normal():.3f}" for value in x)]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    run = tmp_path / "run"
    invoke("train", "mlp", "--data", tmp_path / "table.csv", "--target", "b", "--out", run, *FAST)
    assert {"mae", "rmse", "r2"} <= set(measured(run))


def test_sentences_are_literal_arguments(tmp_path):
    run = tmp_path / "run"
    invoke("train", "mlp", "--data", "place_names", "--limit", 300, "--out", run, *FAST)
    found = rows(invoke("predict", run, "Praha", "Roma", "--json"))
    assert [row["input"] for row in found] == ["Praha", "Roma"]
    assert "accuracy" in measured(run)


@pytest.mark.slow
def test_sound_at_another_rate_in_stereo_is_heard(tmp_path):
    run = tmp_path / "run"
    arguments = ["--data", "key_tones", "--limit", 60, "--set", "filters=(8,)"]
    invoke("train", "cnn", *arguments, "--out", run, *FAST)
    time = np.arange(22050) / 44100
    wave = (2**14 * np.sin(2 * np.pi * 700 * time)).astype("int16")
    wavfile.write(tmp_path / "tone.wav", 44100, np.stack([wave, wave], axis=1))
    wavfile.write(tmp_path / "silence.wav", 8000, np.zeros(800, "int16"))
    found = rows(invoke("predict", run, tmp_path / "tone.wav", tmp_path / "silence.wav", "--json"))
    assert len(found) == 2


@pytest.mark.slow
def test_series_of_an_archive(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = rng.normal(size=(60, 40, 2)) + 3 * y[:, None, None]
    np.savez(tmp_path / "s.npz", x=x.astype("float32"), y=np.array(["low", "high"])[y])
    run = tmp_path / "run"
    arguments = ["--data", tmp_path / "s.npz", "--kind", "series", "--set", "filters=(8,)"]
    invoke("train", "cnn", *arguments, "--batch-size", 8, "--out", run, *FAST[2:], "--epochs", 4)
    assert measured(run)["accuracy"] >= 0.5
    np.save(tmp_path / "one.npy", x[:3].astype("float32"))
    assert len(rows(invoke("predict", run, tmp_path / "one.npy", "--json"))) == 3


@pytest.mark.slow
def test_things_are_found_drawn_and_written_for_coco(tmp_path):
    run = tmp_path / "run"
    invoke(
        *("train", "detector", "--limit", 40, "--set", "filters=(8,8,8,8)"),
        *("--out", run, *FAST),
    )
    assert {"map_50", "map_50_95"} <= set(measured(run))
    data = load_data("scattered_letters", limit=2)
    for i, picture in enumerate(data.test.x):
        Image.fromarray(np.asarray(picture)[..., 0].astype("uint8")).save(tmp_path / f"{i}.png")
    inputs = [tmp_path / "0.png", tmp_path / "1.png"]
    low = ["--threshold", 0.01]
    found = rows(invoke("predict", run, *inputs, *low, "--json"))
    assert len(found) == 2
    invoke("predict", run, *inputs, *low, "--out", tmp_path / "found.json")
    results = json.loads((tmp_path / "found.json").read_text())
    assert len(results) == sum(row["objects"] for row in found)
    invoke("predict", run, *inputs, *low, "--out", tmp_path / "drawn")
    assert len(list((tmp_path / "drawn").glob("*.png"))) == 2
    invoke("predict", run, *inputs, *low, "--out", tmp_path / "yolo" / "data.yaml")
    again = load_data(tmp_path / "yolo", validation=0, test=0)  # YOLO keeps boxes to a pixel
    assert again.spec.class_names == data.spec.class_names
    for row, boxes in zip(found, again.train.y, strict=True):
        np.testing.assert_allclose(boxes["boxes"], np.reshape(row["boxes"], (-1, 4)), atol=1)
        assert [again.spec.class_names[i] for i in boxes["labels"]] == row["labels"]


@pytest.mark.parametrize("model", ["cnn", "speech-recognizer"])
def test_unlabelled_data_cannot_be_learned_from(model, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((40, 8, 8, 1), "uint8"))
    for i in range(6):
        wavfile.write(tmp_path / f"{i}.wav", 8000, np.full(800, i, "int16"))
    data = tmp_path / "x.npy" if model == "cnn" else tmp_path
    result = CliRunner().invoke(
        cli, ["train", model, "--data", str(data), "--out", str(tmp_path / "run")]
    )
    assert result.exit_code == 1
    assert not (tmp_path / "run").exists()
    assert "labels or values to learn are needed" in result.output


def test_a_blank_line_among_texts_gets_a_blank_answer():
    from types import SimpleNamespace

    from genai_basics.cli.commands import _answer

    def answer(x):
        assert all(text.strip() for text in x)
        return [{"translation": text.upper(), "score": 1.0} for text in x], [t.upper() for t in x]

    run = SimpleNamespace(spec=SimpleNamespace(kind="pairs"), model=SimpleNamespace(answer=answer))
    rows, outputs = _answer(run, ["a", "", "b"], {})
    assert outputs == ["A", "", "B"]
    assert rows[1] == {"translation": "", "score": None}
