"""What the activities return for stored runs, without a browser."""

import io

import numpy as np
import pytest
from PIL import Image

from genai_basics.app.activities import activities_of, answering, between_inputs, generating
from genai_basics.app.activities.evidence import evidence_of
from genai_basics.app.activities.from_noise import steps
from genai_basics.app.activities.latent_space import Space
from genai_basics.app.activities.written_text import probabilities
from genai_basics.app.entering import ACCEPTED, batch_of_one, read_upload
from genai_basics.app.showing import as_file
from genai_basics.provenance import describe, read
from genai_basics.recipes import RECIPES

KNOWN = {".png", ".gif", ".wav", "lines", "shaded", "rows", "caption"}


def picture_of(content):
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_each_model_has_an_activity_that_answers(stage, name):
    stage = stage(name)
    found = activities_of(stage)
    assert found
    if answering in found:
        batch = batch_of_one(stage.examples[0])
        row, bars, parts, _ = answering.answered(stage, batch, {})
        assert row or parts
        assert {form for form, _ in parts} <= KNOWN
        assert sum(p for _, p in bars) == pytest.approx(1 if bars else 0, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, recipe in RECIPES.items() if "samples" in recipe.can])
def test_the_same_seed_gives_the_same_and_another_one_others(stage, name):
    if not generating.fits(stage(name)):
        return  # written by `written_text`
    first, again, other = (generating.sampled(stage(name), 2, seed, {})[0] for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert {form for form, _ in first} <= KNOWN


def test_a_classifier_is_shown_as_it_answers(stage):
    stage = stage("cnn")
    batch = batch_of_one(stage.examples[0], 3)
    row, bars, _, _ = answering.answered(stage, batch, {})
    p = stage.model.predict(batch, verbose=0)[0]
    assert bars[0] == (row["label"], pytest.approx(p.max()))
    assert [p for _, p in bars] == sorted(p.tolist(), reverse=True)


@pytest.mark.parametrize("name", ["cnn", "mlp", "rnn"])
def test_evidence_has_the_form_of_the_input(stage, name):
    stage = stage(name)
    batch = batch_of_one(stage.examples[0])
    (*_, (form, content)) = evidence_of(stage, batch)
    if form == ".png":
        assert picture_of(content).shape[:2] == np.shape(batch[0])[:2]
    else:
        _, parts = content
        assert "".join(text for text, _ in parts).strip() == batch[0]
        assert max(share for _, share in parts) in (0, pytest.approx(1))


def test_the_mean_code_is_in_the_middle_of_the_map(stage):
    space = Space(stage("vae"))
    assert space.at((0, 0)) == pytest.approx(space.mean)
    assert space.place_of(space.codes[0]) == pytest.approx(space.points[0] / space.reach)
    assert space.at(space.place_of(space.codes[0])) == pytest.approx(space.codes[0], abs=1e-5)
    parts, made = space.decode(space.codes[0])
    assert picture_of(parts[0][1]).shape == (8, 8)
    assert made == pytest.approx(stage("vae").model.decode(space.codes[:1]), abs=1)


def test_sliders_stand_in_the_order_of_variance(stage):
    space = Space(stage("autoencoder"))
    spreads = space.codes.std(axis=0)
    assert spreads[space.order].tolist() == sorted(spreads.tolist(), reverse=True)


def test_probabilities_of_a_text_are_those_of_its_loss(stage):
    model = stage("language-model").model
    pairs = probabilities(model, "import this")
    assert "".join(unit for unit, _ in pairs) == "import this"
    nats = model.losses_by_example(["import this"])[0]
    assert -np.mean(np.log([p for _, p in pairs])) == pytest.approx(nats, rel=0.15)  # and its end
    opening = probabilities(model, "import this", "\n")
    assert [unit for unit, _ in opening] == [unit for unit, _ in pairs]
    assert opening != pairs


def test_noise_becomes_samples(stage):
    stage = stage("diffusion")
    ((form, _),) = steps(stage, 0, None)[0]
    assert form == ".png"
    model = stage.model
    points = model.steps_from_noise(2, seed=0)
    assert points.shape == (model.steps + 1, 2, 8, 8, 1)
    noise = np.random.default_rng(0).standard_normal((2, 8, 8, 1), "float32")
    assert np.abs(points[-1].astype(int) - model.decode(noise)).max() <= 1


def test_what_lies_between_starts_and_ends_at_the_inputs(stage):
    stage = stage("vae")
    a, b = batch_of_one(stage.examples[0]), batch_of_one(stage.examples[0], 1)
    _, made = between_inputs.between(stage, a, b, 5)
    ends = stage.model.reconstruct(np.concatenate([a, b]))
    assert np.abs(made[[0, -1]].astype(int) - ends).max() <= 1


@pytest.mark.parametrize("name", ["vae", "text-vae"])
def test_downloads_say_which_model_made_them(stage, name, tmp_path):
    stage = stage(name)
    samples = stage.model.sample(2, seed=5)
    suffix = {"images": ".png", "text": ".txt"}[stage.spec.kind]
    content, suffix = as_file(samples, stage.spec, suffix, describe(stage.run, seed=5))
    if suffix == ".zip":  # a text and, next to it, its facts
        assert b"samples.txt.json" in content
        return
    path = tmp_path / f"file{suffix}"
    path.write_bytes(content)
    assert read(path)["seed"] == 5
    assert read(path)["model"] == name


@pytest.mark.parametrize("name", ["cnn", "rnn", "forecaster", "speech-recognizer", "video-gan"])
def test_a_broken_upload_is_a_sentence_that_names_the_file(stage, name):
    spec = stage(name).spec
    for suffix in ACCEPTED[spec.kind]:
        if suffix in (".txt", ".au"):
            continue  # any text is an input, and a sound of Sun needs no header
        with pytest.raises(ValueError, match=f"^.{{0,20}}'?mine{suffix}") as caught:
            read_upload(f"mine{suffix}", b"\x00broken" * 40, spec)
        assert "/tmp" not in str(caught.value)


def test_uploads_are_limited_to_the_kind_of_data(stage, monkeypatch):
    spec = stage("cnn").spec
    with pytest.raises(ValueError, match=r"'run\.sh' is not accepted"):
        read_upload("run.sh", b"", spec)
    for path in ("data.json", "data.yaml"):  # these name other files
        with pytest.raises(ValueError, match="is not accepted"):
            read_upload(path, b"{}", stage("detector").spec)
    monkeypatch.setattr("genai_basics.app.entering.MOST_BYTES", 10)
    with pytest.raises(ValueError, match="larger than"):
        read_upload("a.png", b"12345678901", spec)


def test_a_picture_of_another_size_is_fitted(stage):
    file = io.BytesIO()
    Image.new("RGB", (301, 77), "white").save(file, "png")
    assert read_upload("wide.png", file.getvalue(), stage("cnn").spec).shape == (1, 8, 8, 1)


def test_silence_is_said_to_be_silent(stage):
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.zeros(8000), 8000, format="WAV")
    with pytest.raises(ValueError, match=r"'quiet\.wav' is silent"):
        read_upload("quiet.wav", file.getvalue(), stage("speech-recognizer").spec)


def test_a_table_without_the_column_says_so(stage):
    with pytest.raises(ValueError, match=r"'mine\.csv'.*month"):
        read_upload("mine.csv", b"time,rain\n2020-01,1\n2020-02,2\n", stage("forecaster").spec)
