"""Speech: decoding on hand-made lattices, padding, joining, bad input."""

import itertools
import json

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.io import wavfile

from genai_basics import build_language_model, build_speech_recognizer
from genai_basics.cli.main import cli
from genai_basics.recurrent.ctc import beam_search, collapse, least_frames
from genai_basics.recurrent.speech import Scorer

RATE = 4000


def tone(letter, seconds=0.25):
    return 0.3 * np.sin(
        2 * np.pi * {"a": 400, "b": 700, "c": 1100}[letter] * np.arange(int(seconds * RATE)) / RATE
    )


@pytest.fixture(scope="module")
def model():
    """A recognizer that has memorized ten clips of three tones."""
    texts = ["abc", "cab", "ba", "c", "bca", "ac", "cb", "acb", "b", "bac"]
    clips = [np.concatenate([tone(letter) for letter in text]) for text in texts]
    model = build_speech_recognizer(
        RATE, "abc", units=24, filters=(24, 24), bands=24, dropout=0.0, noise=0.001, seed=0
    )
    model.compile(learning_rate=1e-2)
    model.fit(clips * 8, texts * 8, batch_size=16, epochs=24, verbose=0)
    model.known = clips, texts
    return model


@pytest.mark.slow
def test_errors_are_word_error_rates_of_clips(model, monkeypatch):
    clips, _ = model.known
    monkeypatch.setattr(type(model), "transcribe", lambda self, x: ["abc", "b", ""])
    found = model.errors_of(clips[:3], ["abc", "ab", "c"])
    assert found.values.tolist() == [0.0, 1.0, 1.0]


def test_ten_clips_are_learned_by_heart(model):
    clips, texts = model.known
    assert model.transcribe(clips) == texts
    assert model.transcribe(clips, beam=4) == texts
    metrics, _ = model.report(clips, texts)
    assert metrics["exact"] == 1.0
    assert metrics["character_error_rate"] == 0.0


def test_padding_changes_nothing(model):
    short, long = model.known[0][3], np.concatenate(model.known[0])
    alone = model.predict([short])[0]
    beside = model.predict([short, long])[0]
    np.testing.assert_allclose(beside[: len(alone)], alone, rtol=0, atol=1e-6)
    assert not beside[len(alone) :].any()


def test_stretched_bands_lie_on_a_straight_line_between_their_neighbours():
    model = build_speech_recognizer(
        RATE, "abc", units=4, filters=(4,), bands=24, stretch=0.15, seed=0
    )
    line = np.arange(24.0, dtype="float32")
    x = np.asarray(model.stretch_bands(np.tile(line, (64, 3, 1))))  # band i holds its source i'
    np.testing.assert_allclose(x, np.broadcast_to(x[:, :1], x.shape))  # the same in all frames
    inside = (x[:, 0, 8:16] > 0).all(axis=1) & (x[:, 0, 8:16] < 23).all(axis=1)
    steps = np.diff(x[:, 0, 8:16], axis=1)[inside]
    np.testing.assert_allclose(steps, steps[:, :1] * np.ones(7), atol=1e-4)
    assert 0.85 <= steps.min() < 0.95 < 1.05 < steps.max() <= 1.15
    assert 1.0 < np.abs(x[:, 0, 0]).max() <= 0.15 * 24 / 3 + 1e-5  # band 0 moves by the shift
    model.stretch = 0.0
    np.testing.assert_allclose(model.stretch_bands(x), x, atol=1e-5)


def test_loudness_changes_nothing(model):
    clip = model.known[0][0]
    np.testing.assert_allclose(
        model.predict([0.01 * clip])[0], model.predict([clip])[0], rtol=0, atol=1e-3
    )


def test_a_path_collapses():
    assert collapse([0, 1, 1, 0, 1, 2, 2]) == [1, 1, 2]
    assert least_frames([1, 1, 2]) == 4
    assert least_frames([]) == 0


def test_beam_search_sums_over_paths_as_brute_force_does():
    rng = np.random.default_rng(0)
    for _ in range(5):
        p = rng.dirichlet(np.ones(3), size=4)
        totals = {}
        for path in itertools.product(range(3), repeat=4):
            symbols = tuple(collapse(path))
            totals[symbols] = totals.get(symbols, 0) + np.prod(p[range(4), path])
        assert tuple(beam_search(np.log(p), beam=50)) == max(totals, key=totals.get)


def test_greedy_may_be_wrong_where_a_beam_is_right():
    p = np.array([[0.4, 0.6], [0.6, 0.4]])  # the path (1, blank) is the most likely, and so is [1]
    assert beam_search(np.log(p)) == [1]
    p = np.array([[0.6, 0.4], [0.6, 0.4]])  # (blank, blank) has 0.36, all other paths, [1], 0.64
    assert collapse(p.argmax(axis=1)) == []
    assert beam_search(np.log(p)) == [1]


def test_a_language_model_has_its_say():
    p = np.array([[0.02, 0.5, 0.48]])
    assert beam_search(np.log(p)) == [1]
    assert beam_search(np.log(p), score=lambda prefix, symbol: 0.5 * (symbol == 2)) == [2]


