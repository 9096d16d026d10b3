"""Inputs of Keras' methods: arrays, Datasets, generators, weights and single batches, all raw."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import genai_basics as gb
from genai_basics.backend import value_of
from genai_basics.feeding import Examples, Stream, read

RNG = np.random.default_rng(0)
Y = np.arange(400) % 2
X = np.c_[1e4 + 9 * Y + RNG.normal(size=400), 1e7 + RNG.normal(size=400)].astype("float32")
TEXTS = [f"{'good' if i % 2 else 'bad'} film number {i}" for i in range(200)]


def classifier(**options):
    model = gb.build_mlp((2,), num_classes=2, hidden_units=(8,), dropout=0.0, seed=0, **options)
    model.compile(learning_rate=0.02)
    return model


class Batches(keras.utils.PyDataset):
    """Examples in order, 50 at a time."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = parts

    def __len__(self):
        return -(-len(self.parts[0]) // 50)

    def __getitem__(self, i):
        return tuple(part[50 * i : 50 * i + 50] for part in self.parts)


def generator(*parts):
    batches = Batches(*parts)
    while True:
        yield from (batches[i] for i in range(len(batches)))


SOURCES = {
    "batched": lambda: tf.data.Dataset.from_tensor_slices((X, Y)).batch(50),
    "unbatched": lambda: tf.data.Dataset.from_tensor_slices((X, Y)),
    "one-hot": lambda: tf.data.Dataset.from_tensor_slices((X, np.eye(2)[Y])).batch(50),
    "PyDataset": lambda: Batches(X, Y),
    "generator": lambda: generator(X, Y),
}


@pytest.mark.parametrize("name", SOURCES)
def test_streams_are_adapted_to_and_learned_from(name):
    model = classifier()
    steps = {"steps_per_epoch": 8} if name == "generator" else {}
    model.fit(SOURCES[name](), epochs=6, verbose=0, **steps)
    np.testing.assert_allclose(value_of(model.preprocessor.scaling.mean), X.mean(0), rtol=1e-4)
    assert model.evaluate(X, Y, verbose=0, return_dict=True)["accuracy"] > 0.95
    if name not in ("generator", "one-hot"):
        np.testing.assert_allclose(
            model.predict(SOURCES[name](), verbose=0), model.predict(X, verbose=0), atol=1e-5
        )


def test_a_torch_loader_is_a_stream():
    torch = pytest.importorskip("torch")
    pairs = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    model = classifier()
    model.fit(torch.utils.data.DataLoader(pairs, batch_size=50), epochs=6, verbose=0)
    assert model.evaluate(X, Y, verbose=0, return_dict=True)["accuracy"] > 0.95


@pytest.mark.slow
def test_a_stream_of_columns_and_of_texts_is_read_like_arrays():
    columns = {"size": X[:, 0], "colour": np.where(Y, "red", "blue")}
    kinds = [("size", "number"), ("colour", "category")]
    model = gb.build_mlp(columns=kinds, num_classes=2, hidden_units=(8,), seed=0)
    model.compile()
    model.fit(tf.data.Dataset.from_tensor_slices((columns, Y)).batch(50), epochs=20, verbose=0)
    assert model.evaluate(columns, Y, verbose=0, return_dict=True)["accuracy"] == 1.0
    model = gb.build_mlp(num_classes=2, seed=0)
    model.compile()
    y = np.arange(200) % 2
    model.fit(tf.data.Dataset.from_tensor_slices((TEXTS, y)), epochs=3, verbose=0)
    assert model.evaluate(TEXTS, y, verbose=0, return_dict=True)["accuracy"] == 1.0


def test_weights_in_a_stream_and_next_to_arrays_count_alike():
    model, weights = classifier(), np.where(Y, 0.0, 2.0).astype("float32")
    model.adapt(X, Y)
    stream = tf.data.Dataset.from_tensor_slices((X, Y, weights)).batch(128)
    beside = model.evaluate(X, Y, sample_weight=weights, batch_size=128, verbose=0)
    np.testing.assert_allclose(model.evaluate(stream, verbose=0), beside, rtol=1e-5)


def test_class_weights_multiply_the_examples_own():
    model = classifier(class_names=("no", "yes"))
    data = Examples(X, Y, np.full(400, 0.5)).weighted(model, {"yes": 3.0})
    np.testing.assert_array_equal(data.sample_weight, np.where(Y, 1.5, 0.5))
    with pytest.raises(ValueError, match=r"`class_weight` must name classes among no, yes.*'may'"):
        model.fit(X, Y, class_weight={"may": 1.0})


def test_one_raw_batch_is_trained_evaluated_and_predicted_like_many():
    digits = gb.load_data("digits", limit=64).train.x
    vae = gb.build_vae((8, 8, 1), latent_dim=2, hidden_units=(16,), seed=0)
    vae.compile()
    losses = [vae.train_on_batch(digits, return_dict=True)["loss"] for _ in range(3)]
    assert max(losses) < 100  # 64 pixels of at most log 2 nats, and initially little KL
    model = classifier()
    model.train_on_batch(X, Y)
    batch = model.test_on_batch(X, Y, return_dict=True)
    model.reset_metrics()
    whole = model.evaluate(X, Y, batch_size=400, verbose=0, return_dict=True)
    assert whole["loss"] == pytest.approx(batch["loss"], rel=0.5)
    np.testing.assert_allclose(model.predict_on_batch(X), model.predict(X, verbose=0), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"batch_size": 0}, "`batch_size` must be at least 1.*batch_size=0"),
        ({"batch_size": -1}, "batch_size=-1"),
        ({"batch_size": 32.0}, "batch_size=32.0"),
        ({"validation_split": 1.5}, "`validation_split` must be above 0 and below 1.*1.5"),
        ({"validation_split": 0.001}, "leaves one side without examples.*of 400"),
        ({"validation_data": (X[:0], Y[:0])}, "at least one example"),
        ({"sample_weight": np.ones((400, 2))}, "`sample_weight` must hold one finite number"),
        ({"sample_weight": np.ones(399)}, "same length"),
    ],
)
def test_arguments_that_make_no_sense_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        classifier().fit(X, Y, verbose=0, **arguments)


