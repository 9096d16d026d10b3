"""Exported models give the same results where TensorFlow, Keras and this library are missing."""

import functools
import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import genai_basics as gb
from genai_basics.cli.export import FORMATS as OFFERED
from genai_basics.cli.main import cli
from genai_basics.exporting import FORMATS, write_bundle
from genai_basics.recipes import RECIPES
from genai_basics.runs import export, load_run
from tests.stored import extract

ALONE = """
import json, sys

class Missing:
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] in blocked:
            raise ModuleNotFoundError(name)

blocked = {"keras": ("genai_basics",), "saved_model": ("genai_basics",)}.get(
    sys.argv[1], ("tensorflow", "keras", "genai_basics")
)
sys.meta_path.insert(0, Missing)
sys.path.insert(0, sys.argv[2])
import example, numpy as np

def array(value):
    if isinstance(value, dict) and "array" in value:
        return np.array(value["array"], value["dtype"])
    return [array(one) for one in value] if isinstance(value, list) else value

found = []
for name, args, kwargs in json.load(sys.stdin):
    kwargs = {key: array(value) for key, value in kwargs.items()}
    found.append(getattr(example, name)(*map(array, args), **kwargs))
print("FOUND", json.dumps(found, default=lambda part: part.tolist()))
"""


def plain(value):
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": value.dtype.name}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def run_alone(folder, to, calls):
    """Return the results of functions of `example.py`, in a process without TensorFlow."""
    asked = [
        (name, plain(args), {k: plain(v) for k, v in more.items()}) for name, args, more in calls
    ]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, to, str(folder)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.rpartition("FOUND ")[2])


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


# For each model: what to ask of example.py, and the answers of the library.


def of_generator(model, x):
    labels = np.arange(4) % model.num_classes if model.num_classes else None
    z = noise(4, model.latent_dim)
    yield ("decode", (z, labels), {}), model.decode(z, labels)


def of_codes(model, x):
    yield from of_generator(model, x)
    yield ("encode", (np.asarray(x[:3]),), {}), model.encode(x[:3])


def of_autoencoder(model, x):
    x = np.asarray(x[:3])
    codes = model.encode(x)
    yield ("encode", (x,), {}), codes
    yield ("decode", (codes,), {}), model.decode(codes)
    yield ("reconstruct", (x,), {}), model.reconstruct(x)


def of_diffusion(model, x):
    z = noise(4, *model.preprocessor.shape)
    yield ("decode", (z,), {}), model.decode(z)


def of_text_gan(model, x):
    rng = np.random.default_rng(3)
    z, chance = (4, model.latent_dim), (4, model.max_length, model.vocabulary_size)
    outputs = model.ema_generator([rng.standard_normal(z), rng.gumbel(size=chance)])
    yield ("write_names", (4, 3), {}), model.invert(outputs)


def of_text_vae(model, x):
    texts = list(x[:3])
    yield ("encode_texts", (texts,), {}), model.encode(texts)
    z = noise(2, model.latent_dim)
    state = np.asarray(model.starter(z))
    yield ("run", ("start",), {"z": z}), {"state": state}
    logits, after = model.decoder([z, np.full((2, 1), 2), state])
    size = len(model.tokenizer.vocabulary) + 3
    logits = np.array(logits)[:, 0]
    logits[:, :2] -= 1e9
    logits[:, size:] -= 1e9
    asked = {"z": z, "token": np.full((2, 1), 2), "state": state}
    yield ("run", ("step",), asked), {"logits": logits, "next_state": np.asarray(after)}


def of_predictor(model, x):
    yield ("predict", (np.asarray(x[:4]),), {}), model.predict(x[:4], verbose=0)


def of_texts(model, x):
    texts = [*x[:4], "Überall: 12 neue Wörter"]
    name = "predict_words" if type(model.preprocessor).__name__ == "Words" else "predict_texts"
    yield (name, (texts,), {}), model.predict(texts, verbose=0)


def of_rows(model, x):
    yield ("predict_rows", (x,), {}), model.predict(x, verbose=0)


def of_sounds(model, x):
    yield ("predict_sounds", (x,), {}), model.predict(x, verbose=0)


def of_detector(model, x):
    for picture in (np.asarray(x[0]), np.asarray(x[1])[:-9, 5:]):
        yield ("detect", (picture, 1e-3), {}), model.detect([picture], 1e-3)[0]


