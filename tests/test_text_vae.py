"""The VAE for texts: what it counts, that it uses its code, and its methods."""

import keras
import numpy as np
import pytest
from keras import ops

from genai_basics import Doctor, build_text_vae, feeding
from genai_basics.chunks import draw_unlike
from genai_basics.metrics import active_units
from genai_basics.preprocessing import BOUNDARY, PADDING
from genai_basics.vae.text_vae import without_padding

FIRST = ["anna", "berta", "carla", "dora", "emma", "frida"]
LAST = ["huber", "maier", "schmidt", "bauer", "fischer"]
NAMES = [f"{a} {b}" for a in FIRST for b in LAST] * 20


@pytest.fixture(scope="module")
def vae():
    model = build_text_vae(6, units=48, embedding_dim=16, free_bits=0.5, seed=0)
    model.compile(learning_rate=1e-2)
    model.fit(NAMES, epochs=25, batch_size=32, verbose=0)
    return model


@pytest.mark.slow
def test_texts_become_numbers_with_an_end(vae):
    (tokens,) = vae.prepare(["anna huber"])
    assert tokens.shape == (1, vae.max_length + 1)
    assert tokens[0, 10] == BOUNDARY
    assert (tokens[0, 11:] == PADDING).all()
    assert vae.invert(tokens) == ["anna huber"]


def test_an_untrained_decoder_is_as_good_as_guessing():
    model = build_text_vae(2, units=8, vocab_size=50, seed=0)
    model.adapt(["abc"])
    (tokens,) = model.prepare(["abc"])
    nats = float(model.distortion(ops.convert_to_tensor(tokens), ops.zeros((1, 2)))[0])
    assert nats == pytest.approx(4 * np.log(50), rel=0.05)  # three letters and the end


def test_padding_counts_for_nothing(vae):
    (short,) = vae.prepare(["anna huber"])
    longer = np.pad(short, ((0, 0), (0, 5)))
    z = ops.convert_to_tensor(vae.encode(["anna huber"]))
    nats = [float(vae.distortion(ops.convert_to_tensor(t), z)[0]) for t in (short, longer)]
    assert nats[0] == pytest.approx(nats[1], rel=1e-5)


@pytest.mark.parametrize("vocab_size", [20, 50])  # the larger exceeds the width: tied
def test_the_nats_are_those_of_the_decoders_logits(vocab_size):
    model = build_text_vae(3, units=24, embedding_dim=8, vocab_size=vocab_size, seed=0)
    model.adapt(["abcd", "ab"])
    (tokens,) = model.prepare(["abcd", "ab"])
    z = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(2, 3)).astype("float32"))
    before = ops.pad(
        ops.convert_to_tensor(tokens[:, :-1]), ((0, 0), (1, 0)), constant_values=BOUNDARY
    )
    logits, _ = model.decoder([z, before, model.starter(z)])
    log_p = ops.convert_to_numpy(ops.log_softmax(logits))
    for i, length in enumerate((5, 3)):
        nats = -log_p[i, np.arange(length), tokens[i, :length]].sum()
        found = float(model.distortion(ops.convert_to_tensor(tokens), z)[i])
        assert found == pytest.approx(nats, rel=1e-5)


def test_a_batch_holds_texts_of_like_lengths_and_is_cut_to_the_longest(vae):
    short, long = sorted(NAMES, key=len)[:16], sorted(NAMES, key=len)[-16:]
    batches, _ = feeding.read(vae, short + long).batches(vae, 16, seed=0, training=True)
    cut = [ops.convert_to_numpy(without_padding(batch[0])) for batch in batches.take(4)]
    assert {tokens.shape[1] for tokens in cut} == {len(short[-1]) + 1, len(long[-1]) + 1}
    assert all((tokens != PADDING).any(axis=0).all() for tokens in cut)


def test_the_decoder_uses_the_code(vae):
    metrics, _ = vae.report(NAMES[:30])
    assert metrics["kl"] > 2.5
    assert active_units(vae.encode(NAMES[:30])) == metrics["active_units"]
    assert metrics["active_units"] >= 5
    assert metrics["exact_reconstructions"] > 0.1  # by chance: 0.03
    uniform = np.log(30)  # nats per name, one of thirty, a lower bound for any code
    assert uniform - 0.1 < metrics["negative_elbo"] < 12


def test_samples_repeat_by_seed_and_are_spelled_from_the_alphabet(vae):
    samples = vae.sample(40, seed=3)
    assert samples == vae.sample(40, seed=3)
    assert samples != vae.sample(40, seed=4)
    assert samples[:5] == vae.sample(5, seed=3)
    assert set("".join(samples)) <= set("".join(NAMES))
    assert len(set(vae.sample(40, seed=3, temperature=0.1))) > 5


