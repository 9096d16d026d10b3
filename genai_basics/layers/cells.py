"""Recurrent layers that train faster than Keras' own on a CPU, with the same weights.

Keras projects the inputs and sums the gradients of the weights step by step. Here one matrix
product before the loop projects all steps, and one after the backward loop computes the weights'
gradients; the loops contain only what is truly recurrent. On a GPU, and for non-default
arguments (activations, dropout within the layer), Keras' own implementation is used.
"""

import keras
from keras import ops

from ..backend import on_gpu, scan
from ..checks import one_of

__all__ = ["GRU", "LSTM", "recurrent_layer"]


def recurrent_layer(cell, units, seeds, **kwargs):
    """Return a `GRU` or `LSTM` whose weights are drawn with a `SeedGenerator`."""
    cells = {"gru": GRU, "lstm": LSTM}
    return cells[one_of("cell", cell, cells)](
        units,
        kernel_initializer=keras.initializers.GlorotUniform(seeds),
        recurrent_initializer=keras.initializers.Orthogonal(seed=seeds),
        **kwargs,
    )


class _Fast:
    """Selects the loop of a subclass, one step of the cell, or Keras' own loop."""

    in_one_array = False  # whether to loop as formats without lists of tensors do; see `exporting`

    def inner_loop(self, sequences, initial_state, mask, training=False):
        cell = self.cell
        plain = (
            cell.use_bias
            and not (training and (cell.dropout or cell.recurrent_dropout))
            and cell.activation is keras.activations.tanh
            and cell.recurrent_activation is keras.activations.sigmoid
            and getattr(cell, "reset_after", True)
            and not self.unroll
        )
        if not plain or on_gpu():
            return super().inner_loop(sequences, initial_state, mask, training=training)
        if sequences.shape[1] == 1 and mask is None:
            output, states = cell(sequences[:, 0], list(initial_state), training=training)
            return output, output[:, None], states
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        given = sequences.dtype
        # States are in single precision at least, since rounding errors accumulate over steps.
        dtype = "float32" if given in ("bfloat16", "float16") else given
        steps = ops.transpose(ops.cast(sequences, dtype), (1, 0, 2))
        if self.go_backwards:
            steps = ops.flip(steps, axis=0)
        if mask is not None:
            mask = ops.expand_dims(ops.cast(ops.transpose(mask), steps.dtype), -1)
            mask = ops.flip(mask, axis=0) if self.go_backwards else mask
        run = self.run_in_one_array if self.in_one_array else self.run
        outputs, states = run(steps, [ops.cast(s, dtype) for s in initial_state], mask)
        states = [ops.cast(state, given) for state in states]
        return states[0], ops.transpose(ops.cast(outputs, given), (1, 0, 2)), states

    def run_in_one_array(self, steps, states, mask):
        """Run the cell step by step; each step writes its output into one array."""
        rows = ops.reshape(ops.arange(ops.shape(steps)[0]), (-1, 1, 1))

        def step(i, outputs, *states):
            _, after = self.cell(ops.take(steps, i, axis=0), list(states))
            if mask is not None:
                here = ops.take(mask, i, axis=0)
                after = [old + here * (new - old) for old, new in zip(states, after, strict=True)]
            return i + 1, ops.where(rows == i, ops.expand_dims(after[0], 0), outputs), *after

        outputs = ops.zeros((*ops.shape(steps)[:2], self.units), steps.dtype)
        going = lambda i, *_: i < ops.shape(steps)[0]  # noqa: E731
        _, outputs, *states = ops.while_loop(going, step, (0, outputs, *states))
        return outputs, states

    def weights_as(self, dtype):
        """Return the kernel, the recurrent kernel and the bias of the cell in a dtype."""
        weights = (self.cell.kernel, self.cell.recurrent_kernel, self.cell.bias)
        return [ops.cast(ops.convert_to_tensor(weight), dtype) for weight in weights]


@keras.saving.register_keras_serializable(package="genai_basics")
class GRU(_Fast, keras.layers.GRU):
    """`keras.layers.GRU`, faster on a CPU (Cho et al., 2014, with the reset after the product).

    It has the same arguments, weights, outputs and gradients.
    """

    def run(self, steps, states, mask):
        kernel, recurrent, bias = self.weights_as(steps.dtype)
        projected = ops.matmul(steps, kernel) + bias[0]
        if mask is None:
            outputs = _gru(projected, states[0], recurrent, bias[1])
        else:
            outputs = _masked_gru(projected, states[0], recurrent, bias[1], mask)
        return outputs, [outputs[-1]]