def of_forecaster(model, x):
    history = np.asarray(model.preprocessor.series(x)[0])
    yield ("forecast", (history,), {}), model.predict([history])[0]


def of_recognizer(model, x):
    yield ("transcribe", (list(x[1:2]),), {}), model.transcribe(x[1:2])
    for clip, log_p in zip(x[:2], model.log_probabilities(x[:2]), strict=True):
        asked = {"samples": np.asarray(clip)[None], "length": np.array([len(clip)])}
        wanted = {"log_p": log_p[None], "frames": np.array([len(log_p)])}
        yield ("run", ("recognizer",), asked), wanted


def of_language_model(model, x):
    wanted = model.sample(1, prompt="The ", length=12, temperature=0)[0]
    yield ("write", ("The ", 12, 0), {}), wanted


def of_translator(model, x):
    for text in x[:4]:
        yield ("translate", (text, 12), {}), model.translate([text], beam=1, length=12)[0]


def of_music(model, x):
    notes = np.zeros((1, 1, model.high - model.low + 1), "float32")
    notes[0, 0, 12] = 1
    (state,) = [noise(1, one.shape[1]) for one in model.network.inputs[1:]]
    outputs, after = model.network([notes, state])
    wanted = {"logits": np.asarray(outputs)[:, 0], "next_state0": np.asarray(after)}
    yield ("run", ("step",), {"notes": notes, "state0": state}), wanted


