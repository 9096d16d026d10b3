"""The fast layers have the same outputs and gradients as Keras' layers."""

import keras
import numpy as np
import pytest
from keras import ops

from genai_basics.backend import gradients, value_of
from genai_basics.layers.cells import GRU, LSTM

PAIRS = [(GRU, keras.layers.GRU), (LSTM, keras.layers.LSTM)]


def pair_of(fast, plain, x, **kwargs):
    """Return both layers, with the same weights."""
    layers = [cls(6, return_sequences=True, return_state=True, **kwargs) for cls in (fast, plain)]
    for layer in layers:
        layer.build(x.shape)
    rng = np.random.default_rng(1)
    weights = [rng.normal(size=w.shape) * 0.4 for w in layers[1].get_weights()]
    for layer in layers:
        layer.set_weights(weights)
    return layers


@pytest.mark.parametrize(("fast", "plain"), PAIRS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_outputs_states_and_gradients_are_those_of_keras(fast, plain, masked, backwards):
    rng = np.random.default_rng(0)
    x = ops.convert_to_tensor(rng.normal(size=(4, 7, 5)).astype("float32"))
    mask = ops.convert_to_tensor(np.arange(7) < np.array([7, 5, 3, 1])[:, None]) if masked else None
    results = []
    for layer in pair_of(fast, plain, x, go_backwards=backwards):

        def loss(x, layer=layer):
            outputs, *states = layer(x, mask=mask)
            return ops.sum(ops.sin(3 * outputs)) + ops.sum(ops.cos(states[-1]))

        results.append([*layer(x, mask=mask), *gradients(loss, x)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(("fast", "plain"), PAIRS)
def test_a_step_of_training_moves_the_weights_as_keras_does(fast, plain):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 9, 3)).astype("float32"), rng.normal(size=(8, 4)).astype("float32")
    found = []
    for cls in (fast, plain):
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.Input((None, 3)), cls(5), keras.layers.Dense(4)])
        model.compile(keras.optimizers.SGD(0.5), "mse")
        model.fit(x, y, epochs=2, batch_size=8, shuffle=False, verbose=0)
        found.append([value_of(w) for w in model.weights])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(("fast", "plain"), PAIRS)
def test_one_step_is_the_first_of_many(fast, plain):
    x = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(2, 4, 5)).astype("float32"))
    layer, _ = pair_of(fast, plain, x)
    state = [ops.ones((2, 6)) * 0.3] * (1 if fast is GRU else 2)
    whole = layer(x, initial_state=state)[0]
    for t in range(4):
        output, *state = layer(x[:, t : t + 1], initial_state=state)
        np.testing.assert_allclose(output[:, 0], whole[:, t], atol=1e-6)


def test_what_is_not_the_default_is_left_to_keras():
    x = ops.ones((2, 5, 3))
    layer = GRU(4, activation="relu")
    layer.build(x.shape)
    twin = keras.layers.GRU(4, activation="relu")
    twin.build(x.shape)
    twin.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x), twin(x), atol=1e-6)
