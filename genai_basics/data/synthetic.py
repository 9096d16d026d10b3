"""Deterministic synthetic data: key tones, moving and scattered letters and digits, chords."""

import numpy as np

from .audio import audio_reading
from .dataset import Part, Reading
from .detection import detection_reading
from .embedded import digit_arrays
from .files import fingerprint_arrays
from .images import resize_images
from .letters import letters
from .midi import music_reading
from .spec import VideoSpec

__all__ = [
    "chords",
    "key_sequences",
    "key_tones",
    "moving_digits",
    "moving_letters",
    "scattered_digits",
    "scattered_letters",
]

KEYS = "0123456789*#"
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)  # Hz, ITU-T Q.23
PAD = ("123", "456", "789", "*0#")
PLACE = {key: (row, line.index(key)) for row, line in enumerate(PAD) for key in line}
RATE = 8000
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 11)  # semitones; harmonic minor
FOLLOWS = {0: (1, 3, 4, 5), 1: (4, 6), 3: (0, 1, 4), 4: (0, 0, 5), 5: (1, 3), 6: (0,)}  # degrees


def key_tones(*, n=1200):
    """Sounds of telephone keys in noise, labelled with the key: n clips of 0.1 to 0.4 s."""
    generator = np.random.default_rng(0)
    labels = [KEYS[i % len(KEYS)] for i in range(n)]
    clips = [_noisy(_key(key, generator), generator) for key in labels]
    return audio_reading(clips, labels, RATE)