def test_texts_to_avoid_are_drawn_again_and_the_others_stay(vae):
    plain = vae.sample(40, seed=3)
    new = vae.sample(40, seed=3, avoid=NAMES)
    assert set(plain) & set(NAMES)
    assert not set(new) & set(NAMES)
    kept = [text not in NAMES for text in plain]
    assert [t for t, k in zip(new, kept, strict=True) if k] == [t for t in plain if t not in NAMES]
    assert new == vae.sample(40, seed=3, avoid=NAMES)
    assert new[:5] == vae.sample(5, seed=3, avoid=NAMES)


def test_no_text_is_longer_than_the_longest():
    model = build_text_vae(2, units=4, max_length=3, seed=0)
    model.adapt(["abc"])
    assert max(map(len, model.sample(50, seed=0))) == 3


def test_a_model_that_knows_nothing_else_says_so():
    with pytest.raises(ValueError, match="2 of 2 samples are still among those to avoid"):
        draw_unlike(["a", "b"], lambda seed: ["a", "b"], seed=0)


def test_interpolation_begins_and_ends_at_its_ends(vae):
    line = vae.interpolate("anna huber", "frida bauer", steps=5)
    assert len(line) == 5
    assert [line[0], line[-1]] == vae.reconstruct(["anna huber", "frida bauer"])


def test_a_model_comes_back_from_its_file(vae, tmp_path):
    vae.save(tmp_path / "vae.keras")
    loaded = keras.models.load_model(tmp_path / "vae.keras")
    assert loaded.sample(10, seed=1) == vae.sample(10, seed=1)
    assert loaded.reconstruct(NAMES[:5]) == vae.reconstruct(NAMES[:5])


@pytest.mark.slow
def test_a_conditional_model_is_asked_by_label():
    texts, labels = FIRST * 30 + LAST * 36, ["first"] * 180 + ["last"] * 180
    model = build_text_vae(
        4, units=32, embedding_dim=8, num_classes=2, class_names=("first", "last"), seed=0
    )
    model.compile(learning_rate=1e-2)
    model.fit(texts, labels, epochs=25, batch_size=32, verbose=0)
    last, first = (model.sample(60, labels=label, seed=0) for label in ("last", "first"))
    ends = [np.mean([text[-1:] in ("r", "t") for text in texts]) for texts in (last, first)]
    assert ends[0] > 0.6  # the ending of all last names and of no first name
    assert ends[1] < 0.3
    with pytest.raises(ValueError, match="among first, last"):
        model.sample(2, labels="middle")


@pytest.mark.slow
def test_words_are_put_together_again():
    texts = ["the cat sat.", "a dog ran, too", "the dog sat"] * 20
    model = build_text_vae(2, unit="word", units=16, embedding_dim=8, vocab_size=50, seed=0)
    model.compile()
    model.fit(texts, epochs=1, verbose=0)
    assert model.invert(model.prepare(texts[:3])[0]) == texts[:3]


@pytest.mark.slow
def test_collapse_is_named_with_what_to_change():
    model = build_text_vae(8, units=16, free_bits=0.0, beta=50.0, warm_up=0.0, seed=0)
    model.compile()
    doctor = Doctor()
    with pytest.warns(UserWarning, match="raise `free_bits`"):
        model.fit(NAMES[:200], epochs=6, verbose=0, callbacks=[doctor])
    assert "posterior_collapse" in doctor.findings


def test_texts_that_do_not_fit_are_answered(vae):
    with pytest.raises(ValueError, match="must not be empty"):
        vae.encode(["anna", " "])
    with pytest.raises(ValueError, match="must hold texts"):
        vae.encode([1, 2])
    with pytest.warns(UserWarning, match="1 of 2 texts are longer than max_length"):
        vae.encode(["anna", "x" * 100])
    model = build_text_vae(2, units=8)
    with pytest.raises(ValueError, match="too long for one code"):
        model.adapt(["ab" * 1000])
    with pytest.raises(ValueError, match="temperature=0"):
        vae.sample(1, temperature=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"latent_dim": 0}, "latent_dim=0"),
        ({"unit": "letter"}, "unit='letter'"),
        ({"word_dropout": 1.0}, "word_dropout=1.0"),
        ({"max_length": 0}, "max_length=0"),
        ({"units": 0}, "units=0"),
    ],
)
def test_a_wrong_argument_is_named_with_what_came(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_text_vae(**arguments)
