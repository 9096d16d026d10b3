"""Reports, predictions and figures of autoencoders for commands, run folders and the audit."""

import dataclasses
import io
import math

import numpy as np
from keras import ops

from .. import evaluation, metrics, plotting
from ..data.writers import image_grid
from ..exporting import Export, Graph, codes_of, example_of, programs

__all__ = [
    "answer",
    "examples",
    "exported",
    "features_of",
    "losses_by_example",
    "pictures",
    "rate_distortion",
    "reads",
    "report",
    "symptoms",
]

QUALITIES = (1, 5, 10, 20, 40, 60, 80, 90)  # of WebP and JPEG in the comparison


def losses_by_example(model, x, y=None, batch_size=None):
    """Return the mean squared error of each raw example, (n,), without noise."""

    def squared_errors(x, *_):
        numbers = model.preprocessor(x)
        return ops.mean(ops.square(model(numbers) - numbers), axis=tuple(range(1, len(x.shape))))

    return model.map_batches(squared_errors, *model.prepare(x), batch_size=batch_size)


def features_of(model, x, y=None):
    """Return the codes of raw x, (n, numbers); `None` without a density of codes."""
    return None if model.density is None else model.encode(x).reshape(len(x), -1)


def report(model, x, y=None):
    """Return `(metrics, intervals)`: errors of reconstructions, and sizes of compressed files."""
    x = model.preprocessor.prepare(x)
    clean = model.prepare_targets(y)
    if model.target == "noise2void" and clean is None:  # clean pictures are unknown
        loss = model.evaluate(x, verbose=0, return_dict=True)["reconstruction"]
        return {"hidden_pixel_error": loss}, {}
    inputs, outputs = _denoised(model, x)
    x = np.asarray(x if clean is None else clean)
    error = np.square((outputs.astype("float32") - x.astype("float32")) / _unit(model))
    found = {"mean_squared_error": float(error.mean())}
    if model.value_range is not None:
        low, high = model.value_range
        if inputs is not x:
            found["psnr_noisy"] = metrics.psnr(x, inputs, high - low)
        found["psnr"] = metrics.psnr(x, outputs, high - low)
        if min(x.shape[1:3]) >= 3:
            found["ssim"] = metrics.ssim(x, outputs, high - low)
    if model.entropy is not None:
        size = len(model.compress(x))
        found["bytes_per_example"] = size / len(x)
        found["bits_per_number"] = 8 * size / x.size
    return found, {}


def _unit(model):
    """Return the size of one unit of network space, in the units of the data."""
    if model.value_range is None:
        return model.preprocessor.deviation
    return model.value_range[1] - model.value_range[0]


def _denoised(model, x):
    """Return x with the noise that the model was trained on, and the model's outputs for it."""
    inputs = x if model.corruption is None else model.corrupt(x)
    outputs = model.map_batches(model.reconstruct_batch, np.asarray(inputs))
    return inputs, model.preprocessor.invert(outputs)  # no warning about noise outside the range


def reads(model, spec):
    """Return the spec with which `predict` reads its inputs: pictures of any size."""
    if spec.kind != "images":
        return spec
    return dataclasses.replace(spec, shape=(None, None, spec.shape[-1]))


def answer(model, x):
    """Reconstruct (denoise) x; each row gives the mean change, in the units of the data."""
    outputs = model.reconstruct(x)
    changes = [
        float(np.abs(np.subtract(b, np.reshape(a, np.shape(b)), dtype="float32")).mean())
        for a, b in zip(x, outputs, strict=True)
    ]
    if len({np.shape(output) for output in outputs}) == 1 and not model.sample_rate:
        outputs = np.stack(outputs)
    return [{"mean_absolute_change": change} for change in changes], outputs


def pictures(model, x, y=None):
    """Return rows of originals, noisy inputs (of a denoiser) and outputs; a plot of codecs."""
    if len(model.preprocessor.shape or ()) != 3 or model.value_range != (0, 255):
        return {}
    many, x = np.asarray(x[:400]), np.asarray(x[:20])
    inputs, outputs = _denoised(model, x)
    parts = [x, outputs]
    if model.corruption is not None:
        parts.insert(1, np.clip(np.rint(inputs), 0, 255))
    rows = [part[i : i + 10] for i in range(0, len(x), 10) for part in parts]
    found = {"reconstructions": image_grid(np.concatenate(rows).astype("uint8"), columns=10)}
    return found if model.entropy is None else {**found, **rate_distortion(model, many)}


