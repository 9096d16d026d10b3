"""Reports, predictions and figures of VAEs for commands, run folders and the audit."""

import math

import numpy as np
from keras import ops
from scipy.special import logsumexp

from .. import evaluation, metrics, plotting
from ..arguments import wanted
from ..backend import value_of
from ..checks import whole
from ..chunks import alone
from ..data.writers import image_grid, to_pixels
from ..exporting import Export, Graph, codes_of, label_of, no_such_units, programs, vocabulary_of
from ..layers import StandardNormal
from ..losses import single
from ..preprocessing import PADDING, UNKNOWN
from .bounds import repeated

__all__ = [
    "answer",
    "answer_text",
    "examples",
    "examples_of_texts",
    "exported",
    "exported_texts",
    "features_of",
    "log_likelihood",
    "losses_by_example",
    "pictures",
    "report",
    "report_text",
    "symptoms",
    "symptoms_text",
]

CHUNK = 50  # importance samples per example at a time
IWAE_EXAMPLES = 1000  # maximum number for the likelihood in `report`


@alone
def log_likelihood(model, x, labels=None, k=500):
    """Return estimates of log p(x), (n,), in nats, from k importance samples per example.

    log 1/k sum_i p(x | z_i) p(z_i) / q(z_i | x), z_i ~ q(z | x), is a lower bound on average,
    which approaches log p(x) as k grows (Burda et al., 2015, https://arxiv.org/abs/1509.00519).
    """
    whole("k", k, 1)
    model.reset_evaluation_noise()
    data = model.prepare(x, labels)

    def numbers_of(x):
        return model.binarized(model.preprocessor(x))

    def log_weights(x, labels=None):
        draw = model.infer(x, labels, samples=CHUNK)
        x, labels = (repeated(part, CHUNK) for part in (x, labels))
        return ops.reshape(-model.distortion(x, draw.z, labels) - draw.log_ratio, (-1, CHUNK))

    numbers = model.map_batches(numbers_of, data[0])  # binarized once for all samples
    chunks, left = [], k
    while left:
        chunk = min(left, CHUNK)
        weights = model.map_batches(log_weights, numbers, *data[1:], batch_size=100)
        chunks.append(weights[:, :chunk])
        left -= chunk
    weights = np.concatenate(chunks, axis=1).astype("float64")
    return logsumexp(weights, axis=1) - math.log(k)


def losses_by_example(model, x, y=None, batch_size=None):
    """Return reconstruction + beta * KL of each raw example, (n,): for membership inference.

    Unlike the loss with free bits, it does not depend on the other examples of a batch. Noise is
    drawn with a fixed seed, so repeated calls agree.
    """
    model.reset_evaluation_noise()

    def example_losses(*batch):
        terms = model.loss_terms(*model.transform(*batch))
        return terms["reconstruction"] + model.beta * terms["kl"]

    return model.map_batches(example_losses, *model.prepare(x, y), batch_size=batch_size)


def features_of(model, x, y=None):
    """Return the codes of raw x, (n, latent_dim)."""
    return model.encode(x, _labels(model, y))


def report(model, x, y=None):
    """Return `(metrics, intervals)`: the bound, its terms, and an estimate of -log p(x)."""
    logs = model.evaluate(x, wanted(model, y), verbose=0, return_dict=True)
    labels = _labels(model, y)
    few = [None if part is None else part[:IWAE_EXAMPLES] for part in (x, labels)]
    likelihoods = model.log_likelihood(*few)
    found = {
        "negative_elbo": logs["reconstruction"] + logs["kl"],
        "reconstruction": logs["reconstruction"],
        "kl": logs["kl"],
        "iwae_500": -float(likelihoods.mean()),
        "iwae_500_n": len(likelihoods),
        "active_units": metrics.active_units(model.encode(x, labels)),
    }
    if model.likelihood.discrete:
        numbers = math.prod(model.preprocessor.shape) * math.log(2.0)
        found["bits_per_dimension"] = found["negative_elbo"] / numbers
    spread = 1.96 * likelihoods.std() / math.sqrt(len(likelihoods))
    return found, {"iwae_500": (found["iwae_500"] - spread, found["iwae_500"] + spread)}


def answer(model, x):
    """Reconstruct x; each row has the mean absolute error, in the units of the data."""
    x = np.asarray(x)
    outputs = model.reconstruct(x, model.labels.spread(len(x)))
    errors = np.abs(outputs.astype("float32") - x).reshape(len(x), -1).mean(axis=1)
    return [{"mean_absolute_error": float(error)} for error in errors], outputs


