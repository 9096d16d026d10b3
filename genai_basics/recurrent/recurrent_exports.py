"""What the recurrent models export: whole forecasts and transcripts, and single steps of text.

A step takes the state of the network and returns the next one, so that a program can write or
translate a text unit by unit.
"""

import numpy as np
from keras import ops

from ..exporting import Export, Graph, no_such_units, programs, vocabulary_of
from ..losses import single
from ..preprocessing import PADDING, UNKNOWN

__all__ = [
    "exported_forecaster",
    "exported_language_model",
    "exported_music_model",
    "exported_recognizer",
    "exported_translator",
]


def exported_forecaster(model):
    """Return the graph from the last window of a series to the quantiles of the next steps."""
    inputs = {"history": ((model.window, len(model.columns)), "float32")}
    if model.known:
        inputs["future"] = ((model.horizon, len(model.known)), "float32")

    def forecaster(history, future=None):
        if future is None:  # a model without `known` does not use it
            future = history[:, : model.horizon, :0]
        return {"quantiles": model.forecasts_of(history, future)[0]}

    facts = {name: getattr(model, name) for name in ("columns", "targets", "known", "quantiles")}
    facts |= {"window": model.window, "horizon": model.horizon}
    window = (
        f"np.sin(np.arange({model.window * len(model.columns)}) / 3).reshape({model.window}, -1)"
    )
    future = f", np.zeros(({model.horizon}, {len(model.known)}))" if model.known else ""
    graphs = {"forecaster": Graph(forecaster, inputs)}
    return Export(graphs, (programs.forecast,), window + future, facts, {})


def _next(states):
    """Return the states after a step by name; formats do not allow outputs named like inputs."""
    return {f"next_state{i}": state for i, state in enumerate(states)}


def _step_of(model, logits_of):
    """Return the graph of one step of a `SequenceModel`, and the sizes of its states."""
    step, *states = model.network.inputs
    names = [f"state{i}" for i in range(len(states))]
    kind = ("token", "int32") if len(step.shape) == 2 else ("notes", "float32")
    inputs = {kind[0]: ((1, *step.shape[2:]), kind[1])}
    inputs |= {n: (s.shape[1:], "float32") for n, s in zip(names, states, strict=True)}

    def advance(step, *states):
        outputs, *after = single(model.network([step, *states], training=False))
        return {"logits": logits_of(outputs[:, 0]), **_next(after)}

    return Graph(advance, inputs), {n: s.shape[1] for n, s in zip(names, states, strict=True)}


def exported_language_model(model):
    """Return the graph of one step, from a token and the state to the next token's logits."""
    less = no_such_units(model.tokenizer, PADDING, UNKNOWN)
    step, states = _step_of(model, lambda logits: logits + less)
    facts = {"states": states, "vocabulary": vocabulary_of(model.tokenizer)}
    facts["opening"] = model.opening or ""
    return Export({"step": step}, (programs.write,), "", facts, {})


def exported_music_model(model):
    """Return the graph of one step, from notes and the state to logits of the next notes.

    A note also depends on the lower ones of its step: `chord.npy` has the weights.
    """
    step, states = _step_of(model, lambda logits: logits)
    facts = {"states": states, "low": model.low, "high": model.high}
    chord = ops.convert_to_numpy(ops.triu(model.chord, 1))
    return Export({"step": step}, (programs.compose,), "", facts, {"chord": chord})


def exported_translator(model):
    """Return the encoder of sources, and one step of the decoder."""
    names = [f"state{i}" for i in range(len(model.encoder.outputs) - 1)]
    size = model.encoder.outputs[0].shape[-1]
    less = np.where(np.arange(model.target_tokenizer.size) == PADDING, -1e9, 0.0)

    def encoder(source):
        encoded, *states = single(model.encoder(source, training=False))
        return {"encoded": encoded, **dict(zip(names, states, strict=True))}

    def step(token, encoded, source, *states):
        outputs = model.decoder([token, encoded, source, *states], training=False)
        logits, weights, *after = single(outputs)
        found = {"logits": logits[:, 0] + less.astype("float32"), "attention": weights[:, 0]}
        return {**found, **_next(after)}

    source = {"source": ((None,), "int32")}
    inputs = {"token": ((1,), "int32"), "encoded": ((None, size), "float32"), **source}
    inputs |= dict.fromkeys(names, ((size,), "float32"))
    graphs = {"encoder": Graph(encoder, source), "step": Graph(step, inputs)}
    facts = {
        "source": vocabulary_of(model.source_tokenizer),
        "target": vocabulary_of(model.target_tokenizer),
        "max_length": model.max_length,
    }
    return Export(graphs, (programs.translate,), repr("hello"), facts, {})


def exported_recognizer(model):
    """Return the graph from padded clips and their lengths to log p of symbols per frame."""

    def recognizer(samples, length):
        logits, frames = model.outputs_of({"samples": samples, "length": length})
        return {"log_p": ops.log_softmax(logits), "frames": frames}

    inputs = {"samples": ((None,), "float32"), "length": ((), "int32")}
    rate = model.log_mel.sample_rate
    facts = {
        "symbols": model.symbols,
        "separator": " " if model.whole_words else "",
        "sample_rate": rate,
    }
    clip = f"[np.sin(np.arange({rate}) / 9)]"
    return Export(
        {"recognizer": Graph(recognizer, inputs)}, (programs.transcribe,), clip, facts, {}
    )
