"""What spoke for a class: the parts of an input without which its probability falls."""

import numpy as np

from ... import plotting
from ..form import typical
from ..showing import pixels_of, png

__all__ = ["evidence_of"]

PATCHES = 7  # rows and columns of a picture
MOST_PARTS = 200  # of a text
CAPTION = "What spoke for it"


def evidence_of(stage, batch):
    """Return the evidence for the most likely class of a batch of one, as what the page shows.

    Convolutional networks give it themselves; for others, each part of the input is covered in
    turn: the fall of the probability is what the part says for the class.
    """
    model, kind = stage.model, stage.spec.kind
    if kind == "images":
        image = np.asarray(batch[0])
        heat = model.explain(batch)[0] if hasattr(model, "explain") else covered(model, image)
        over = plotting.heatmap_over(pixels_of(image, stage.spec), np.maximum(heat, 0.0))
        return [("caption", CAPTION), (".png", png(over))]
    if kind == "text":
        return [("shaded", (f"{CAPTION}: darker words more", without_words(model, batch[0])))]
    if kind == "tables":
        return [("rows", (["column", "probability without it"], without_columns(stage, batch)))]
    return []


def covered(model, image):
    """Return how much the probability falls where a patch of a picture is covered."""
    height, width = image.shape[:2]
    rows, columns = (np.linspace(0, size, PATCHES + 1).astype(int) for size in (height, width))
    variants = [image]
    for i in range(PATCHES):
        for j in range(PATCHES):
            one = image.copy()
            one[rows[i] : rows[i + 1], columns[j] : columns[j + 1]] = image.mean()
            variants.append(one)
    p = model.predict(np.stack(variants), verbose=0)
    p = p[:, p[0].argmax()]
    return (p[0] - p[1:]).reshape(PATCHES, PATCHES)


def without_words(model, text):
    """Return `[(part, share)]` of the words of a text, of the letters if it is one word."""
    parts = text.split()
    joint = " " if len(parts) > 1 else ""
    parts = (parts if joint else list(text))[:MOST_PARTS]
    variants = [joint.join(parts[:i] + parts[i + 1 :]) or " " for i in range(len(parts))]
    p = model.predict([text, *variants], verbose=0)
    p = p[:, p[0].argmax()]
    falls = np.maximum(p[0] - p[1:], 0.0)
    shares = falls / max(falls.max(), 1e-9)
    return [(part + joint, float(share)) for part, share in zip(parts, shares, strict=True)]


def without_columns(stage, batch):
    """Return rows of the probability if a column has its typical value."""
    x, _ = stage.examples
    names = list(batch)
    rows = {name: np.repeat(column, len(names) + 1, axis=0) for name, column in batch.items()}
    usual = typical(x)
    for i, name in enumerate(names, 1):
        rows[name] = rows[name].astype(object if isinstance(usual[name], str) else float)
        rows[name][i] = usual[name]
    p = stage.model.predict(rows, verbose=0)
    p = p[:, p[0].argmax()]
    order = np.argsort(p[1:])
    return [[names[i], f"{p[0]:.3f} to {p[i + 1]:.3f}"] for i in order]