def test_streams_that_make_no_sense_are_named():
    model, dataset = classifier(), SOURCES["batched"]()
    with pytest.raises(ValueError, match="hold x, y and weights: leave `y` out"):
        model.fit(dataset, Y)
    with pytest.raises(ValueError, match="`validation_split` needs arrays"):
        model.fit(dataset, validation_split=0.5)
    with pytest.raises(ValueError, match=r"pass `steps_per_epoch`.*endless"):
        model.fit(dataset.repeat(), verbose=0)
    with pytest.raises(ValueError, match="pass `steps_per_epoch`"):
        model.fit(generator(X, Y), verbose=0)
    with pytest.raises(ValueError, match="there is nothing in it"):
        model.fit(dataset.take(0))
    with pytest.raises(ValueError, match="there are no data: pass x"):
        model.fit()
    writer = gb.build_language_model("ab ", units=4, window=10, seed=0)
    writer.compile()
    with pytest.raises(ValueError, match="cuts its examples out of whole series or texts"):
        writer.fit(tf.data.Dataset.from_tensor_slices(["ab ab"] * 4).batch(2))


@pytest.mark.slow
def test_models_without_losses_of_examples_refuse_weights():
    gan = gb.build_gan((8, 8, 1), num_classes=2, latent_dim=2, hidden_units=(8,), seed=0)
    gan.compile(jit_compile=False)
    x = np.zeros((8, 8, 8, 1), "uint8")
    with pytest.raises(ValueError, match=r"no loss of single examples to weigh.*`sample_weight`"):
        gan.fit(x, np.arange(8) % 2, class_weight={0: 2.0}, verbose=0)


def test_a_list_is_x_unless_there_is_a_y():
    generator = gb.build_vae((2,), hidden_units=(8,))
    assert Examples(TEXTS).held_out(generator, TEXTS[:2]).x == TEXTS[:2]
    held = Examples(TEXTS, [0] * 200).held_out(classifier(), [TEXTS[:2], [1, 0]])
    assert (held.x, held.y) == (TEXTS[:2], [1, 0])
    assert isinstance(read(None, iter([1])), Stream)


def test_few_examples_come_in_smaller_batches():
    model = classifier()
    model.fit(X, Y, verbose=0)  # 400 examples: 16 steps of 16, not 3 of 128
    assert int(value_of(model.optimizer.iterations)) == 25
    model = gb.build_mlp((2,), num_classes=2, hidden_units=(8,), seed=0)
    model.compile("adam")
    model.fit(np.tile(X, (3, 1)), np.tile(Y, 3), verbose=0)  # Keras' default of 32
    assert int(value_of(model.optimizer.iterations)) == 37
