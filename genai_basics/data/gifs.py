"""Video clips: arrays and folders of GIFs."""

import math
from collections import Counter

import numpy as np

from .. import limits
from ..checks import one_of
from ..warning import warn
from .arrays import encode_parts, read_arrays
from .class_folders import read_class_folders
from .dataset import Part, Reading
from .files import fingerprint_files, read_files, report_skipped
from .images import CHANNELS, check_size, resize_images, why
from .spec import VideoSpec

__all__ = ["fit_clips", "read_gif", "read_video"]


def read_video(
    source, *, image_size=None, color=None, frames=None, fps=None, class_names=None, strict=False
):
    """Read clips as uint8 (n, frames, height, width, channels).

    Args:
        source: `.npz`, `.npy` or array (n, frames, height, width[, channels]); or a folder of
            GIFs, with or without a folder for each class.
        image_size: Height and width to resize to. `None` uses the most common size.
        color: "grey" or "rgb". `None` selects grey if all clips are grey.
        frames: Frames per clip. `None` uses the length of the shortest; longer clips are cut.
        fps: Frames per second. `None` reads it from the files; 10 if they have none.
        class_names: Known class names to encode the labels with.
        strict: Whether files that cannot be read are an error.
    """
    one_of("color", color, (None, *CHANNELS))
    size = check_size(image_size)
    if hasattr(source, "is_dir") and source.is_dir():
        return _read_folder(source, size, color, frames, fps, class_names, strict)
    raw, digest = read_arrays(source)
    groups = {}
    for name, (x, y) in raw.items():
        if y is not None and y.ndim == 2 and y.shape[1] > 1:  # contents of the clip, not its class
            groups[name], raw[name] = {"labels": y}, (x, None)
    labels, class_names = encode_parts(raw, class_names, "clips")
    parts = {}
    for name, (x, _) in raw.items():
        clips = _clip_array(x)
        clips = _resize(clips[:, : frames or clips.shape[1]], size, color)
        parts[name] = Part(clips, labels[name], groups.get(name, {}))
    shape = next(iter(parts.values())).x.shape[1:]
    return Reading(VideoSpec(shape, fps or 10, class_names), parts, digest)


def read_gif(path):
    """Return `(frames, fps)` of a GIF: uint8 (frames, height, width, 1 or 3).

    Raises:
        ValueError: The file is not a readable GIF.
    """
    from PIL import Image, ImageSequence

    try:
        with Image.open(limits.regular(path), formats=["GIF"]) as image:
            shape = (image.n_frames, image.height, image.width, 3)
            limits.check("pixels", math.prod(shape[:3]), path)
            duration = image.info.get("duration", 100) or 100
            clip, grey = np.empty(shape, "uint8"), True
            for i, frame in enumerate(ImageSequence.Iterator(image)):
                clip[i] = np.asarray(frame.convert("RGB"))
                grey = grey and (clip[i, ..., :1] == clip[i]).all()
    except Exception as error:  # Pillow raises many types for broken files
        raise ValueError(f"'{path}' cannot be read as a GIF: {why(error, path)}.") from error
    return (clip[..., :1] if grey else clip), 1000 / duration


def fit_clips(clips, shape, path="the array"):
    """Convert clips (n, frames, height, width[, channels]) to the `shape` of a spec."""
    clips = np.asarray(clips)
    clips = clips[None] if clips.ndim == 3 or (clips.ndim == 4 and clips.shape[-1] <= 3) else clips
    clips = _clip_array(clips)
    frames, height, width, channels = shape
    if clips.shape[1] < frames:
        raise ValueError(
            f"'{path}' must hold clips of at least {frames} frames. Received: {clips.shape[1]}"
        )
    return _resize(clips[:, :frames], (height, width), "grey" if channels == 1 else "rgb")


def _clip_array(x):
    if not isinstance(x, np.ndarray):
        raise ValueError("Clips in an array must have the same length and size.")
    x = x[..., None] if x.ndim == 4 else x
    if x.ndim != 5 or x.shape[-1] not in (1, 3) or x.dtype.kind not in "biuf":
        raise ValueError(
            "Clips must be (n, frames, height, width) or with 1 or 3 channels last; `--kind` says "
            f"what else the array holds. Received: {x.dtype} of shape {x.shape}"
        )
    low, high = x.min(), x.max()
    if low < 0 or high > 255:
        raise ValueError(
            f"Clips must hold values of 0 to 255 or of 0 to 1. Received: {low:g} to {high:g}"
        )
    unit = high <= 1 and x.dtype != np.uint8
    return (x * 255.0 if unit else x).round().astype("uint8") if x.dtype != np.uint8 else x


def _resize(clips, size, color):
    n, frames, height, width, channels = clips.shape
    flat = resize_images(clips.reshape(-1, height, width, channels), size, color)
    return flat.reshape(n, frames, *flat.shape[1:])


def _read_folder(folder, size, color, frames, fps, class_names, strict):
    found = read_class_folders(folder, (".gif",), "clips")
    used = [file for files, _ in found.values() for file in files]

    def read(file):
        clip, rate = read_gif(file)
        if len(clip) == 1:  # all clips are cut to the length of the shortest
            raise ValueError("one frame is not a clip")
        return clip, rate

    whole, skipped = read_files(used, read, folder)
    clips = {file: clip for file, (clip, _) in whole.items()}
    rates = Counter(rate for _, rate in whole.values())
    if not clips:
        raise ValueError(f"'{folder}' holds no clip that can be read.")
    report_skipped(tuple(skipped), strict, "clips")
    lengths = Counter(len(clip) for clip in clips.values())
    wanted = frames or min(lengths)
    if frames is None and len(lengths) > 1:
        warn(
            f"The clips have {min(lengths)} to {max(lengths)} frames; all are cut to the first "
            f"{wanted}."
        )
    short = [file for file, clip in clips.items() if len(clip) < wanted]
    if short:
        warn(f"{len(short)} clips have fewer than {wanted} frames and are left out.")
        clips = {file: clip for file, clip in clips.items() if len(clip) >= wanted}
    if not clips:
        raise ValueError(f"`frames` must be at most {max(lengths)}. Received: frames={frames}")
    if fps is None and len(rates) > 1:
        warn(
            f"The clips play at {min(rates):g} to {max(rates):g} frames per second; frames are "
            f"used as they are, and {rates.most_common(1)[0][0]:g} is noted."
        )
    sizes = Counter(clip.shape[1:3] for clip in clips.values())
    target = size or sizes.most_common(1)[0][0]
    if size is None and len(sizes) > 1:
        warn(f"The clips have {len(sizes)} sizes; all are resized to {target[0]}x{target[1]}.")
    color = color or ("grey" if all(clip.shape[-1] == 1 for clip in clips.values()) else "rgb")
    raw, parts = {}, {}
    for name, (files, labels) in found.items():
        keep = [i for i, file in enumerate(files) if file in clips]
        raw[name] = ([files[i] for i in keep], labels and [labels[i] for i in keep])
    labels, class_names = encode_parts(raw, class_names, "clips")
    for name, (files, _) in raw.items():
        x = np.stack([_resize(clips[file][None, :wanted], target, color)[0] for file in files])
        names = np.array([str(file.relative_to(folder)) for file in files])
        parts[name] = Part(x, labels[name], {"file": names})
    shape = next(iter(parts.values())).x.shape[1:]
    digest = fingerprint_files(sorted(clips), folder)
    spec = VideoSpec(shape, fps or rates.most_common(1)[0][0], class_names)
    return Reading(spec, parts, digest, tuple(skipped), files=used)