ASKED = {
    "mlp": of_predictor,
    "cnn": of_predictor,
    "detector": of_detector,
    "autoencoder": of_autoencoder,
    "vae": of_codes,
    "text-vae": of_text_vae,
    "gan": of_generator,
    "diffusion": of_diffusion,
    "text-gan": of_text_gan,
    "video-gan": of_generator,
    "music-gan": of_generator,
    "rnn": of_texts,
    "forecaster": of_forecaster,
    "speech-recognizer": of_recognizer,
    "translator": of_translator,
    "language-model": of_language_model,
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return functools.cache(lambda name: load_run(extract(name, tmp_path_factory.mktemp(name))[0]))


def compare(found, wanted):
    """Compare results to 1e-4; pixels may be rounded the other way."""
    if isinstance(wanted, dict):
        assert set(found) == set(wanted)
        for name, value in wanted.items():
            compare(found[name], value)
        return
    wanted = np.asarray(wanted)
    if wanted.dtype.kind in "US":
        assert np.asarray(found).tolist() == wanted.tolist()
        return
    found = np.asarray(found, "float64")
    assert found.shape == wanted.shape
    near = 1 if wanted.dtype == np.uint8 else 1e-4 * max(1.0, np.abs(wanted).max(initial=0))
    np.testing.assert_allclose(found, wanted, atol=near, rtol=1e-4)
    if wanted.dtype == np.uint8:
        assert (found == wanted).mean() > 0.999


def check(model, to, folder, asked):
    calls, wanted = zip(*asked, strict=True)
    for found, one in zip(run_alone(folder, to, calls), wanted, strict=True):
        compare(found, one)


QUICK = [("gan", "onnx"), ("mlp", "onnx"), ("mlp", "litert")]
REFUSED = ("detector", "diffusion", "text-gan", "video-gan", "speech-recognizer")  # by keras
SLOW = [(name, to) for to in ("onnx", "litert") for name in RECIPES if (name, to) not in QUICK]
SLOW += [(name, "keras") for name in RECIPES if name not in REFUSED]
SLOW += [("gan", "saved_model"), ("detector", "saved_model")]


@pytest.mark.parametrize(
    ("name", "to"), [*QUICK, *(pytest.param(*one, marks=pytest.mark.slow) for one in SLOW)]
)
def test_a_model_runs_without_tensorflow(name, to, stored, tmp_path):
    run = stored(name)
    export(run, to, tmp_path / "out")
    check(run.model, to, tmp_path / "out", ASKED[name](run.model, run.data(limit=16).test.x))


def small_models(digits):
    """Yield predictors of kinds of data that no stored run has, with examples of x."""
    texts = ["a good film", "a bad film", "good and long", "bad, so bad"] * 4
    model = gb.build_mlp(num_classes=2, hidden_units=(8,), seed=0)
    model.adapt(texts, [1, 0] * 8)
    yield model, of_texts, texts
    rows = {"size": [1.0, 2.0, float("nan"), 4.0], "colour": ["red", "blue", "", "red"]}
    columns = [("size", "number"), ("colour", "category")]
    model = gb.build_mlp(columns=columns, task="regression", hidden_units=(8,), seed=0)
    model.adapt(rows, [1.0, 2.0, 3.0, 4.0])
    yield (
        model,
        of_rows,
        {**rows, "size": [1.0, 2.0, "", 4.0], "colour": ["red", "green", "", "blue"]},
    )
    model = gb.build_cnn(sample_rate=2000, num_classes=3, filters=(8,), seed=0)
    yield model, of_sounds, [noise(900), noise(1500)]
    series = [noise(12, 2), noise(12, 2)]
    model = gb.build_rnn((None, 2), num_classes=2, units=8, seed=0)
    model.adapt(series, [0, 1])
    yield model, of_predictor, series
    x, y = digits.train.x, digits.train.y
    model = gb.build_vae((8, 8, 1), 2, prior="mixture", num_classes=10, hidden_units=(8,), seed=0)
    yield model, of_conditional, x
    model = gb.build_diffusion((8, 8, 1), num_classes=10, guidance=2.0, steps=2, hidden_units=(8,))
    model.adapt(x, y)
    yield model, of_labels, x


def of_labels(model, x):
    z, labels = noise(3, *model.preprocessor.shape), np.array([3, 1, 4])
    yield ("decode", (z, labels), {}), model.decode(z, labels)


def of_conditional(model, x):
    z, labels, x = noise(3, model.latent_dim), np.array([3, 1, 4]), np.asarray(x[:3])
    yield ("decode", (z, labels), {}), model.decode(z, labels)
    yield ("encode", (x, labels), {}), model.encode(x, labels)


@pytest.mark.slow
@pytest.mark.parametrize("to", ["onnx", "litert"])
@pytest.mark.parametrize("i", range(6))
def test_other_kinds_of_data_run_without_tensorflow(i, to, tmp_path, digits):
    model, asked, x = list(small_models(digits))[i]
    write_bundle(model, to, tmp_path)
    if asked is of_rows:  # the library writes a missing number as NaN
        known = {**x, "size": [v if v != "" else float("nan") for v in x["size"]]}
        wanted = model.predict(known, verbose=0)
        return check(model, to, tmp_path, [(("predict_rows", (x,), {}), wanted)])
    return check(model, to, tmp_path, asked(model, x))


@pytest.fixture(scope="module")
def digits():
    return gb.load_data("digits")


# Bad input.


def test_the_command_offers_the_formats_and_says_what_it_wrote(stored, tmp_path):
    assert (*FORMATS, "hub") == OFFERED
    run = stored("mlp")
    command = ["export", str(run.folder), "--to", "keras", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(cli, [*command, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["files"] == ["predictor.keras", "preprocessing.json", "example.py"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(found["files"])
    again = CliRunner().invoke(cli, command)
    assert again.exit_code == 1
    assert "is not empty; add --force" in again.output
    assert CliRunner().invoke(cli, [*command, "--force"]).exit_code == 0


def test_what_cannot_be_exported_is_refused_in_a_sentence(stored, tmp_path, monkeypatch):
    run, out = stored("mlp"), tmp_path / "out"
    with pytest.raises(ValueError, match=r'`to` must be "onnx".* Received: to=.pmml.'):
        export(run, "pmml", out)
    with pytest.raises(ValueError, match="is not a folder"):
        export(tmp_path / "none", "keras", out)
    with pytest.raises(ValueError, match="cannot hold the loop ForiLoop, which 'detector' uses"):
        export(stored("detector"), "keras", out)
    with pytest.raises(ValueError, match="cannot hold the layer Writer"):
        export(stored("text-gan"), "keras", out)
    with pytest.raises(ValueError, match=r"cannot hold an operation .*, which 'recognizer' uses"):
        export(stored("speech-recognizer"), "keras", out)
    assert not list(out.iterdir())  # nothing is left of what could not be written whole
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="is a file"):
        export(run, "keras", tmp_path / "file")
    (out / "mine").touch()
    with pytest.raises(FileExistsError, match="is not empty"):
        export(run, "keras", out)
    import genai_basics.extras

    def missing(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(genai_basics.extras, "import_module", missing)
    with pytest.raises(ImportError, match=r"needs the package onnx.*genai_basics\[export\]"):
        export(run, "onnx", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_base_model_exports_nothing():
    class Own(gb.Model):
        pass

    with pytest.raises(ValueError, match="a own cannot be exported as a graph"):
        Own(name="own").exported()
