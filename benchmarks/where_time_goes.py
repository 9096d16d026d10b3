"""Where a training step spends its time, for each model with its defaults.

Built-in data and the default batch size. `fit` is compared with the compiled step alone on one
batch, with the input pipeline alone, and with the optimizer's update alone; the rest of `fit` is
Python and callbacks. The pipeline works ahead, so its time counts only where it exceeds the step.
Growth is the exponent with which the step's time grows from half the batch size to all of it; 1 is
proportional. The share of the peak is the arithmetic of the step, as TensorFlow counts it outside
of loops, beside a product of matrices of 2048 in the same process; recurrent steps have no count.
"""

import statistics
import time
import warnings

import numpy as np

import genai_basics as gb
from genai_basics import feeding
from genai_basics.arguments import wanted
from genai_basics.recipes import RECIPES

HEADERS = (
    "model",
    "batch",
    "ms per step of fit",
    "step alone",
    "input alone",
    "update alone",
    "Python and callbacks",
    "growth with the batch",
    "share of the peak",
)
STEPS, TURNS = 20, 3


def measure(folder=None):
    """Return the rows of the table."""
    return [row(name) for name in RECIPES]


def row(name):
    import tempfile

    with tempfile.TemporaryDirectory() as out, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = gb.train(name, minutes=0.02, audit=False, out=f"{out}/run")
        part, batch = run.data().train, run.config["training"]["batch_size"]
        return [name, batch, *times(run.model, part, batch)]


def times(model, part, batch):
    """Return the cells after the batch size."""
    import tensorflow as tf

    y = wanted(model, part.y)
    data = feeding.read(model, part.x, y)
    batches = data.batches(model, batch, seed=0, epoch=0, steps=STEPS, training=True)[0]
    options = {"epochs": 1, "steps_per_epoch": STEPS, "verbose": 0}
    fit = seconds(lambda: model.fit(part.x, y, batch_size=batch, **options)) / STEPS
    feed = seconds(lambda: [None for _ in zip(range(STEPS), batches, strict=False)]) / STEPS
    fixed = next(iter(batches))
    step = tf.function(lambda: model.train_step(fixed))
    alone = seconds(lambda: [step() for _ in range(STEPS)]) / STEPS
    half = tf.nest.map_structure(lambda t: t[: max(1, batch // 2)] if t.shape.rank else t, fixed)
    smaller = tf.function(lambda: model.train_step(half))
    growth = np.log2(alone / (seconds(lambda: [smaller() for _ in range(STEPS)]) / STEPS))

    @tf.function
    def update():
        for optimizer, variables in model.players():
            optimizer.apply([tf.zeros_like(v) for v in variables], variables)

    applied = seconds(lambda: [update() for _ in range(STEPS)]) / STEPS
    rest = max(0.0, fit - max(alone, feed))
    count = operations(step.get_concrete_function().graph)
    share = count / alone / peak()
    return (
        f"{1000 * fit:.1f}",
        f"{alone / fit:.0%}",
        f"{feed / fit:.0%}",
        f"{applied / fit:.0%}",
        f"{rest / fit:.0%}",
        f"{growth:.2f}",
        f"{share:.0%}" if share > 0.02 else "",
    )


def seconds(work):
    """Return the median time of some calls; one more before them compiles."""
    found = []
    for _ in range(TURNS + 1):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return statistics.median(found[1:])


def operations(graph):
    """Return the floating-point operations of a graph, without those inside of loops."""
    import tensorflow as tf

    profiler = tf.compat.v1.profiler
    options = profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return profiler.profile(graph, options=options).total_float_ops


def peak(n=2048):
    """Return operations per second of a product of two matrices."""
    import tensorflow as tf

    a = tf.random.normal((n, n))
    product = tf.function(lambda: tf.linalg.matmul(a, a))
    return 2 * n**3 / seconds(product)
