"""Language models: windows, states, sampling, bad input."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from genai_basics import build_language_model
from genai_basics.feeding import steps_per_epoch
from genai_basics.preprocessing import BOUNDARY, Tokenizer
from genai_basics.recurrent.music_model import build_music_model
from genai_basics.recurrent.sequences import uniforms_of
from genai_basics.recurrent.streams import Streams

LINE = "the rain in spain stays mainly in the plain. "


@pytest.fixture(scope="module")
def model():
    """A model that has memorized one line of text."""
    model = build_language_model(units=48, embedding_dim=16, window=16, dropout=0.0, seed=0)
    model.compile(learning_rate=1e-2)
    model.fit([LINE * 60], batch_size=4, epochs=8, verbose=0)
    return model


def test_a_line_of_text_is_learned_by_heart(model):
    assert model.report([LINE * 5])[0]["nats_per_character"] < 0.15
    assert model.sample(1, prompt="the rain", temperature=0, length=20)[0].startswith(
        "the rain in spain stays"
    )


def test_windows_hold_every_step_once():
    documents = [np.arange(n) + 1000 * i for i, n in enumerate((2, 24, 11, 7))]
    windows = Streams(documents, 5)
    steps = sum(len(d) - 1 for d in documents)
    rows = windows.evaluation(3)
    seen = []
    for start in range(0, len(rows), 3):
        x, targets = windows.take_after_context(rows[start : start + 3])
        counted = x["weights"] > 0
        seen += targets[counted].tolist()
        assert (targets == x["inputs"] + 1)[counted].all()
    assert len(seen) == len(set(seen)) == steps


def test_a_state_goes_on_within_a_document_and_nowhere_else():
    documents = [np.arange(31), np.arange(100, 116), np.arange(200, 204)]
    windows, rng = Streams(documents, 5), np.random.default_rng(4)
    steps = len(windows) // 2
    last = None
    for step, rows in enumerate([*windows.order(2, rng), *windows.order(2, rng)]):
        batch, _ = windows.take(rows, 5)
        for row in range(2):
            first = batch["inputs"][row, 0]
            if last is not None and batch["keep"][row]:
                assert first == last[row] + 1, "it goes on where it stopped"
            elif first not in (0, 100, 200):
                assert step % steps == 0, "only the first batch of an epoch may begin anywhere"
        n = batch["weights"].sum(axis=1).astype(int)
        last = batch["inputs"][np.arange(2), n - 1]


def test_training_carries_the_state_and_resets_it(model):
    twin = build_language_model(units=6, window=4, embedding_dim=4, dropout=0.0, seed=1)
    twin.compile(learning_rate=1e-12)
    twin.adapt(["abcdefgh"])
    twin.open_streams(1)
    tokens = np.array([[3, 4, 5, 6]], "int32")
    batch = {"inputs": tokens, "weights": np.ones((1, 4), "float32")}
    batch = {name: ops.convert_to_tensor(value) for name, value in batch.items()}
    tokens = ops.convert_to_tensor(tokens)
    zero, one = ops.zeros((1,)), ops.ones((1,))
    twin.build_optimizers()
    twin.train_step(({**batch, "keep": zero}, tokens))
    after_one = ops.convert_to_numpy(twin.states[0])
    twin.train_step(({**batch, "keep": one}, tokens))
    after_two = ops.convert_to_numpy(twin.states[0])
    both = np.concatenate([tokens, tokens], axis=1)
    np.testing.assert_allclose(twin.network([both, np.zeros((1, 6))])[1], after_two, atol=1e-5)
    twin.train_step(({**batch, "keep": zero}, tokens))
    np.testing.assert_allclose(twin.states[0], after_one, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"top_k": 3}, {"top_p": 0.8}, {"temperature": 0.5}])
def test_compiled_sampling_is_a_plain_loop(model, options, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    sampled = model.sample(2, seed=3, prompt="in ", length=12, **options)
    read = loaded.compile_once(loaded.read)
    uniforms = uniforms_of(3, range(2), (12,))
    for row, text in enumerate(sampled):
        tokens = [BOUNDARY, *loaded.tokenizer.encode("in ")]
        written = "in "
        for u in uniforms[:, row]:
            logits = ops.convert_to_numpy(read(np.array([tokens], "int32"))[0])[0]
            logits[:2] = -1e9
            p = np.exp((logits - logits.max()) / options.get("temperature", 1.0))
            p /= p.sum()
            order = np.argsort(-p, kind="stable")
            if "top_k" in options:
                p[order[options["top_k"] :]] = 0
            if "top_p" in options:
                before = np.cumsum(p[order]) - p[order]
                p[order[before >= options["top_p"]]] = 0
            mass = np.cumsum(p)
            tokens.append(int(np.searchsorted(mass, u * mass[-1], side="right")))
            if tokens[-1] == BOUNDARY:
                break
            written += loaded.tokenizer.unit_of(tokens[-1])
        assert text == written


def test_a_seed_repeats_and_few_are_the_first_of_many(model):
    five = model.sample(5, seed=1, length=30)
    assert model.sample(2, seed=1, length=30) == five[:2]
    assert model.sample(5, seed=1, length=30, batch_size=2) == five
    assert model.sample(5, seed=2, length=30) != five


def test_a_stream_is_a_sample_in_pieces(model):
    pieces = list(model.stream("the ", seed=5, length=40))
    assert len(pieces) > 3
    assert "".join(pieces) == model.sample(1, prompt="the ", seed=5, length=40)[0]


def test_a_prompt_may_be_longer_than_the_window(model):
    assert model.sample(1, prompt=LINE * 3, length=5, seed=0)[0].startswith(LINE * 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": "çé"}, r"never seen: 'ç' 'é'; it knows"),
        ({"temperature": -0.1}, "`temperature` must be at least 0. Received: temperature=-0.1"),
        ({"top_k": 0}, "`top_k` must be at least 1. Received: top_k=0"),
        ({"top_p": 0.0}, "`top_p` must be above 0 and at most 1. Received: top_p=0.0"),
        ({"length": 0}, "at least 1. Received: length=0"),
    ],
)
def test_bad_arguments_of_sample_are_one_sentence(model, options, message):
    with pytest.raises(ValueError, match=message):
        model.sample(**options)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "no text to learn from"),
        ("", "no text to learn from"),
        (["short"], "longer than `window`=30. Received: a text of 5 characters"),
    ],
)
def test_an_empty_or_short_corpus_is_refused(texts, message):
    model = build_language_model(units=4, window=30)
    model.compile()
    with pytest.raises(ValueError, match=message):
        model.fit(texts, verbose=0)


@pytest.mark.parametrize(
    "arguments",
    [{"units": 0}, {"cell": "rnn"}, {"dropout": 1.0}, {"unit": "letter"}, {"vocab_size": 3}],
)
def test_bad_arguments_of_the_builder(arguments):
    with pytest.raises(ValueError, match=f"Received: .*{next(iter(arguments))}"):
        build_language_model(**arguments)


@pytest.mark.parametrize("unit", ["byte", "word", "subword"])
def test_other_units_give_the_text_back(unit):
    tokenizer = Tokenizer(unit, 300)
    texts = ["Élan, two  words: 42 times_over!", "one\ttwo"] * 4
    tokenizer.adapt(texts)
    assert [tokenizer.decode(tokenizer.encode(text)) for text in texts] == texts


@pytest.mark.slow
def test_nats_are_counted_by_character():
    texts = ["Élan, two  words: 42 times_over!", "one\ttwo"] * 4
    model = build_language_model(
        unit="subword", units=4, num_layers=2, tied=True, cell="lstm", seed=0
    )
    model.compile()
    model.fit(texts, epochs=1, verbose=0)
    metrics, _ = model.report(texts)
    assert metrics["bits_per_character"] == pytest.approx(metrics["nats_per_character"] / np.log(2))
    tokens = len(model.tokenizer.encode(texts[0])) + len(model.tokenizer.encode(texts[1])) + 2
    characters = len(texts[0]) + len(texts[1])
    ratio = metrics["nats_per_character"] / metrics["nats_per_unit"]
    assert ratio == pytest.approx(tokens / characters)
    assert len(model.sample(2, seed=0, length=6)) == 2


def test_an_alphabet_of_the_data_sets_the_size():
    assert build_language_model("abc", units=4).network.outputs[0].shape[-1] == 6


def test_training_goes_on_with_smaller_batches():
    model = build_language_model(units=4, window=5, embedding_dim=4, seed=0)
    model.compile()
    model.fit([LINE * 4], batch_size=4, epochs=1, verbose=0)
    for size in (2, 8):
        model.fit([LINE * 4], batch_size=size, epochs=1, verbose=0)
    assert model.streams == 4


@pytest.mark.slow
def test_music_is_heard_and_written_in_pitches():
    pieces = [[[60, 64, 67], [62, 65, 69], []] * 6] * 12
    model = build_language_model(pitches=(60, 69), units=24, window=8, dropout=0.0, seed=0)
    model.compile(learning_rate=2e-2)
    model.transpose = 0
    model.fit(pieces, batch_size=4, epochs=12, verbose=0)
    assert model.report(pieces)[0]["nats_per_step"] < 2.0
    sampled = model.sample(2, seed=0, length=6, temperature=0.01, prompt=pieces[0])
    assert sampled[0][:2] == [[60, 64, 67], [62, 65, 69]]
    with pytest.raises(ValueError, match="Received: pitch 20"):
        model.report([[[20]]])


def test_music_planned_in_smaller_batches_loads_again(tmp_path):
    pieces = [[[60, 64], [62]] * 6] * 4
    model = build_language_model(pitches=(60, 69), units=4, window=8, seed=0)
    model.compile()
    for size in (4, 2):  # as `train` does for little data
        steps_per_epoch(model, model.prepare(pieces), size)
    model.fit(pieces, batch_size=2, epochs=1, verbose=0)
    model.save(tmp_path / "m.keras")
    assert keras.saving.load_model(tmp_path / "m.keras").sample(1, seed=0, length=2)


def test_the_probabilities_of_all_chords_add_up_to_one_and_are_those_of_samples():
    sizes = {"window": 8, "units": 4, "num_layers": 1, "cell": "gru", "dropout": 0.0}
    model = build_music_model((60, 63), **sizes, seed=0, transpose=0)
    rng = np.random.default_rng(0)
    model.chord.assign(rng.normal(size=(4, 4)))
    outputs = rng.normal(size=(1, 4)).astype("float32")
    chords = np.array(list(itertools.product((0, 1), repeat=4)), "float32")
    p = np.exp(-ops.convert_to_numpy(model.nats(outputs, chords)))
    assert p.sum() == pytest.approx(1.0, abs=1e-5)
    n = 20_000
    notes = model.choose(np.repeat(outputs, n, axis=0), rng.random((n, 4), "float32"))
    drawn = ops.convert_to_numpy(notes) @ [8, 4, 2, 1]
    np.testing.assert_allclose(np.bincount(drawn.astype(int), minlength=16) / n, p, atol=0.015)
    heard = model.predict([[[60, 62]]])
    assert heard.shape == (1, 4)
    assert 0.0 <= heard.min() <= heard.max() <= 1.0
