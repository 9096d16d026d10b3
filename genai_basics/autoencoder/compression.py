"""Compressed files: `compress` and `decompress` of an autoencoder with a rate.

A file is a header and a body:

    4 bytes  "GBAC"          4 bytes  CRC-32 of all that follows
    1 byte   version         8 bytes  fingerprint of the model
    4 bytes  length of the facts    4 bytes  length of the body
    facts: JSON, deflated (sizes and names of the pictures); body: the range coder's words
"""

import hashlib
import json
import math
import struct
import zlib

import numpy as np
from keras import ops

from .. import limits
from .tiles import as_example, count_tiles, join, split

__all__ = ["CodecError", "compress", "decompress", "fingerprint", "pack", "unpack"]

MAGIC, VERSION = b"GBAC", 1
START = struct.Struct("<4sI")
HEADER = struct.Struct("<B8sII")
FACTS = 1 << 26  # maximum bytes, for names and sizes of a million pictures


class CodecError(ValueError):
    """A compressed file is damaged, or was written by another model or version."""


def compress(model, x, names=None):
    """Compress pictures (or other examples) to the bytes of one file.

    Args:
        model: The autoencoder, built with a `rate`.
        x: Examples as for `fit`, or a list of pictures of any sizes: those larger than the
            network's input are cut into tiles.
        names: Names to store in the file, one per example.
    """
    model_id = fingerprint(model)
    shape = tuple(model.preprocessor.shape)
    facts = {"n": len(x)}
    if names is not None:
        facts["names"] = [str(name) for name in names]
    if not (hasattr(x, "shape") and tuple(x.shape[1:]) == shape):
        x = [as_example(model, item) for item in x]
        facts["sizes"] = [item.shape[:-1] for item in x]
        x = np.concatenate([split(item, shape) for item in x])
    codes = model.encode(x).astype("int32")
    return pack(model_id, facts, model.entropy.encode(codes))


def decompress(model, data):
    """Return the model's reconstructions of the examples in a file of `compress`.

    Returns:
        `(examples, names)`: an array, or a list if sizes differ; names or None.

    Raises:
        CodecError: The file is damaged, or was written by another model or version.
    """
    facts, body = unpack(data, fingerprint(model))
    shape, inner = tuple(model.preprocessor.shape), tuple(model.decoder.inputs[0].shape[1:])
    n, sizes, names = _checked(facts, shape)
    counts = [1] * n if sizes is None else [count_tiles(size, shape) for size in sizes]
    codes = model.entropy.decode(body, sum(counts) * math.prod(inner))
    if model.entropy.encode(codes) != body:
        raise CodecError("the compressed file is damaged: its body is not what it decodes to")
    x = model.decode(codes.reshape(-1, *inner))
    if sizes is not None:
        parts = np.split(x, np.cumsum(counts)[:-1])
        x = [join(tiles, size) for tiles, size in zip(parts, sizes, strict=True)]
    return x, names


def _checked(facts, shape):
    """Return number, sizes and names of the examples; raise a `CodecError` if invalid."""
    try:
        n, sizes, names = facts["n"], facts.get("sizes"), facts.get("names")
        good = isinstance(n, int) and 0 < n < 2**31
        for size in sizes or ():
            good = good and len(size) == len(shape) - 1
            good = good and all(isinstance(side, int) and side > 0 for side in size)
            limits.check("pixels", math.prod(size), "a compressed picture")
        good = good and all(v is None or len(v) == n for v in (sizes, names))
        good = good and all(isinstance(name, str) and len(name) < 1000 for name in names or ())
    except (KeyError, TypeError, AttributeError) as error:
        raise CodecError("the compressed file is damaged: its facts are incomplete") from error
    if not good:
        raise CodecError("the compressed file is damaged: its facts contradict each other")
    return n, sizes, names


def fingerprint(model):
    """Return 8 bytes that identify the weights with which a model's files are decoded."""
    if model.entropy is None:
        raise ValueError(
            "this autoencoder does not compress: build it with a `rate` (--set rate=0.01)"
        )
    digest = hashlib.sha256()
    for weight in (model.entropy.frequencies, *model.decoder.weights):
        digest.update(np.ascontiguousarray(ops.convert_to_numpy(weight)).tobytes())
    return digest.digest()[:8]


def pack(model_id, facts, body):
    """Return the bytes of a file with `facts` (a dict for JSON) and `body` (bytes)."""
    facts = zlib.compress(json.dumps(facts, separators=(",", ":")).encode(), 9)
    rest = HEADER.pack(VERSION, model_id, len(facts), len(body)) + facts + body
    return START.pack(MAGIC, zlib.crc32(rest)) + rest


def unpack(data, model_id):
    """Check a file and return its `(facts, body)`.

    Raises:
        CodecError: The file is not a compressed file, damaged, or of another version or model.
    """
    if data[:4] != MAGIC:
        raise CodecError("this is not a file that `compress` wrote")
    if len(data) < START.size + HEADER.size:
        raise CodecError("the compressed file is cut off")
    _, checksum = START.unpack_from(data)
    rest = data[START.size :]
    version, found, facts_size, body_size = HEADER.unpack_from(rest)
    if zlib.crc32(rest) != checksum:
        cut = len(rest) < HEADER.size + facts_size + body_size
        raise CodecError(f"the compressed file is {'cut off' if cut else 'damaged'}")
    if version != VERSION:
        raise CodecError(
            f"the file has version {version} of the format, and this library reads {VERSION}"
        )
    if found != model_id:
        raise CodecError("the file was compressed by another model: decompress it with that one")
    body = rest[HEADER.size + facts_size :]
    if len(body) != body_size:
        raise CodecError("the compressed file is damaged: its lengths contradict each other")
    try:
        unpacking = zlib.decompressobj()
        facts = unpacking.decompress(rest[HEADER.size : HEADER.size + facts_size], FACTS)
        if not unpacking.eof:
            raise CodecError(f"the compressed file has more than {FACTS:,} bytes of facts")
        return json.loads(facts), body
    except (zlib.error, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise CodecError(f"the compressed file is damaged: {str(error)[:100]}") from error
