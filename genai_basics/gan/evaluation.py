"""Reports, scores and figures of GANs for commands, run folders and the audit."""

import math

import numpy as np
from keras import ops

from .. import metrics, plotting
from ..arguments import wanted
from ..data.writers import image_grid, to_pixels
from ..evaluation import (
    REPORT_LEAST,
    REPORT_MOST,
    examples_of_samples,
    rated_by_label,
    report_samples,
)
from ..evaluation import sample_pictures as pictures
from ..exporting import Export, Graph, label_of, largest, programs
from ..losses import single
from ..metrics.features import build_features, sample_report
from ..preprocessing.one_hot_texts import SEPARATORS

__all__ = [
    "HISTOGRAMS",
    "MOTION",
    "SHARES",
    "answer",
    "answer_music",
    "answer_text",
    "divergence",
    "errors_of",
    "examples_of_samples",
    "exported",
    "exported_music",
    "exported_text",
    "features_of",
    "features_of_clips",
    "features_of_music",
    "features_of_text",
    "losses_by_example",
    "no_pictures",
    "pictures",
    "pictures_of_clips",
    "pictures_of_music",
    "report",
    "report_clips",
    "report_music",
    "report_text",
    "steps_needed",
    "symptoms",
]

STEPS_PER_PIXEL = 5  # digits of 28x28 are good after 4,000 steps, photographs of 64x64 after 20,000

MAJOR = (0, 2, 4, 5, 7, 9, 11)


def losses_by_example(model, x, y=None, batch_size=None):
    """Return how fake each raw example looks to the discriminator, (n,).

    It was trained to score the training examples as real, so its scores reveal them (LOGAN,
    Hayes et al., 2019, https://arxiv.org/abs/1705.07663).
    """
    data = model.prepare(x, y)
    return -model.map_batches(model.prepared_scores, *data, batch_size=batch_size or 256)


def errors_of(model, x, y=None):
    """Raise a `ValueError`, since a GAN predicts nothing."""
    raise ValueError(f"a {model.name} makes no predictions that could be wrong")


def features_of(model, x, y=None):
    """Return features (n, d) of raw x; see `build_gan`."""
    return model.map_batches(model.prepared_features, np.asarray(x), batch_size=256)


def report(model, x, y=None):
    """Return the metrics of samples, and the balance of the two players."""
    found, intervals = report_samples(model, x, y)
    logs = model.evaluate(x, wanted(model, y), verbose=0, return_dict=True)
    kept = {name: logs[name] for name in ("diversity", "real_accuracy", "fake_accuracy")}
    return {**found, **kept}, intervals


def answer(model, x):
    """Score x; for a conditional GAN, each row also has the label that fits best."""
    return rated_by_label(
        model, x, "score", lambda x, labels: model.predict(x, labels, verbose=0)[:, 0]
    )


def steps_needed(model):
    """Return the approximate training steps for pictures of this size; `None` for other data."""
    return STEPS_PER_PIXEL * math.prod(model.shape_seen()[:2]) if model.can_augment else None


def symptoms(model, history):
    """Return `{name: sentence}` about problems between the players, for `Doctor`."""
    found, recent = {}, history[-3:]
    if len(history) < 5:
        return found
    spread = [logs.get("val_diversity", logs["diversity"]) for logs in recent]
    accuracy = [min(logs["real_accuracy"], logs["fake_accuracy"]) for logs in recent]
    norms = [max(logs["generator_norm"], logs["discriminator_norm"]) for logs in recent]
    smooth = {
        "r1": "take `penalty='r1_r2'`, or raise `penalty_weight`",
        "r1_r2": "raise `penalty_weight`",
    }.get(model.penalty, "add `penalty='r1'`")
    vary = "add `augment`, " if model.can_augment else ""
    if max(spread) < 0.3:
        found["mode_collapse"] = (
            f"mode collapse: the samples' variance is {spread[-1]:.0%} of the data's; "
            f"{smooth}, raise `discriminator_steps`, or use larger batches"
        )
    if min(accuracy) > 0.98:
        found["overpowering_discriminator"] = (
            f"the discriminator classifies {accuracy[-1]:.0%} of real and of generated examples "
            f"correctly, so the generator learns little: {smooth}, {vary}or lower the "
            "discriminator's learning rate (`d_optimizer` of compile)"
        )
    if min(norms) > 1e3:
        found["divergence"] = (
            f"the gradients' norm is {norms[-1]:.3g}, training diverges: lower "
            "`learning_rate` of compile (--learning-rate), or add `spectral_normalization=True`"
        )
    return found


# Texts.