@keras.saving.register_keras_serializable(package="genai_basics")
class LSTM(_Fast, keras.layers.LSTM):
    """`keras.layers.LSTM` with the inputs of all steps projected at once.

    It has the same arguments, weights, outputs and gradients.
    """

    def run(self, steps, states, mask):
        kernel, recurrent, bias = self.weights_as(steps.dtype)
        projected = ops.matmul(steps, kernel) + bias
        masks = ops.ones_like(projected[..., :1]) if mask is None else mask

        def step(carry, inputs):
            h, c = carry
            x, m = inputs
            i, f, g, o = ops.split(x + ops.matmul(h, recurrent), 4, axis=-1)
            new_c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
            new_h = ops.sigmoid(o) * ops.tanh(new_c)
            if mask is not None:
                new_h, new_c = m * new_h + (1 - m) * h, m * new_c + (1 - m) * c
            return (new_h, new_c), (new_h,)

        (h, c), (outputs,) = scan(step, tuple(states), (projected, masks), _like(states[0], 1))
        return outputs, [h, c]


def _gru_step(h, x, recurrent, bias):
    """Return the next state and what its gradient needs: z and r, the candidate, h's part in it.

    z, r = sigmoid(x + h U + b); candidate = tanh(x + r (h U + b)); h' = z h + (1 - z) candidate.
    """
    units = h.shape[-1]
    inner = ops.matmul(h, recurrent) + bias
    gates = ops.sigmoid(x[:, : 2 * units] + inner[:, : 2 * units])
    z, r, part = gates[:, :units], gates[:, units:], inner[:, 2 * units :]
    candidate = ops.tanh(x[:, 2 * units :] + r * part)
    return candidate + z * (h - candidate), (gates, candidate, part)


def _gru_gradient(d, h, gates, candidate, part):
    """Return the gradients of x, of h U + b, and of h directly, from the next state's gradient."""
    units = h.shape[-1]
    z, r = gates[:, :units], gates[:, units:]
    d_candidate = d * (1 - z) * (1 - candidate * candidate)
    d_z = d * (h - candidate) * z * (1 - z)
    d_r = d_candidate * part * r * (1 - r)
    d_x = ops.concatenate([d_z, d_r, d_candidate], axis=-1)
    d_inner = ops.concatenate([d_z, d_r, d_candidate * r], axis=-1)
    return d_x, d_inner, d * z


@ops.custom_gradient
def _gru(x, h, recurrent, bias):
    """Return the states after each step, (time, batch, units); x is (time, batch, 3 units)."""

    def forward(h, x):
        after, saved = _gru_step(h, x, recurrent, bias)
        return after, (after, *saved)

    _, (outputs, *saved) = scan(forward, h, x, _like(h, 1, 2, 1, 1))
    before = ops.concatenate([h[None], outputs[:-1]], axis=0)

    def grad(upstream):
        transposed = ops.transpose(recurrent)

        def backward(d_h, inputs):
            d_output, *rest = inputs
            d_x, d_inner, d_h = _gru_gradient(d_h + d_output, *rest)
            return d_h + ops.matmul(d_inner, transposed), (d_x, d_inner)

        xs = (upstream, before, *saved)
        d_h, (d_x, d_inner) = scan(backward, ops.zeros_like(h), xs, _like(h, 3, 3), reverse=True)
        return d_x, d_h, *_weight_gradients(before, d_inner)

    return outputs, grad


@ops.custom_gradient
def _masked_gru(x, h, recurrent, bias, mask):
    """Like `_gru`, but where `mask` (time, batch, 1) is 0, the state does not change."""

    def forward(h, inputs):
        x, m = inputs
        after, saved = _gru_step(h, x, recurrent, bias)
        after = h + m * (after - h)
        return after, (after, *saved)

    _, (outputs, *saved) = scan(forward, h, (x, mask), _like(h, 1, 2, 1, 1))
    before = ops.concatenate([h[None], outputs[:-1]], axis=0)

    def grad(upstream):
        transposed = ops.transpose(recurrent)

        def backward(d_h, inputs):
            d_output, m, *rest = inputs
            d = d_h + d_output
            d_x, d_inner, d_h = _gru_gradient(m * d, *rest)
            return d_h + (1 - m) * d + ops.matmul(d_inner, transposed), (d_x, d_inner)

        xs = (upstream, mask, before, *saved)
        d_h, (d_x, d_inner) = scan(backward, ops.zeros_like(h), xs, _like(h, 3, 3), reverse=True)
        return d_x, d_h, *_weight_gradients(before, d_inner), ops.zeros_like(mask)

    return outputs, grad


def _like(h, *widths):
    """Return the tensor specs of a loop's step: (batch, a multiple of the units of h)."""
    return tuple(keras.KerasTensor((h.shape[0], n * h.shape[1]), h.dtype) for n in widths)


def _weight_gradients(before, d_inner):
    """Return the gradients of the recurrent kernel and its bias in one product over all steps."""
    units = before.shape[-1]
    flat = ops.reshape(d_inner, (-1, 3 * units))
    d_kernel = ops.matmul(ops.transpose(ops.reshape(before, (-1, units))), flat)
    return d_kernel, ops.sum(flat, axis=0)