def examples(model, x, y=None):
    """Return `(lines, picture)`: originals, noisy inputs (of a denoiser) and outputs."""
    if len(model.preprocessor.shape or ()) != 3 or model.value_range != (0, 255):
        return evaluation.examples(model, x, y)
    x = np.asarray(x[:10])
    inputs, outputs = _denoised(model, x)
    parts = {"original": x, "noisy": inputs, "output": outputs}
    if model.corruption is None:
        del parts["noisy"]
    parts = {name: np.clip(np.rint(part), 0, 255).astype("uint8") for name, part in parts.items()}
    error = np.abs(outputs.astype("float32") - x).mean()
    return [f"mean absolute error of a pixel: {error:.1f} of 255"], plotting.side_by_side(parts)


def rate_distortion(model, x):
    """Return a figure that compares a codec with WebP and JPEG, `{}` if it cannot be drawn.

    Each codec writes the pictures x as one sheet; all bytes count.
    """
    side = math.isqrt(len(x))
    x = x[: side**2]
    if side < 2 or x.shape[-1] not in (1, 3) or x.dtype != np.uint8:
        return {}
    rows = x.reshape(side, side, *x.shape[1:]).transpose(0, 2, 1, 3, 4)
    sheet = rows.reshape(side * x.shape[1], side * x.shape[2], x.shape[-1])
    data = model.compress(x)
    ours = (8 * len(data) / x[..., 0].size, metrics.psnr(x, model.decompress(data)[0]))
    curves = {"this model": [ours]}
    for name in ("webp", "jpeg"):
        files = [_written(sheet, name, quality) for quality in QUALITIES]
        curves[name] = [
            (8 * size / sheet[..., 0].size, metrics.psnr(sheet[None], again[None]))
            for size, again in files
        ]
    return {"rate_distortion": plotting.rate_distortion(curves)}


def _written(image, name, quality):
    """Return the size in bytes of a picture in a format of Pillow, and the decoded picture."""
    from PIL import Image

    file = io.BytesIO()
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    picture.save(file, name, quality=quality)
    again = np.asarray(Image.open(file).convert(picture.mode))
    return len(file.getvalue()), again.reshape(image.shape)


def symptoms(model, history):
    """Report dead elements of the code: those that are equal for all examples."""
    x = model.__dict__.get("probe", (None,))[0]
    watched = model.density is not None or model.entropy is not None
    if x is None or len(x) < 64 or not watched or len(history) < 3:
        return {}
    codes = model.encode(x).reshape(len(x), -1)
    dead = int((codes.std(axis=0) < 1e-4).sum())
    if model.entropy is not None and dead == codes.shape[1]:
        return {"empty_code": "every example has the same code, so nothing is kept: lower `rate`"}
    # Single elements of a rounded code are dead if they are not worth their bits.
    if model.entropy is not None or dead <= codes.shape[1] // 4:
        return {}
    found = f"{dead} of {codes.shape[1]} numbers of the code are the same for every example"
    cause = "lower `sparsity`" if model.sparsity else "lower `latent_dim` or the learning rate"
    return {"dead_units": f"{found}: {cause}"}


def exported(model):
    """Return the graph that reconstructs raw x and, if it has a code, encoder and decoder."""
    prepares = model.preprocessor
    x, facts = {"x": (prepares.shape, "float32")}, {"num_classes": None, "decoder": "decoder"}

    def reconstructor(x):
        return {"reconstruction": prepares.restored(model.reconstruct_batch(x))}

    def encoder(x):
        return {"z": model._encode_prepared(x)}

    def decoder(z):
        return {"x": prepares.restored(model._decode_codes(z))}

    graphs, found = {"reconstructor": Graph(reconstructor, x)}, (programs.reconstruct,)
    if not model.has_code:
        return Export(graphs, found, example_of(prepares), facts, {})
    graphs["encoder"] = Graph(encoder, x)
    graphs["decoder"] = Graph(decoder, {"z": (model.decoder.inputs[0].shape[1:], "float32")})
    found = (*found, programs.encode, programs.decode)
    arrays = {}
    if model.can_sample:
        found, arrays = (*found, programs.generate), {"codes": codes_of(model)}
        facts["codes"] = "codes.npy"
    return Export(graphs, found, example_of(prepares), facts, arrays)