def report_text(model, x, y=None):
    """Return n-gram divergences (nats) from x, those between halves of x, and other metrics."""
    n = int(np.clip(len(x), REPORT_LEAST, 2 * REPORT_MOST))
    fake, x = model.sample(n, seed=0), list(x)[:n]
    order = np.random.default_rng(0).permutation(len(x))
    halves = [[x[i] for i in order[start::2]] for start in (0, 1)]
    found = {}
    for size in (2, 3, 4):
        for name, pair in {"": (x, fake), "_floor": halves}.items():
            bits = metrics.ngram_jsd(*pair, n=size, level=model.preprocessor.level)
            found[f"ngram_jsd_{size}{name}"] = bits * math.log(2)
    found["distinct"] = len(set(fake)) / n
    found["not_in_this_data"] = metrics.novelty(x, fake)
    close = sample_report(model.features_of(x), model.features_of(fake))
    return {**found, **close, "samples": n}, {}


def features_of_text(model, x, y=None):
    """Return features (n, d) of texts."""
    return model.map_batches(model.prepared_features, *model.prepare(x), batch_size=256)


def answer_text(model, x):
    """Score texts."""
    return [{"score": float(score)} for score in model.predict(x, verbose=0)[:, 0]], None


def no_pictures(model, x, y=None):
    """Return no pictures."""
    return {}


# Clips: (n, frames, height, width, channels).


def report_clips(model, x, y=None):
    """Return Fréchet distances of frames and of motion, and statistics of the motion."""
    n, labels = int(np.clip(len(x), 200, REPORT_LEAST)), None
    if model.num_classes:
        labels = np.resize(model.labels.check(y), n)
    x = model.preprocessor.prepare(x)
    fake = model.sample(n, seed=0, labels=labels)
    looks = model.features_of(x), model.features_of(fake)
    found, intervals = model.judge.report(*looks, labels, model.class_names)
    judge = build_features(x.shape[2:])
    look = [ops.convert_to_numpy(judge(_frames(clips) / 255.0)) for clips in (x, fake)]
    found |= {f"frame_{k}": v for k, v in sample_report(*look).items() if "frechet" in k}
    for name, measure in MOTION.items():
        found[name], found[f"{name}_data"] = measure(fake), measure(x)
    return {**found, "samples": n}, intervals


def features_of_clips(model, x, y=None):
    """Return features (n, d) of clips."""
    return model.map_batches(model.prepared_features, model.preprocessor.prepare(x), batch_size=128)


