"""Transfer learning: networks trained on other pictures, first frozen and then fine-tuned.

A backbone is one of `keras.applications` with its weights, or any Keras model for pictures
(Yosinski et al., 2014, https://arxiv.org/abs/1411.1792). `Transfer` trains the new layers on its
features in the first part of training, and then all layers together, at a much smaller learning
rate.
"""

import difflib
import os
import pathlib
import warnings

import keras
from keras import ops

from ..model import Model

__all__ = ["Backbone", "Transfer", "get_backbone"]

FROZEN = 0.4  # share of training in which the backbone is frozen
FINE = 0.03  # factor of the learning rate after that


def get_backbone(backbone, weights, input_shape, strides=None):
    """Return the `Backbone` for pictures of `input_shape`, from a name or a Keras model.

    Args:
        backbone: Name in `keras.applications`, such as "MobileNetV3Small", or a Keras model.
        weights: "imagenet", path of a weights file, or `None` for random weights; only for names.
        input_shape: (height, width, channels).
        strides: Strides of the maps that it returns, such as 4 for a quarter of the resolution;
            `None`: its output.

    Raises:
        ValueError: If the network does not exist, or its weights or pictures do not fit.
    """
    if len(input_shape or ()) != 3:
        raise ValueError(
            f"`backbone` needs pictures (height, width, channels). Received: shape {input_shape}"
        )
    if isinstance(backbone, keras.Model):
        network, family = backbone, None
        _check_fits(network, input_shape)
    else:
        network, family = _application(backbone, weights, input_shape)
    if strides:
        network = _maps_at(network, strides, input_shape)
    pretrained = family is None or weights is not None
    return Backbone(network, family, pretrained, name="backbone")


def _application(backbone, weights, input_shape):
    """Return a network of `keras.applications` and its module."""
    builder = getattr(keras.applications, str(backbone), None)
    if not callable(builder):
        near = difflib.get_close_matches(str(backbone), dir(keras.applications), 1)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise ValueError(
            "`backbone` must be a Keras model or the name of one in keras.applications, such as "
            f"MobileNetV3Small, EfficientNetB0 or ResNet50{hint} Received: backbone={backbone!r}"
        )
    downloaded = weights == "imagenet"
    with warnings.catch_warnings(action="ignore"):  # from Keras, about sizes other than ImageNet's
        try:
            network = builder(
                include_top=False,
                weights="imagenet" if downloaded else None,
                input_shape=(*input_shape[:2], 3),
            )
        except Exception as error:
            raise ValueError(_why_not(backbone, str(error))) from error
        if not downloaded and weights is not None:
            _load(network, backbone, weights)
    return network, builder.__module__.rpartition(".")[2]


def _check_fits(network, input_shape):
    """Raise a `ValueError` unless a user's model accepts pictures of this shape."""
    shapes = [tuple(tensor.shape[1:]) for tensor in getattr(network, "inputs", None) or ()]
    fits = len(shapes) == 1 and len(shapes[0]) == 3
    fits = fits and all(n in (None, m) for n, m in zip(shapes[0][:2], input_shape[:2], strict=True))
    fits = fits and shapes[0][2] in (3, input_shape[2])
    if not fits:
        shown = " and ".join(map(str, shapes)) or "no known shape"
        raise ValueError(
            f"the pictures have shape {tuple(input_shape)} and the backbone takes {shown}: resize "
            "them (--image-size), or build it with an input_shape of (None, None, channels). "
            f"Received: backbone={network.name}"
        )


def _why_not(backbone, reason):
    """Return a sentence on why a network could not be built or its weights not be downloaded."""
    if "URL fetch failure on " not in reason:
        return f"{backbone} cannot be built: {reason.splitlines()[0]}"
    file = reason.partition("URL fetch failure on ")[2].partition(": ")[0].rpartition("/")[2]
    path = pathlib.Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models" / file
    return (
        f"the weights of {backbone} could not be downloaded: put the file at '{path}', or give the "
        "path of one as `weights` (--set weights=PATH), or None for random weights. Received: "
        'weights="imagenet"'
    )