def key_sequences(*, n=800):
    """Sounds of 3 to 6 consecutive telephone keys, with the keys as transcription."""
    generator = np.random.default_rng(1)
    clips, texts = [], []
    for _ in range(n):
        keys = generator.choice(list(KEYS), generator.integers(3, 7))
        pieces = []
        for key in keys:
            gap = np.zeros(generator.integers(RATE // 25, RATE // 6))
            pieces += [gap, _key(str(key), generator)]
        clips.append(_noisy(np.concatenate([*pieces, pieces[0]]), generator))
        texts.append("".join(keys))
    return audio_reading(clips, texts, RATE, kind="transcription")


def _key(key, generator):
    """Return two simultaneous tones of different loudness, at most 1.5% off pitch."""
    time = np.arange(generator.integers(RATE // 10, RATE * 2 // 5)) / RATE
    row, column = PLACE[key]
    off = generator.uniform(0.985, 1.015)
    low = np.sin(2 * np.pi * (ROWS[row] * off * time + generator.random()))
    high = np.sin(2 * np.pi * (COLUMNS[column] * off * time + generator.random()))
    return generator.uniform(0.05, 0.4) * (low + generator.uniform(0.5, 1) * high)


def _noisy(clip, generator):
    noise = generator.normal(size=len(clip)) * generator.uniform(0.01, 0.15)
    return np.clip(clip + noise, -1, 1).astype("float32")


def moving_digits(*, n=1500, frames=16, size=32):
    """Clips of one digit that moves and bounces: uint8 (n, frames, size, size, 1).

    Each clip has its own digit picture (scikit-learn's, enlarged to 16x16); the digit is the
    label.
    """
    generator = np.random.default_rng(2)
    images, labels = digit_arrays()
    chosen = generator.permutation(len(images))[:n]
    if len(chosen) < n:
        raise ValueError(f"`n` must be at most {len(images)}. Received: n={n}")
    sprites = resize_images(images[chosen], (16, 16))
    places = np.round(_bounces(n, frames, size - 16, generator))
    return _moving(sprites, labels[chosen], map(str, range(10)), places, size)


def moving_letters(*, n=2600, frames=16, size=32):
    """Clips of one letter that moves and bounces: uint8 (n, frames, size, size, 1).

    The letters are those of `letters`, about 14 pixels high; the letter is the label. Positions
    between pixels are interpolated.
    """
    reading = letters(n=n, image_size=20)
    part = reading.parts["all"]
    sprites, generator = part.x[:, 2:-2, 2:-2], np.random.default_rng(6)
    places = _bounces(n, frames, size - 16, generator)
    return _moving(sprites, part.y, reading.spec.class_names, places, size)


def _bounces(n, frames, room, generator):
    """Return n paths (n, frames, 2) at a constant speed between walls at 0 and `room`."""
    start, angle = generator.uniform(0, room, (n, 1, 2)), generator.uniform(0, 2 * np.pi, n)
    speed = generator.uniform(1, 2.5, n)[:, None] * np.stack([np.sin(angle), np.cos(angle)], 1)
    way = (start + np.arange(frames)[:, None] * speed[:, None]) % (2 * room)
    return room - np.abs(way - room)  # unfolded: the way back is the mirror image


def _moving(sprites, labels, names, places, size):
    """Return clips of pictures (n, side, side, 1) at these places (n, frames, 2)."""
    clips = []
    index = np.arange(size)[:, None] - np.arange(sprites.shape[1])
    for sprite, path in zip(sprites[..., 0], places, strict=True):
        down, right = (np.maximum(1 - np.abs(index - at[:, None, None]), 0) for at in path.T)
        clips.append((down @ sprite @ right.swapaxes(1, 2)).round().astype("uint8"))
    clips = np.stack(clips)[..., None]
    spec = VideoSpec(clips.shape[1:], 10, tuple(names))
    return Reading(spec, {"all": Part(clips, labels)}, fingerprint_arrays(clips, labels))


def scattered_digits(*, n=480, size=(64, 96)):
    """Pictures of 2 to 7 digits of 12 to 24 pixels on a noisy background, with their boxes.

    The last sixth is the test part; it uses digit images that no other part contains.
    """
    return _scattered(*digit_arrays(), map(str, range(10)), n, size)


def scattered_letters(*, n=960, size=(64, 96)):
    """Pictures of 2 to 7 letters, A to J, of 12 to 24 pixels on a noisy background, with boxes.

    The last sixth is the test part; it uses pictures of letters that no other part contains.
    """
    reading = letters(n=5200)
    part = reading.parts["all"]
    some = part.y < 10
    images = part.x[some][:, 3:-3, 3:-3]  # a letter is 20 pixels high
    return _scattered(images, part.y[some], reading.spec.class_names[:10], n, size)


def _scattered(images, labels, names, n, size):
    generator = np.random.default_rng(3)
    order = generator.permutation(len(images))
    held, rest = np.split(order, [len(order) // 6])
    parts, arrays = {}, []
    for name, count, pool in (("train", n - n // 6, rest), ("test", n // 6, held)):
        pairs = [_scatter(images, labels, pool, size, generator) for _ in range(count)]
        x, y = np.stack([image for image, _ in pairs]), [target for _, target in pairs]
        parts[name] = Part(x, y)
        arrays += [x, *(target["boxes"] for target in y)]
    return detection_reading(parts, names, fingerprint_arrays(*arrays))


def _scatter(images, labels, pool, size, generator):
    """Return one picture; objects may touch, but overlap by at most a tenth."""
    canvas = np.clip(generator.normal(30, 10, (*size, 1)), 0, 255)
    boxes, found = [], []
    for index in generator.choice(pool, generator.integers(2, 8), replace=False):
        side = int(generator.integers(12, 25))
        sprite = resize_images(images[index][None], (side, side))[0].astype("float64")
        ink = sprite[..., 0] > 40
        rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
        sprite = sprite[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        height, width = sprite.shape[:2]
        for _ in range(30):
            top = generator.integers(0, size[0] - height + 1)
            left = generator.integers(0, size[1] - width + 1)
            box = np.array([left, top, left + width, top + height])
            if all(_overlap(box, other) <= 0.1 for other in boxes):
                place = canvas[top : top + height, left : left + width]
                np.maximum(place, sprite * generator.uniform(0.6, 1), out=place)
                boxes.append(box)
                found.append(labels[index])
                break
    target = {"boxes": np.array(boxes, "float32"), "labels": np.array(found, "int64")}
    return canvas.round().astype("uint8"), target


def _overlap(a, b):
    """Return the intersection of two boxes divided by the area of the smaller."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return max(0, width) * max(0, height) / smaller


def chords(*, n=600, bars=4):
    """Chord progressions in four voices, 16 steps per bar: arrays (16 * bars, 4), highest first.

    Each bar has two chords in a progression of four-part harmony; the voices move as little as
    possible, the soprano with passing notes, and the last chord is the tonic.
    """
    generator = np.random.default_rng(4)
    pieces = {}  # each once
    while len(pieces) < n:
        piece = _progression(bars, generator)
        pieces[piece.tobytes()] = piece
    pieces = list(pieces.values())
    return music_reading({"all": pieces}, fingerprint_arrays(*pieces), 4)


def _progression(bars, generator):
    # C, G or F major or their relative minors: one signature more or less, as in a song book.
    scale, tonics = ((MAJOR, (0, -5, 5)), (MINOR, (-3, 4, 2)))[int(generator.random() > 0.6)]
    tonic = int(generator.choice(tonics))
    degrees = [0]
    while len(degrees) < 2 * bars - 2:
        degrees.append(int(generator.choice(FOLLOWS[degrees[-1]])))
    degrees += [4, 0]  # a cadence
    voices, rows = np.array([72, 67, 64, 48]) + tonic, []
    for degree in degrees:
        tones = [(scale[(degree + k) % 7] + tonic) % 12 for k in (0, 2, 4)]
        voices = _lead(voices, tones)
        rows.append(voices)
    lengths = [8] * len(rows)
    for bar in np.flatnonzero(generator.random(bars - 1) < 0.4):  # a dotted rhythm
        lengths[2 * bar : 2 * bar + 2] = 12, 4
    piece = np.repeat(np.array(rows), lengths, axis=0)
    ends = np.cumsum(lengths)
    classes = {(tonic + step) % 12 for step in scale}
    for i in range(len(rows) - 1):  # a passing note between thirds of the soprano
        low, high = sorted((rows[i][0], rows[i + 1][0]))
        between = [p for p in range(low + 1, high) if p % 12 in classes]
        if 3 <= high - low <= 4 and between and generator.random() < 0.7:
            piece[ends[i] - 2 : ends[i], 0] = between[0]
    return piece


def _lead(voices, tones):
    """Return the nearest voicing of `tones`: the root in the bass, all three tones above it."""
    octaves = np.arange(-12, 24)
    bass = min((p for p in range(40, 56) if p % 12 == tones[0]), key=lambda p: abs(p - voices[3]))
    best, cost = None, np.inf
    near = [[v + o for o in octaves if (v + o) % 12 in tones and abs(o) <= 7] for v in voices[:3]]
    for soprano in near[0]:
        for alto in near[1]:
            for tenor in near[2]:
                ordered = 60 <= soprano <= 81 and soprano > alto > tenor > bass
                if ordered and {soprano % 12, alto % 12, tenor % 12} == set(tones):
                    moved = np.abs(np.array([soprano, alto, tenor]) - voices[:3]).sum()
                    moved += 0.1 * abs(soprano - 70) + 0.1 * abs(tenor - 60)
                    if moved < cost:
                        best, cost = (soprano, alto, tenor), moved
    return np.array([*(best or voices[:3]), bass])