def pictures_of_clips(model, x, y=None):
    """Return clips as rows of some 8 frames: two real ones, then generated ones."""
    clips = np.concatenate([model.preprocessor.prepare(x[:2]), model.sample(6, seed=0)])
    clips = clips[:, :: max(1, clips.shape[1] // 8)]
    pixels = to_pixels(clips.reshape(-1, *clips.shape[2:]), model.value_range)
    return {"clips": image_grid(pixels, columns=clips.shape[1])}


def _frames(clips):
    """Return one frame of each clip, as floats."""
    which = np.arange(len(clips)) % clips.shape[1]
    return clips[np.arange(len(clips)), which].astype("float32")


def change(clips):
    """Return the mean absolute difference between consecutive frames."""
    return float(np.abs(np.diff(clips.astype("float32"), axis=1)).mean())


def speed(clips):
    """Return how far the centre of brightness moves between consecutive frames, in pixels."""
    return float(np.linalg.norm(np.diff(_centres(clips), axis=1), axis=-1).mean())


def acceleration(clips):
    """Return how much this movement changes between consecutive frames, in pixels."""
    return float(np.linalg.norm(np.diff(_centres(clips), 2, axis=1), axis=-1).mean())


def flicker(clips):
    """Return the standard deviation of a clip's brightness over frames, relative to its mean."""
    light = clips.astype("float32").mean(axis=(2, 3, 4))
    return float((light.std(axis=1) / np.maximum(light.mean(axis=1), 1e-3)).mean())


def _centres(clips):
    """Return the centre of brightness of each frame, (n, frames, 2), in pixels."""
    light = clips.astype("float32").sum(axis=-1)
    total = np.maximum(light.sum(axis=(2, 3)), 1e-3)
    rows = (light.sum(axis=3) * np.arange(light.shape[2])).sum(axis=2) / total
    columns = (light.sum(axis=2) * np.arange(light.shape[3])).sum(axis=2) / total
    return np.stack([rows, columns], axis=-1)


MOTION = {"change": change, "speed": speed, "acceleration": acceleration, "flicker": flicker}


# Music: pieces (n, steps, voices) of MIDI pitches, -1 for silence.


def report_music(model, x, y=None):
    """Return divergences (nats) from x of pitch classes and intervals, and shares of held notes."""
    real = model.preprocessor.notes(model.prepare(x)[0])
    n = int(np.clip(len(real), REPORT_LEAST, REPORT_MOST))
    fake = model.sample(n, seed=0)
    order = np.random.default_rng(0).permutation(len(real))
    halves = real[order[::2]], real[order[1::2]]
    found = {}
    for name, histogram in HISTOGRAMS.items():
        found[f"{name}_jsd"] = divergence(histogram(real), histogram(fake))
        found[f"{name}_jsd_floor"] = divergence(*map(histogram, halves))
    for name, share in SHARES.items():
        found[name], found[f"{name}_data"] = share(fake), share(real)
    close = sample_report(model.features_of(real), model.features_of(fake))
    return {**found, **close, "samples": n}, {}


def features_of_music(model, x, y=None):
    """Return features (n, d) of windows of pieces."""
    return model.map_batches(model.prepared_features, *model.prepare(list(x)), batch_size=256)


def answer_music(model, x):
    """Score each piece by the mean over its windows."""
    return [{"score": float(model.predict([piece], verbose=0).mean())} for piece in x], None


def pictures_of_music(model, x, y=None):
    """Return piano rolls: four windows of the data, and samples."""
    real = model.preprocessor.notes(model.prepare(x)[0][:4])
    rolls = np.concatenate([real, model.sample(12, seed=0)])
    captions = ["data"] * len(real) + ["sample"] * 12
    return {"piano_rolls": plotting.piano_rolls(rolls, captions)}


def pitch_classes(rolls):
    """Return the shares of the 12 pitch classes, over all voices and steps."""
    notes = rolls[rolls >= 0]
    return np.bincount(notes % 12, minlength=12) / max(len(notes), 1)


def melodic_intervals(rolls):
    """Return the shares of intervals between consecutive notes of a voice, -12 to 12 semitones."""
    before, after = rolls[:, :-1], rolls[:, 1:]
    moves = (after - before)[(before >= 0) & (after >= 0)]
    return np.bincount(np.clip(moves, -12, 12) + 12, minlength=25) / max(len(moves), 1)


def harmonic_intervals(rolls):
    """Return the shares of the 12 intervals (modulo octaves) between voices."""
    found = np.zeros(12)
    for first in range(rolls.shape[2]):
        for second in range(first + 1, rolls.shape[2]):
            a, b = rolls[:, :, first], rolls[:, :, second]
            found += np.bincount(np.abs(a - b)[(a >= 0) & (b >= 0)] % 12, minlength=12)
    return found / max(found.sum(), 1)


def in_scale(rolls):
    """Return the share of notes in the major scale that fits each piece best."""
    counts = np.stack([np.bincount(roll[roll >= 0] % 12, minlength=12) for roll in rolls])
    scales = np.stack([np.roll(np.isin(np.arange(12), MAJOR), k) for k in range(12)])
    return float((counts @ scales.T).max(axis=1).sum() / max(counts.sum(), 1))


def held(rolls):
    """Return the share of steps at which a voice keeps its note."""
    return float((rolls[:, 1:] == rolls[:, :-1]).mean())


def divergence(p, q):
    """Return the Jensen-Shannon divergence of two histograms, in nats."""
    middle = 0.5 * (p + q)

    def toward(side):
        some = side > 0
        return float((side[some] * np.log(side[some] / middle[some])).sum())

    return min(0.5 * (toward(p) + toward(q)), math.log(2.0))


HISTOGRAMS = {
    "pitch_class": pitch_classes,
    "interval": melodic_intervals,
    "harmony": harmonic_intervals,
}
SHARES = {"in_scale": in_scale, "held_notes": held}


# Export: the averaged generator.


def _generator(model, generator):
    """Return the `Export` of a generator: `generator(z)` or `generator(z, label)`."""
    inputs = {"z": ((model.latent_dim,), "float32"), **label_of(model)}
    facts = {"num_classes": model.num_classes, "class_names": model.class_names, "codes": None}
    facts |= {"code_shape": (model.latent_dim,), "decoder": "generator"}
    found = (programs.generate, programs.decode)
    return Export({"generator": Graph(generator, inputs)}, found, "", facts, {})


def exported(model):
    """Return the graph from noise and label to samples in the data's range."""

    def generator(z, label=None):
        made = model.generate_batch(z, model.one_hot(label), generator=model.ema_generator)
        return {"x": model.preprocessor.restored(made)}

    return _generator(model, generator)


def exported_music(model):
    """Return the graph from noise to MIDI pitches (steps, voices), -1 for silence."""

    def generator(z):
        notes, holds = single(model.ema_generator(z, training=False))
        struck, held = ops.cast(largest(notes), "int32"), holds > 0
        columns = [struck[:, 0]]
        for step in range(1, model.steps):
            columns.append(ops.where(held[:, step], columns[-1], struck[:, step]))
        columns = ops.stack(columns, axis=1)
        silent = ops.equal(columns, model.pitches - 1)
        return {"x": ops.where(silent, -1, columns + model.preprocessor.low)}

    return _generator(model, generator)


def exported_text(model):
    """Return the graph from noise, and Gumbel noise on the logits, to token numbers."""

    def generator(z, chance):
        texts = model.ema_generator([z, chance], training=False)
        return {"tokens": largest(texts)}

    chance, noise = (model.max_length, model.vocabulary_size), (model.latent_dim,)
    inputs = {"z": (noise, "float32"), "chance": (chance, "float32")}
    facts = {"tokens": model.tokens, "separator": SEPARATORS[model.preprocessor.level]}
    facts |= {"code_shape": noise, "chance_shape": chance}
    return Export({"generator": Graph(generator, inputs)}, (programs.write_names,), "", facts, {})
