"""Validates `config.json` and the facts of a checkpoint, whoever wrote them."""

import json
import math

from .. import limits
from ..data.spec import spec_from_config
from ..recipes import get_recipe
from .run_files import NotARunError
from .stopping import REASONS

__all__ = ["check_facts", "read_config"]

LONGEST = 64 << 20  # maximum bytes of config.json
SIDE, NUMBERS = 10**7, 1 << 28  # maximum size of an axis, and of all elements per example
STATUSES = ("finished", "followed", *REASONS)
TEXT, NUMBER, COUNT, FLAG = "a text", "a finite number", "a whole number from 0", "true or false"
CONFIG = {  # key: type of value; `None` is also allowed
    "builder.name": TEXT,
    "builder.arguments": dict,
    "training.epochs": COUNT,
    "training.minutes": NUMBER,
    "training.batch_size": COUNT,
    "training.learning_rate": NUMBER,
    "training.dp_noise": NUMBER,
    "training.dp_clip": NUMBER,
    "training.seed": NUMBER,
    "training.precision": TEXT,
    "training.strategy": TEXT,
    "training.deterministic": FLAG,
    "training.audit": FLAG,
    "training.drop": list,
    "training.canaries": list,
    "data.name": TEXT,
    "data.kind": TEXT,
    "data.source": dict,
    "data.fingerprint": TEXT,
    "data.sizes": list,
    "data.spec": dict,
    "data.skipped": list,
    "versions": dict,
    "steps": COUNT,
    "seconds": NUMBER,
    "test": dict,
    "test_intervals": dict,
    "validation": dict,
    "audit": dict,
    "checks": dict,
    "privacy": dict,
    "private_before": list,
}


def read_config(path):
    """Return `config.json` of a run; raise a `NotARunError` that explains what is invalid."""
    try:
        if limits.regular(path).stat().st_size > LONGEST:
            raise ValueError(f"it is longer than {LONGEST:,} bytes")
        config = json.loads(path.read_text(encoding="utf-8"))
        get_recipe(config["model"])
        if config["status"] not in STATUSES:
            raise ValueError(f"status {config['status']!r}")
        for place, kind in CONFIG.items():
            value = config
            for key in place.split("."):
                value = None if value is None else value.get(key)
            _check(place, value, kind)
        sizes = config["data"]["sizes"]
        if len(sizes) != 3 or not all(isinstance(n, int) and n >= 0 for n in sizes):
            raise ValueError("data.sizes must be three whole numbers")
        for what in ("builder.arguments", "data.spec"):
            first, second = what.split(".")
            _check_shapes(config[first][second], what)
        spec_from_config(config["data"]["spec"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise NotARunError(f"'{path}' is damaged ({reason[:150]}); train the run again") from error
    return config


def check_facts(facts):
    """Raise a `ValueError` for facts of a checkpoint from which training cannot continue."""
    for name, kind in {"rounds": COUNT, "best_step": COUNT, "seconds": NUMBER}.items():
        if facts[name] is None:
            raise ValueError(f"no {name}")
        _check(name, facts[name], kind)
    _check("best", facts["best"], NUMBER)
    _check("private_steps", facts.get("private_steps"), COUNT)
    for row in facts["history"]:
        if not all(isinstance(v, (int, float)) for v in row.values()) or row["step"] < 0:
            raise ValueError("a row of the history that holds no numbers")
    return facts


def _check(place, value, kind):
    if value is None:
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(kind, type):
        good = isinstance(value, kind)
    elif kind is TEXT:
        good = isinstance(value, str) and len(value) < 10_000 and "\0" not in value
    elif kind is FLAG:
        good = isinstance(value, bool)
    else:
        good = number and (abs(value) < 2**63 if isinstance(value, int) else math.isfinite(value))
        good = good and (kind is NUMBER or (isinstance(value, int) and value >= 0))
    if not good:
        kind = {dict: "an object", list: "a list"}.get(kind, kind)
        raise ValueError(f"{place} must be {kind}, and is {str(value)[:40]!r}")


def _check_shapes(values, place):
    """Raise an error for shapes and numbers among arguments that exceed any memory."""
    for name, value in values.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool) and name != "seed":
            _check(f"{place}.{name}", value, NUMBER)
            if abs(value) >= 2**63:
                raise ValueError(f"{place}.{name} is out of all bounds: {value}")
        if not name.endswith("shape") or not isinstance(value, (list, tuple)):
            continue
        sides = [side for side in value if side is not None]
        if not all(isinstance(side, int) and 0 < side <= SIDE for side in sides):
            raise ValueError(f"{place}.{name} must hold positive sides, and is {str(value)[:40]}")
        if math.prod(sides) > NUMBERS:
            raise ValueError(f"{place}.{name} asks for {math.prod(sides):,} numbers per example")
