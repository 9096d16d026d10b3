"""The translator: beam search against brute force, masks, copying, bad input."""

import itertools

import numpy as np
import pytest
from keras import ops

from genai_basics import build_translator
from genai_basics.preprocessing import BOUNDARY, PADDING, UNKNOWN

PAIRS = {
    "one": "un",
    "two": "deux",
    "three": "trois",
    "four": "quatre",
    "five": "cinq",
    "six": "six",
    "seven": "sept",
    "eight": "huit",
    "nine": "neuf",
    "ten": "dix",
}


@pytest.fixture(scope="module")
def model():
    """A model that has memorized ten pairs."""
    x, y = list(PAIRS) * 12, list(PAIRS.values()) * 12
    model = build_translator(
        unit="character",
        vocab_size=40,
        units=32,
        embedding_dim=16,
        dropout=0.0,
        label_smoothing=0.0,
        seed=0,
    )
    model.compile(learning_rate=1e-2)
    model.fit(x, y, batch_size=20, epochs=25, verbose=0)
    return model


@pytest.mark.slow
def test_ten_pairs_are_learned_by_heart(model):
    assert model.translate(list(PAIRS)) == list(PAIRS.values())
    assert model.translate(list(PAIRS), beam=1) == list(PAIRS.values())
    metrics, _ = model.report(list(PAIRS), list(PAIRS.values()))
    assert metrics["exact"] == 1.0


def test_padding_changes_nothing(model):
    source, target = model.prepare(["ten"], ["dix"])
    alone = ops.softmax(model((source, target)))
    more = np.pad(source, ((0, 0), (0, 5)))
    beside = ops.softmax(model((more, target)))
    np.testing.assert_allclose(beside, alone, rtol=0, atol=1e-6)
    wider = np.pad(target, ((0, 0), (0, 3)))
    terms, padded = model.loss_terms(source, target), model.loss_terms(source, wider)
    assert float(padded["loss"][0]) == pytest.approx(float(terms["loss"][0]), abs=1e-6)


def test_beam_search_finds_what_brute_force_finds():
    model = build_translator(unit="character", vocab_size=6, units=8, embedding_dim=4, seed=3)
    model.source_tokenizer.adapt(["abc"])
    model.target_tokenizer.adapt(["abc"])
    for layer in model.decoder.layers:  # a sharper network has a clearer winner
        if layer.name == "logits":
            layer.set_weights([w * 4 for w in layer.get_weights()])
    source = np.array([[3, 4, BOUNDARY]], "int32")
    length, size = 3, 6
    grid = np.array(list(itertools.product(range(1, size), repeat=length)), "int32")
    logits = model((np.repeat(source, len(grid), axis=0), grid))
    log_p = ops.convert_to_numpy(ops.log_softmax(logits))
    scores = {}
    for row, units in zip(log_p, grid.tolist(), strict=True):
        ends = [i for i, unit in enumerate(units) if unit == BOUNDARY]
        units = tuple(units[: ends[0] + 1] if ends else units)
        scores[units] = sum(row[i, unit] for i, unit in enumerate(units)) / len(units)
    best = max(scores, key=scores.get)
    search = model.compile_once(model.search)
    found = ops.convert_to_numpy(search(source, 120, length)[0])[0]
    assert tuple(found[found != PADDING]) == best


def test_what_is_unknown_is_copied(model):
    looks = np.array([1, 2, 0])
    text = model._joined(np.array([UNKNOWN, UNKNOWN, BOUNDARY]), looks, "xyz")
    assert text == "xy"


def test_attention_sums_to_one_and_is_drawn(model):
    weights, source, target = model.attention("three")
    assert weights.shape == (len(target), len(source))
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-5)
    assert set(model.pictures(list(PAIRS))) == {"attention"}


@pytest.mark.slow
def test_words_are_translated_too_by_an_lstm():
    model = build_translator(unit="word", vocab_size=60, units=8, embedding_dim=4, cell="lstm")
    model.compile()
    model.fit(["a b", "b c", "c d"] * 4, ["x y", "y z", "z w"] * 4, epochs=1, verbose=0)
    assert model.predict(["a d", "unheard of"]).shape[0] == 2


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (["a", " "], ["b", "c"], "must hold something. Received: text 1 of x empty"),
        (["a", "b"], ["b", ""], "Received: text 1 of y empty"),
        ("abc", ["b"], "x must be a list of texts"),
        ([], [], "must hold something. Received: x empty"),
        (["a", "b"], ["c"], r"same length. Received: lengths \[2, 1\]"),
    ],
)
def test_bad_pairs_are_one_sentence(x, y, message):
    model = build_translator(unit="character", vocab_size=20, units=4, embedding_dim=4)
    model.compile()
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, verbose=0)


@pytest.mark.parametrize(
    "arguments", [{"units": 3}, {"cell": "rnn"}, {"label_smoothing": 1.0}, {"unit": "letters"}]
)
def test_bad_arguments_of_the_builder(arguments):
    with pytest.raises(ValueError, match=f"Received: {next(iter(arguments))}"):
        build_translator(**arguments)


def test_a_beam_of_nothing_is_refused(model):
    with pytest.raises(ValueError, match=r"`beam` must be at least 1. Received: beam=0"):
        model.translate(["one"], beam=0)
