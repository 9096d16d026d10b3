"""Arguments of builders: what is valid works from training to sampling, the rest is a sentence.

python -m benchmarks.reliability.builders --cases 1000

One to three arguments of a tiny model of each kind are drawn by Hypothesis, valid or not. A
`ValueError` must name one of them; a model that was built must train a step, save, load and give
the same samples.
"""

import argparse
import inspect
import math
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from .pages import record

NUMBERS = (-1, 0, 1, 2, 3, 5, 2.5, -0.5, 0.3, 0.999, 1.5, math.nan, math.inf, "x", None)
TUPLES = ((), (0,), (4,), (4, 4), (4, 4, 4), (4, 4, 4, 4), (-1, 4), (2.5,), [4, 4], "44", 4, None)
WORDS = ("nonsense", "", 3, None, True)
CHOICES = {  # arguments whose default does not tell their other values
    "network": ("dense", "conv", "unet"),
    "noise": ("gaussian", "mask", "salt_pepper", "poisson", 0.1),
    "augment": (True, False, ("translation",), ("cutout", "brightness"), ("x",)),
    "penalty": ("none", "gradient", "r1", "r1_r2"),
    "loss": ("non_saturating", "hinge", "wasserstein", "least_squares", "relativistic"),
    "prior": ("standard", "mixture", "vamp", "flow"),
    "likelihood": ("bernoulli", "gaussian", "mse"),
    "cell": ("gru", "lstm"),
    "unit": ("character", "word", "subword", "byte"),
    "level": ("character", "word"),
    "target": ("clean", "noise2void"),
    "relaxation": ("softmax", "straight_through"),
    "binarize": ("dynamic", "static"),
    "task": ("classification", "regression"),
    "levels": (1, 2),
}
FACTS = ("seed", "features", "backbone", "weights", "max_seconds")  # objects, files, or free


def values(name, default):
    """Return a strategy for the values of an argument."""
    known = CHOICES.get(name, ())
    if isinstance(default, bool):
        return st.sampled_from([True, False])
    if isinstance(default, tuple):
        return st.sampled_from([default, *TUPLES, *known])
    if isinstance(default, str):
        return st.sampled_from([default, *WORDS, *known])
    return st.sampled_from([default, *NUMBERS, *TUPLES, *WORDS[:2], *known])


def drawn(builder, fixed):
    """Return a strategy for one to three arguments of a builder."""
    found = inspect.signature(builder).parameters
    names = [name for name in found if name not in fixed and name not in FACTS]
    chosen = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True)
    return chosen.flatmap(
        lambda keys: st.fixed_dictionaries({k: values(k, found[k].default) for k in keys})
    )


def outcome(builder, fixed, arguments, data, folder):
    """Build, train, save, load and sample a model; return "built", "refused" or what is wrong."""
    import keras

    from genai_basics.arguments import wanted

    x, y = data
    try:
        model = builder(**{**fixed, **arguments})
    except ValueError as error:
        named = any(name in str(error) for name in (*fixed, *arguments))
        return "refused" if named else f"unnamed: {error}"
    except Exception as error:
        return f"{type(error).__name__} in the builder: {error}"
    try:
        model.compile()
        model.fit(x, wanted(model, y), epochs=1, batch_size=8, verbose=0)
        model.save(folder / "model.keras")
        again = keras.models.load_model(folder / "model.keras")
        if model.can_sample:
            one, other = (np.asarray(m.sample(2, seed=3), dtype=object) for m in (model, again))
            if str(one.tolist()) != str(other.tolist()):
                return "other samples after loading"
    except ValueError as error:
        named = any(name in str(error) for name in arguments)
        unfit = str(error).startswith(("x must", "y must"))  # valid, but not for these data
        return "refused" if named or unfit else f"later: {error}"
    except Exception as error:
        return f"{type(error).__name__} later: {error}"
    return "built"


def survey(name, cases, start=0):
    """Try arguments of a model; return counts of the outcomes, and what was wrong."""
    from genai_basics.recipes import RECIPES, builder_of
    from genai_basics.runs import load_run
    from tests.stored import extract

    builder, recipe, found, wrong = builder_of(name), RECIPES[name], Counter(), {}
    with tempfile.TemporaryDirectory() as folder:
        run = load_run(extract(name, Path(folder))[0])
        part = run.data(limit=16).train
        facts = run.config["builder"]["arguments"]
        fixed = {k: tuple(v) if isinstance(v, list) else v for k, v in facts.items()}
        fixed = {k: v for k, v in fixed.items() if k in recipe.facts or k == "seed"}

        @seed(start)
        @settings(
            max_examples=cases,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(drawn(builder, fixed))
        def attempt(arguments):
            said = outcome(
                builder, {**recipe.tiny, **fixed}, arguments, (part.x, part.y), Path(folder)
            )
            kind = said if said in ("built", "refused") else "wrong"
            found[kind] += 1
            if kind == "wrong":
                wrong.setdefault(said.split("\n")[0][:200], repr(arguments))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            attempt()
    return {key: found[key] for key in ("built", "refused", "wrong")}, wrong


def main():
    from genai_basics.recipes import RECIPES

    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=1000, help="for each model")
    parser.add_argument("--models", nargs="*", default=list(RECIPES))
    arguments = parser.parse_args()
    for name in arguments.models:
        found, wrong = survey(name, arguments.cases)
        record("builders", {name: found})
        print(name, found, flush=True)
        for what, which in wrong.items():
            print(f"    {which}: {what}", flush=True)


if __name__ == "__main__":
    main()
