"""The detector: its data, its augmentation, `train_step`, and from maps back to boxes.

The formulas and their source are in `boxes.py`.
"""

import keras
import numpy as np
from keras import ops

from .. import metrics, plotting
from ..backend import gradient_step
from ..data.images import resize_images
from ..data.writers import image_grid
from ..evaluation import Errors
from ..model import Model
from .boxes import area_of, boxes_of, detection_losses, losses_by_picture, matched_objects, overlaps

__all__ = ["Detector"]

MOST = 100  # objects found in a picture


@keras.saving.register_keras_serializable(package="genai_basics")
class Detector(Model):
    """A `network: pictures -> (heat, reach)` with the losses, the augmentation, the decoding.

    The network sees pictures of its own size in [0, 1]; see `detection_losses` for its outputs.
    """

    tracked = ("heat", "box")
    loss_keyword = "its network: the losses are the paper's"
    learning_rate = 2e-3
    batch_size = 8
    box_weight = 5.0  # the paper's

    def __init__(
        self,
        network,
        *,
        num_classes,
        augment=True,
        mirror=False,
        max_overlap=0.55,
        threshold=0.3,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.network, self.num_classes = network, num_classes
        self.augment, self.mirror = augment, mirror
        self.max_overlap, self.threshold = max_overlap, threshold
        self.built = True

    @property
    def size(self):
        """(height, width) of the network's pictures."""
        return tuple(self.network.inputs[0].shape[1:3])

    def input_shape_of_one(self):
        return self.network.inputs[0].shape[1:]

    def default_optimizer(self):
        return keras.optimizers.AdamW(self.peak_learning_rate, weight_decay=1e-2)

    # Data: pictures of any size, boxes in their pixels.

    def prepare(self, x, y=None, sample_weight=None):
        pictures = [np.asarray(picture) for picture in x]
        if not pictures:
            raise ValueError("x must hold at least one picture. Received: none")
        channels = self.input_shape_of_one()[-1]
        pictures = [p[..., None] if p.ndim == 2 else p for p in pictures]
        for picture in pictures:
            if picture.ndim != 3 or picture.shape[-1] != channels:
                raise ValueError(
                    f"x must hold pictures (height, width, {channels}). "
                    f"Received: a picture of shape {picture.shape}"
                )
        resized = np.concatenate([resize_images(p[None], self.size) for p in pictures])
        self.check_input(resized)
        if y is None:
            return (resized,)
        if len(y) != len(pictures):
            raise ValueError(
                f"x and y must have the same length. Received: lengths {[len(pictures), len(y)]}"
            )
        most = max([1, *(len(target["labels"]) for target in y)])
        boxes = np.zeros((len(y), most, 4), "float32")
        labels = np.full((len(y), most), -1, "int32")
        for i, (picture, target) in enumerate(zip(pictures, y, strict=True)):
            found, names = self._target(target, picture.shape)
            boxes[i, : len(found)], labels[i, : len(names)] = found, names
        return resized, {"boxes": boxes, "labels": labels}

    def _target(self, target, shape):
        """Return boxes in the network's pixels and integer labels; those without area left out."""
        boxes = np.asarray(target["boxes"], "float32").reshape(-1, 4)
        labels = np.asarray(target["labels"])
        if len(boxes) != len(labels):
            raise ValueError(
                f"a picture needs a label for each box. Received: {len(boxes)} boxes and "
                f"{len(labels)} labels"
            )
        if not len(labels):
            return boxes, np.zeros(0, "int32")
        labels = self.check_labels(self.encode_labels(labels))
        height, width = shape[:2]
        boxes = boxes.clip(0, [width, height, width, height])
        boxes = boxes * (np.array([self.size[1] / width, self.size[0] / height] * 2, "float32"))
        keep = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(axis=1)
        if "crowd" in target:
            keep &= ~np.asarray(target["crowd"], bool)
        return boxes[keep], labels[keep]

    # Training.

    def call(self, x, training=False):
        """Return `heat` logits and `reach`, at a quarter of the size."""
        return self.network(x, training=training)

    def vary(self, x, boxes):
        """Shift, zoom, mirror and light pictures and their boxes, each in its own way."""
        n, (height, width) = ops.shape(x)[0], self.size
        draw = lambda low, high: keras.random.uniform((n,), low, high, seed=self.noise)  # noqa: E731
        zoom = ops.exp(draw(-0.2, 0.2))
        stretch = ops.exp(draw(-0.06, 0.06))
        flip_x = ops.sign(draw(-1, 1)) if self.mirror else ops.ones((n,))
        flip_y = ops.sign(draw(-1, 1)) if self.mirror else ops.ones((n,))
        scale_x, scale_y = zoom * stretch * flip_x, zoom / stretch * flip_y
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        # Pixel (u, v) of the output is (scale_x u + x0, scale_y v + y0) of the input.
        x0 = middle_x - scale_x * middle_x + draw(-0.12, 0.12) * width
        y0 = middle_y - scale_y * middle_y + draw(-0.12, 0.12) * height
        zero = ops.zeros((n,))
        transform = ops.stack([scale_x, zero, x0, zero, scale_y, y0, zero, zero], axis=1)
        x = ops.image.affine_transform(x, transform, "bilinear", "constant", 0.5)
        # Pixel u of a picture spans u to u + 1 of its coordinates: hence the halves.
        scale = ops.stack([scale_x, scale_y] * 2, axis=1)[:, None]
        start = ops.stack([x0, y0] * 2, axis=1)[:, None]
        boxes = (boxes - 0.5 - start) / scale + 0.5
        low = ops.minimum(boxes[..., :2], boxes[..., 2:])
        high = ops.maximum(boxes[..., :2], boxes[..., 2:])
        whole = area_of(ops.concatenate([low, high], axis=-1))
        limit = ops.array([width, height], "float32")
        boxes = ops.concatenate([ops.clip(low, 0.0, limit), ops.clip(high, 0.0, limit)], axis=-1)
        seen = area_of(boxes) > 0.3 * whole  # less of it left in the picture is no object
        light = draw(-0.1, 0.1)[:, None, None, None]
        contrast = ops.exp(draw(-0.2, 0.2))[:, None, None, None]
        mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
        return (x - mean) * contrast + mean + light, boxes, seen

    def losses_of(self, x, boxes, labels, training=False):
        """Return `(loss, heat, box)` with loss = heat + 5 box."""
        if training and self.augment:
            x, boxes, seen = self.vary(x, boxes)
            labels = ops.where(seen, labels, -1)
        heat, reach = self.network(x, training=training)
        heat, box = detection_losses(heat, reach, boxes, labels, self.size)
        return heat + self.box_weight * box, heat, box

    def train_step(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        losses = gradient_step(
            lambda: self.losses_of(x, y["boxes"], y["labels"], training=True),
            self.trainable_variables,
            self.optimizer,
        )
        return self.track(ops.shape(x)[0], *losses)

    def test_step(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.track(ops.shape(x)[0], *self.losses_of(x, y["boxes"], y["labels"]))

    def example_losses(self, x, y=None, sample_weight=None, training=False):
        heat, reach = self.network(x, training=training)
        parts = losses_by_picture(heat, reach, y["boxes"], y["labels"], self.size)
        return (parts[0] + self.box_weight * parts[1]) / ops.maximum(parts[2], 1.0)

    def predict_step(self, data):
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        return self.decode(*self.maps(x))

    def maps(self, x):
        """Return `heat` and `reach`; where pictures may be mirrored, averaged with the mirror's."""
        heat, reach = self.network(x, training=False)
        if not self.mirror:
            return heat, reach
        other, back = self.network(ops.flip(x, axis=2), training=False)
        back = ops.take(ops.flip(back, axis=2), np.array([2, 1, 0, 3]), axis=-1)  # left is right
        return (heat + ops.flip(other, axis=2)) / 2, (reach + back) / 2

    # From maps to boxes.

    def decode(self, heat, reach):
        """Return the likeliest 100 boxes of each picture, best first, each object once.

        A place counts where its heat is the highest of the 3x3 about it; then, of boxes of one
        class that overlap by more than `max_overlap`, only the best stays.

        Returns:
            Dict of `boxes` (batch, 100, 4) in the network's pixels, `labels` (batch, 100), -1
            where there is nothing, `scores` (batch, 100), 0 there.
        """
        p = ops.sigmoid(heat)
        peak = ops.max_pool(p, 3, 1, "same")
        p = ops.where(p >= peak, p, 0.0)
        rows, columns, classes = p.shape[1:]
        k = min(MOST, rows * columns * classes)
        scores, places = ops.top_k(ops.reshape(p, (-1, rows * columns * classes)), k)
        labels = ops.cast(places % classes, "int32")
        boxes = ops.reshape(boxes_of(reach, self.size), (-1, rows * columns, 4))
        boxes = ops.take_along_axis(boxes, (places // classes)[..., None], axis=1)
        limit = ops.array([self.size[1], self.size[0]] * 2, "float32")
        boxes = ops.clip(boxes, 0.0, limit)
        keep = self.suppress(boxes, labels)
        keep = ops.logical_and(keep, scores > 1e-3)
        return {
            "boxes": boxes,
            "labels": ops.where(keep, labels, -1),
            "scores": ops.where(keep, scores, 0.0),
        }

    def suppress(self, boxes, labels):
        """Return which boxes (batch, k, 4), best first, are no second box of an object."""
        k = boxes.shape[1]
        iou, _ = overlaps(boxes[:, :, None], boxes[:, None])
        same = labels[:, :, None] == labels[:, None]
        hides = ops.logical_and(iou > self.max_overlap, same)
        order = ops.arange(k)

        def step(i, keep):
            better = ops.logical_and(keep, (order < i)[None])
            hidden = ops.any(ops.logical_and(hides[:, i], better), axis=1)
            return ops.logical_and(
                keep, ops.logical_not(ops.logical_and(hidden[:, None], (order == i)[None]))
            )

        return ops.fori_loop(0, k, step, ops.ones_like(labels, dtype="bool"))

    def postprocess(self, outputs):
        return outputs

    # Verbs on raw data.

    def detect(self, x, threshold=None):
        """Return for each picture of x a dict of what is on it, best first.

        Args:
            x: Pictures, of any sizes.
            threshold: Least score. `None` takes the builder's.

        Returns:
            List of `{"boxes": (k, 4), "labels": (k,), "scores": (k,)}`: corners in pixels of the
            picture given, names (numbers without `class_names`), scores from 0 to 1.
        """
        threshold = self.threshold if threshold is None else threshold
        found = self.predict(x, verbose=0)
        names = np.array(self.class_names or range(self.num_classes))
        results = []
        for i in range(len(x)):
            height, width = np.shape(x[i])[:2]
            keep = found["scores"][i] >= max(threshold, 1e-3)
            order = np.argsort(-found["scores"][i][keep], kind="stable")
            scale = np.array([width / self.size[1], height / self.size[0]] * 2, "float32")
            results.append(
                {
                    "boxes": (found["boxes"][i][keep] * scale)[order],
                    "labels": names[found["labels"][i][keep]][order],
                    "scores": found["scores"][i][keep][order],
                }
            )
        return results

    def report(self, x, y=None):
        if y is None:
            raise ValueError("boxes are needed to measure a detector. Received: data without")
        found = self.detect(x, threshold=1e-3)
        names = self.class_names or tuple(map(str, range(self.num_classes)))
        found = [{**one, "labels": [str(label) for label in one["labels"]]} for one in found]
        true = [
            {**one, "labels": [self.name_of(label) for label in self.encode_labels(one["labels"])]}
            for one in y
        ]
        return metrics.detection_report(true, found, names), {}

    def errors_of(self, x, y=None):
        """Return which true objects are missed: no box of their class overlaps them by half."""
        if y is None:
            raise ValueError("boxes are needed to measure a detector. Received: data without")
        missed, examples, parts = [], [], []
        for i, (found, true) in enumerate(zip(self.detect(x), y, strict=True)):
            names = [self.name_of(label) for label in self.encode_labels(true["labels"])]
            boxes = np.asarray(true["boxes"], "float32").reshape(-1, 4)
            crowd = np.asarray(true.get("crowd", np.zeros(len(names))), bool)
            iou = ops.convert_to_numpy(overlaps(boxes[:, None], found["boxes"][None])[0])
            same = np.array(names)[:, None] == found["labels"].astype(str)[None]
            missed += (~matched_objects(np.where(same, iou, 0.0)))[~crowd].tolist()
            parts += np.array(names)[~crowd].tolist()
            examples += [i] * int((~crowd).sum())
        if not missed:
            raise ValueError("there are no objects on the pictures to miss")
        return Errors(
            "objects missed", np.array(missed, "float64"), np.array(examples), np.array(parts)
        )

    def name_of(self, label):
        """Return the name of an integer label."""
        return self.class_names[int(label)] if self.class_names else str(int(label))

    def answer(self, x, threshold=None):
        """Return a row for each picture with what is on it, and copies with the boxes drawn."""
        found = self.detect(x, threshold)
        rows = []
        for one in found:
            labels = [str(label) for label in one["labels"]]
            counts = {name: labels.count(name) for name in dict.fromkeys(labels)}
            rows.append(
                {
                    "objects": len(labels),
                    "found": ", ".join(f"{n} {name}" for name, n in counts.items()) or "(nothing)",
                    "boxes": np.round(one["boxes"], 1).tolist(),
                    "labels": labels,
                    "scores": np.round(one["scores"], 4).tolist(),
                }
            )
        return rows, [self.draw(picture, one) for picture, one in zip(x, found, strict=True)]

    def draw(self, picture, found):
        """Return a copy of a picture, uint8 RGB, with boxes, labels and scores drawn on it."""
        picture = np.asarray(picture)
        if picture.dtype != np.uint8:
            low, high = self.value_range or (0, 255)
            picture = ((picture - low) * (255 / (high - low))).round().clip(0, 255).astype("uint8")
        parts = (found[name] for name in ("boxes", "labels", "scores"))
        drawn = plotting.draw_boxes(picture, *parts, class_names=self.class_names)
        return np.asarray(drawn.convert("RGB"))

    def pictures(self, x, y=None):
        """Return the first pictures with what was found on them."""
        some = [np.asarray(picture) for picture in x[:9]]
        drawn = [self.draw(p, one) for p, one in zip(some, self.detect(some), strict=True)]
        if len({picture.shape for picture in drawn}) > 1:
            return {f"detected-{i}": picture for i, picture in enumerate(drawn)}
        return {"detected": image_grid(np.stack(drawn), columns=3)}