def test_the_beam_with_a_language_model_is_brute_force():
    language_model = build_language_model("ab", units=4, window=5, seed=0)
    score = Scorer(language_model, ("a", "b"), 0.8)
    p_b = language_model.predict(["ba"])[0][language_model.tokenizer.encode("b")[0]]
    assert score((2, 1), 2) == pytest.approx(0.8 * np.log(p_b))
    rng = np.random.default_rng(1)
    changed = 0
    for _ in range(8):
        p = rng.dirichlet(np.ones(3), size=4)
        totals = {}
        for path in itertools.product(range(3), repeat=4):
            text = tuple(collapse(path))
            totals[text] = totals.get(text, 0) + np.prod(p[range(4), path])
        judged = {
            text: np.log(total) + sum(score(text[:i], s) for i, s in enumerate(text))
            for text, total in totals.items()
        }
        best = max(judged, key=judged.get)
        assert tuple(beam_search(np.log(p), beam=50, score=score)) == best
        changed += best != max(totals, key=totals.get)
    assert changed, "the language model had a say"


@pytest.mark.slow
def test_words_are_joined_to_connected_speech():
    model = build_speech_recognizer(
        RATE, class_names=("ay", "bee"), units=8, filters=(8,), concatenate=3, seed=0
    )
    clips = [tone("a"), tone("b")]
    joined, texts = model.join(clips * 10, [0, 1] * 10, 3, least=2)
    assert len(joined) == 20
    assert all(2 <= len(text.split()) <= 3 for text in texts)
    assert min(map(len, joined)) > 2 * len(clips[0])
    letters = build_speech_recognizer(RATE, "ab", units=8, filters=(8,), concatenate=2)
    assert " " in letters.symbols
    model.compile()
    history = model.fit(clips * 8, [0, 1] * 8, validation_data=(clips * 2, [0, 1] * 2), verbose=0)
    assert np.isfinite(history.history["val_loss"]).all()


def test_a_language_model_of_ours_scores_characters(model):
    language_model = build_language_model("abc", units=4, window=5, seed=0)
    found = model.transcribe(model.known[0][:2], beam=3, language_model=language_model, weight=0.1)
    assert found == model.known[1][:2]
    of_words = build_language_model(unit="word", vocab_size=5, units=4)
    of_words.adapt(["abc cab"])
    with pytest.raises(ValueError, match=r"'abc' character by character\. Received: one of words"):
        model.transcribe(model.known[0][:1], language_model=of_words)


@pytest.mark.slow
def test_the_commands_decode_with_a_language_model(model, tmp_path):
    clips, texts = model.known
    (tmp_path / "clips").mkdir()
    lines = ["file_name,transcription", *(f"{i}.wav,{text}" for i, text in enumerate(texts))]
    (tmp_path / "clips" / "metadata.csv").write_text("\n".join(lines))
    for i, clip in enumerate(clips):
        wavfile.write(tmp_path / "clips" / f"{i}.wav", RATE, clip.astype("float32"))
    letters = np.random.default_rng(0)
    written = "\n".join("".join(letters.permutation(texts)) for _ in range(60))
    (tmp_path / "letters.txt").write_text(written)
    tiny = "--epochs 1 --no-audit --quiet --set units=4"

    def call(*words):
        return CliRunner().invoke(cli, [str(word) for word in words])

    speech, writer, first = tmp_path / "speech", tmp_path / "writer", tmp_path / "clips" / "0.wav"
    trained = [
        call("train", name, "--data", tmp_path / data, "--out", out, *tiny.split())
        for name, data, out in (
            ("speech-recognizer", "clips", speech),
            ("language-model", "letters.txt", writer),
        )
    ]
    assert [result.exit_code for result in trained] == [0, 0], trained[-1].output
    decoding = ("--beam", 3, "--language-model", writer, "--weight", 0.3, "--json")
    told = call("predict", speech, first, *decoding)
    assert told.exit_code == 0, told.output
    assert "transcription" in json.loads(told.stdout)
    measured = call("evaluate", speech, "--data", tmp_path / "clips", *decoding)
    assert measured.exit_code == 0, measured.output
    assert "word_error_rate" in json.loads(measured.stdout)["metrics"]
    wrong = call("predict", speech, first, "--language-model", speech)
    assert wrong.exit_code == 2
    assert "Received: a run of speech-recognizer" in wrong.output
    wrong = call("predict", writer, "abc", "--beam", 2)
    assert "language-model takes no --beam" in wrong.output


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([tone("a")], ["a?"], r"made of 'abc'. Received: '\?' in 'a\?'"),
        ([np.zeros(30)], ["abcabc"], "every clip is too short for its transcription, as clip 0"),
        ([tone("a")], ["a", "b"], r"same length.*Received: lengths \[1, 2\]"),
        ([np.array([np.nan, 0.0])], ["a"], "finite"),
        (tone("a"), ["a"], "list of clips. Received: one clip"),
    ],
)
def test_bad_clips_are_one_sentence(model, x, y, message):
    with pytest.raises(ValueError, match=message):
        model.pairs(x, y)


def test_a_clip_too_short_among_others_is_left_out_and_said(model):
    with pytest.warns(UserWarning, match="1 of 2 clips are too short"):
        clips, numbers, kept = model.pairs([tone("a"), np.zeros(30)], ["a", "abcabc"])
    assert len(clips) == len(numbers) == 1
    assert kept == [0]


@pytest.mark.parametrize(
    "arguments", [{"units": 0}, {"cell": "rnn"}, {"concatenate": 0}, {"speed": 1.0}]
)
def test_bad_arguments_of_the_builder(arguments):
    with pytest.raises(ValueError, match=f"Received: .*{next(iter(arguments))}"):
        build_speech_recognizer(**arguments)