def pictures(model, x, y=None):
    """Return originals with their reconstructions, and the effects of latents.

    For two latents, the plane of all codes; for more, a row for each of the ten that vary most,
    moved from -3 to 3 while the others are 0.
    """
    if len(model.preprocessor.shape or ()) != 3:
        return {}
    labels = _labels(model, y)
    codes = model.encode(x[:256], None if labels is None else labels[:256])
    latents = _plane(model) if codes.shape[1] == 2 else _traverses(model, codes)
    x = np.asarray(x[:30])
    outputs = model.reconstruct(x, None if labels is None else labels[:30])
    rows = [part[i : i + 10] for i in range(0, len(x) // 10 * 10, 10) for part in (x, outputs)]
    return {
        "reconstructions": _grid(model, np.concatenate(rows or [x, outputs]), columns=10),
        "latents": latents,
    }


def examples(model, x, y=None):
    """Return `(lines, picture)`: originals, their reconstructions, and new samples."""
    if len(model.preprocessor.shape or ()) != 3:
        return evaluation.examples(model, x, y)
    x, labels = np.asarray(x[:10]), _labels(model, y)
    labels = None if labels is None else model.labels.check(labels[:10])
    parts = {
        "original": x,
        "reconstruction": model.reconstruct(x, labels),
        "new, same label" if model.num_classes else "new": model.sample(
            len(x), seed=0, labels=labels
        ),
    }
    parts = {k: to_pixels(part, model.value_range or (0, 1)) for k, part in parts.items()}
    return [], plotting.side_by_side(parts)


def _plane(model, steps=15):
    """Return a grid decoded from two latents, each from -2.5 to 2.5."""
    ticks = np.linspace(-2.5, 2.5, steps)
    codes = np.stack(np.meshgrid(ticks, ticks[::-1]), axis=-1).reshape(-1, 2)
    return _grid(model, model.decode(codes, _first_label(model, len(codes))), columns=steps)


def _traverses(model, codes, steps=11, rows=10):
    """Return a picture with a row for each latent that varies most in `codes`."""
    chosen = np.argsort(-codes.var(axis=0))[:rows]
    line = np.zeros((len(chosen), steps, codes.shape[1]), "float32")
    for row, latent in enumerate(chosen):
        line[row, :, latent] = np.linspace(-3.0, 3.0, steps)
    line = line.reshape(-1, codes.shape[1])
    return _grid(model, model.decode(line, _first_label(model, len(line))), columns=steps)


def _grid(model, images, columns):
    if images.dtype != np.uint8:
        images = to_pixels(images, model.value_range or (0, 1))
    return image_grid(images, columns=columns)


def _labels(model, y):
    return y if model.num_classes else None


def _first_label(model, n):
    return np.zeros(n, "int64") if model.num_classes else None


def symptoms(model, history):
    """Report a collapsed posterior, or data that do not fit the likelihood."""
    x, y = model.__dict__.get("probe", (None, None))
    if x is None:
        return {}
    found = {}
    numbers = ops.convert_to_numpy(model.preprocessor(np.asarray(x)))
    low, high = float(numbers.min()), float(numbers.max())
    if model.likelihood.bounded and (low < -0.05 or high > 1.05):
        found["data_range"] = (
            f"the data span [{low:.3g}, {high:.3g}] as the network sees them, and this likelihood "
            'fits [0, 1] only: pass their `value_range`, or likelihood="gaussian"'
        )
    if _kl_is_low(model, history) and len(x) >= 64:
        size = model.latent_dim
        units = metrics.active_units(model.encode(x, _labels(model, y)))
        if units <= size // 10:
            found["posterior_collapse"] = (
                f"posterior collapse: {units} of {size} latents are active and the KL is "
                f"{_kl_of(model, history):.2g} nats, so the decoder ignores the code; raise "
                "`free_bits` or `warm_up`, or lower `beta`"
            )
    return found


def _kl_of(model, history):
    """Return the KL of the last epoch, on validation data if there are any."""
    return history[-1].get("val_kl", history[-1].get("kl", model.latent_dim))


def _kl_is_low(model, history):
    """Return whether the KL is nearly 0 after the warm-up of the schedule."""
    risen = value_of(model.progress) >= 0.3 and value_of(model.ramp) == 1.0
    return risen and _kl_of(model, history) <= 0.05 * model.latent_dim


# Texts.


def report_text(model, x, y=None):
    """Return the bound, the KL, and how well texts are reconstructed from their codes."""
    logs = model.evaluate(x, wanted(model, y), verbose=0, return_dict=True)
    texts, labels = model.preprocessor.texts(x), _labels(model, y)
    outputs = model.reconstruct(texts, labels)
    negative_elbo = logs["reconstruction"] + logs["kl"]
    lengths = [len(model.tokenizer.encode(text)) + 1 for text in texts]
    found = {
        "negative_elbo": negative_elbo,
        "reconstruction": logs["reconstruction"],
        "kl": logs["kl"],
        f"nats_per_{model.tokenizer.unit}": negative_elbo / np.mean(lengths),
        "active_units": metrics.active_units(model.encode(texts, labels)),
        "exact_reconstructions": np.mean([a == b for a, b in zip(texts, outputs, strict=True)]),
        "character_error_rate": metrics.character_error_rate(texts, outputs),
    }
    if model.tokenizer.unit in ("word", "subword"):
        found["bleu"] = metrics.bleu(outputs, texts)
    return found, {}


def answer_text(model, x):
    """Return reconstructions of texts."""
    texts = model.preprocessor.texts(x)
    outputs = model.reconstruct(texts, model.labels.spread(len(texts)))
    return [{"reconstruction": output} for output in outputs], outputs


def examples_of_texts(model, x, y=None):
    """Return `(lines, picture)`: texts, their reconstructions, and new samples."""
    x, labels = list(x[:16]), _labels(model, y)
    labels = None if labels is None else model.labels.check(labels[:16])
    columns = x, model.reconstruct(x, labels), model.sample(len(x), seed=0)
    rows = zip(*columns, strict=True)
    return evaluation.listed([{"text": a, "reconstruction": b, "new": c} for a, b, c in rows])


def symptoms_text(model, history):
    """Report a decoder that ignores the code."""
    if not _kl_is_low(model, history):
        return {}
    return {
        "posterior_collapse": f"posterior collapse: the KL is {_kl_of(model, history):.2g} nats "
        f"for {model.latent_dim} latents, so the decoder ignores the code; raise `free_bits`, "
        "`warm_up` or `word_dropout`"
    }


# Export.


def _codes(model):
    """Return facts and arrays from which `programs.draw_codes` draws."""
    facts = {"num_classes": model.num_classes, "class_names": model.class_names}
    facts |= {"code_shape": (model.latent_dim,), "codes": None, "decoder": "decoder"}
    if isinstance(model.prior, StandardNormal) and not hasattr(model, "inner_prior"):
        return facts, {}
    return {**facts, "codes": "codes.npy"}, {"codes": codes_of(model)}


def exported(model):
    """Return the encoder, raw x to codes, and the decoder, codes to x; both with the label."""
    prepares, label = model.preprocessor, label_of(model)

    def encoder(x, label=None):
        return {"z": model._encode_prepared(x, label)}

    def decoder(z, label=None):
        return {"x": prepares.restored(model.decoded_mean(z, label))}

    graphs = {
        "decoder": Graph(decoder, {"z": ((model.latent_dim,), "float32"), **label}),
        "encoder": Graph(encoder, {"x": (prepares.shape, "float32"), **label}),
    }
    found = (programs.generate, programs.decode, programs.encode)
    return Export(graphs, found, "", *_codes(model))


def exported_texts(model):
    """Return the encoder of texts, and the start and one step of the decoder."""
    tokenizer, label = model.tokenizer, label_of(model)
    less = no_such_units(tokenizer, PADDING, UNKNOWN)

    def encoder(x, label=None):
        return {"z": model.code_of(x, label)}

    def start(z):
        return {"state": single(model.starter(z))}

    def step(z, token, state):
        logits, state = single(model.decoder([z, token, state]))
        return {"logits": logits[:, 0] + less, "next_state": state}

    (z, _, state) = ((x.shape[1:], "float32") for x in model.decoder.inputs)
    graphs = {
        "start": Graph(start, {"z": z}),
        "step": Graph(step, {"z": z, "token": ((1,), "int32"), "state": state}),
        "encoder": Graph(encoder, {"x": ((None,), "int32"), **label}),
    }
    facts, arrays = _codes(model)
    facts |= {"vocabulary": vocabulary_of(tokenizer), "max_length": model.max_length}
    return Export(graphs, (programs.write_texts, programs.encode_texts), "", facts, arrays)
