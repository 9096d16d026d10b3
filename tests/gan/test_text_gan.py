"""The GAN for short texts."""

import keras
import numpy as np
import pytest
from keras import ops

import genai_basics as gb
from genai_basics.gan.counts import Counts
from genai_basics.gan.text_gan import token_pairs

NAMES = ["emma", "olivia", "ava", "mia", "noah", "anna", "liam", "ella"]


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    gan = gb.build_text_gan(
        8, vocabulary_size=16, latent_dim=8, units=16, filters=16, blocks=1, seed=0
    )
    gan.compile()
    gan.fit(NAMES * 16, epochs=3, verbose=0, validation_data=NAMES)
    return gan


@pytest.mark.slow
def test_texts_become_numbers_and_come_back(trained):
    (numbers,) = trained.prepare(["mia", "olivia", ""])
    assert numbers.shape == (3, 8)
    assert trained.invert(ops.one_hot(numbers, 16)) == ["mia", "olivia", ""]
    (cut,) = trained.prepare(["emmaemmaemma"])
    assert trained.invert(ops.one_hot(cut, 16)) == ["emmaemma"]
    (unknown,) = trained.prepare(["mXiXa"])  # characters outside the training data are dropped
    assert trained.invert(ops.one_hot(unknown, 16)) == ["mia"]


def test_words_as_tokens():
    gan = gb.build_text_gan(
        4, level="word", vocabulary_size=5, units=8, filters=8, blocks=1, seed=0
    )
    gan.adapt(["a b", "b c", "b d e f"])
    assert gan.tokens == ("", "b", "a", "c", "d")  # by frequency, then alphabetically
    assert gan.invert(ops.one_hot(gan.prepare(["c b a"])[0], 5)) == ["c b a"]


def test_the_generator_makes_choices_and_gradients_pass_them(trained):
    from genai_basics.backend import gradients

    z = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(4, 8)).astype("float32"))

    def total(z):
        # No text ends, since nothing is chosen after an end.
        chance = ops.broadcast_to(-50.0 * ops.one_hot(0, 16), (4, 8, 16))
        return ops.sum(trained.generator([z, chance]) * ops.arange(16, dtype="float32"))

    texts = ops.convert_to_numpy(trained.generate_batch(z, noise=trained.noise))
    np.testing.assert_allclose(texts.max(axis=-1), 1.0, atol=1e-6)
    np.testing.assert_allclose(texts.sum(axis=-1), 1.0, atol=1e-5)
    ended = np.maximum.accumulate(texts[..., 0] > 0.5, axis=1)
    np.testing.assert_array_equal(ended, texts[..., 0] > 0.5)
    assert float(ops.max(ops.abs(gradients(total, z)[1]))) > 0


def test_softmax_relaxation_shows_probabilities():
    gan = gb.build_text_gan(
        8, vocabulary_size=6, units=8, filters=8, blocks=1, relaxation="softmax", seed=0
    )
    texts = ops.convert_to_numpy(gan.generate_batch(ops.zeros((2, 64))))
    assert texts.max() < 1
    np.testing.assert_allclose(texts.sum(axis=-1), 1.0, atol=1e-5)


def test_sampling_repeats_itself_and_obeys_temperature(trained, tmp_path):
    assert trained.sample(20, seed=1) == trained.sample(20, seed=1)
    assert trained.sample(20, seed=1) != trained.sample(20, seed=2)
    assert all(isinstance(text, str) for text in trained.sample(3, seed=0))
    assert trained.sample(20, seed=1, temperature=1) == trained.sample(20, seed=1)
    assert trained.sample(20, seed=1, temperature=2) != trained.sample(20, seed=1)
    trained.save(tmp_path / "gan.keras")
    again = keras.models.load_model(tmp_path / "gan.keras")
    assert again.tokens == trained.tokens
    assert again.sample(20, seed=1) == trained.sample(20, seed=1)


def test_weights_are_kept_by_the_pairs_of_characters(trained):
    assert trained.monitor == "val_divergence"
    counts = Counts((256,), token_pairs)
    (tokens,) = trained.prepare(["emma", "mia"])
    texts = ops.one_hot(tokens, 16)
    counts.update_state(texts, ops.concatenate([texts, texts]))
    assert counts.divergence() == pytest.approx(0.0, abs=1e-9)
    assert float(ops.sum(counts.sides[0][0])) == 7  # em mm ma a. mi ia a.
    counts.reset_state()
    counts.update_state(texts[:1], texts[1:])
    assert 0.3 < counts.divergence() < np.log(2)


def test_texts_to_avoid_do_not_come(trained):
    plain = trained.sample(20, seed=1)
    avoided = set(plain[:10])
    new = trained.sample(20, seed=1, avoid=avoided)
    assert not set(new) & avoided
    kept = [i for i, text in enumerate(plain) if text not in avoided]
    assert [new[i] for i in kept] == [plain[i] for i in kept]


def test_report_has_divergences_and_their_floor(trained):
    report, _ = trained.report(NAMES * 4)
    for n in (2, 3, 4):
        assert 0 <= report[f"ngram_jsd_{n}"] <= np.log(2) + 1e-6
        assert f"ngram_jsd_{n}_floor" in report
    assert 0 < report["distinct"] <= 1
    rows, _ = trained.answer(NAMES[:2])
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_length": 0}, "Received: max_length=0"),
        ({"latent_dim": 0}, "Received: latent_dim=0"),
        ({"vocabulary_size": 1}, "Received: vocabulary_size=1"),
        ({"level": "syllable"}, "Received: level='syllable'"),
        ({"relaxation": "none"}, "Received: relaxation='none'"),
        ({"loss": "minimax"}, '"non_saturating", "hinge"'),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        gb.build_text_gan(**options)


def test_wrong_data_are_refused(trained):
    with pytest.raises(ValueError, match=r"a list of texts\. Received: one text, 'emma'"):
        trained.fit("emma")
    with pytest.raises(ValueError, match="numbers of dtype"):
        trained.fit(np.zeros((3, 8)))
    with pytest.raises(ValueError, match="empty texts only"):
        gb.build_text_gan(8, units=8, filters=8, blocks=1).adapt(["", ""])
    with pytest.raises(ValueError, match="temperature=-1"):
        trained.sample(1, temperature=-1)