def _load(network, backbone, weights):
    """Load a weights file into a network; raise a `ValueError` if it does not fit."""
    path = pathlib.Path(weights).expanduser()
    if not path.exists():
        raise ValueError(f"there is no weights file '{path}'. Received: weights={str(weights)!r}")
    try:
        network.load_weights(path)
    except Exception as error:
        raise ValueError(
            f"'{path}' does not hold weights of {backbone} without its top "
            f"({str(error).splitlines()[0][:100]}). Received: weights={str(weights)!r}"
        ) from error


def _maps_at(network, strides, input_shape):
    """Return a network that returns its last maps at each of these strides.

    Raises:
        ValueError: If it has no maps at a stride.
    """
    outputs = [x.output for x in network.layers if len(getattr(x.output, "shape", ())) == 4]
    picture = keras.KerasTensor((1, *input_shape[:2], network.inputs[0].shape[-1]))
    shapes = keras.Model(network.inputs, outputs).compute_output_spec(picture)
    places = {tuple(x.shape[1:3]): output for x, output in zip(shapes, outputs, strict=True)}
    found = [places.get(tuple(-(-side // n) for side in input_shape[:2])) for n in strides]
    lacking = [f"1/{n}" for n, output in zip(strides, found, strict=True) if output is None]
    if lacking:
        raise ValueError(
            f"the backbone has no maps at {' and '.join(lacking)} of the size of its pictures. "
            f"Received: backbone={network.name}"
        )
    return keras.Model(network.inputs, found, name=network.name)


@keras.saving.register_keras_serializable(package="genai_basics")
class Backbone(keras.layers.Layer):
    """A network for pictures of 0 to 255, with its own preprocessing.

    Args:
        network: The Keras model. Grey pictures are repeated if it expects three channels.
        family: Module of `keras.applications` whose `preprocess_input` it needs. `None`: none.
        pretrained: Whether to keep its weights. It then runs in inference mode, so that batch
            statistics also stay unchanged.
    """

    def __init__(self, network, family=None, pretrained=True, **kwargs):
        super().__init__(**kwargs)
        self.network, self.family, self.pretrained = network, family, pretrained
        self.built = True
        self.trainable = not pretrained

    def call(self, x, training=False):
        """Return the network's output for pictures x in [0, 1]."""
        x = 255.0 * x
        if self.network.inputs[0].shape[-1] == 3 and x.shape[-1] == 1:
            x = ops.repeat(x, 3, axis=-1)
        if self.family:
            x = getattr(keras.applications, self.family).preprocess_input(x)
        return self.network(x, training=training and not self.pretrained)

    def get_config(self):
        network = keras.saving.serialize_keras_object(self.network)
        own = {"network": network, "family": self.family, "pretrained": self.pretrained}
        return {**super().get_config(), **own}

    @classmethod
    def from_config(cls, config):
        network = keras.saving.deserialize_keras_object(config.pop("network"))
        return cls(network, **config)


class Transfer(Model):
    """A model whose network may have a pretrained `Backbone`, first frozen, then fine-tuned."""

    @property
    def backbone(self):
        """The pretrained `Backbone`, or `None`."""
        layers = self.network.layers
        return next((x for x in layers if isinstance(x, Backbone) and x.pretrained), None)

    def anneal(self, progress, risen):
        """Return the factor of the learning rate: annealed twice, the second time much lower."""
        if self.backbone is None:
            return super().anneal(progress, risen)
        if progress < FROZEN:
            return super().anneal(progress / FROZEN, risen / FROZEN)
        progress, risen = ((x - FROZEN) / (1.0 - FROZEN) for x in (progress, risen))
        return FINE * super().anneal(progress, risen)

    def stand_at(self, progress, risen):
        """Unfreeze the backbone once the layers after it are trained."""
        super().stand_at(progress, risen)
        backbone, released = self.backbone, progress >= FROZEN
        if backbone is not None and backbone.trainable != released:
            backbone.trainable = released
            if self.train_function is not None:  # it was traced with other variables
                self.make_train_function(force=True)

    def build_optimizers(self):
        """Create the optimizers' variables, including those for the frozen backbone."""
        backbone = self.backbone
        if backbone is None:
            return super().build_optimizers()
        released, backbone.trainable = backbone.trainable, True
        super().build_optimizers()
        backbone.trainable = released
