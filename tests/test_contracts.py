"""Keras' own contract tests, on every layer and loss that this package registers."""

import inspect

import keras
import numpy as np
import pytest
from keras.src.testing import TestCase

from genai_basics import Head, Tokenizer, registration
from genai_basics.predictor.head import Crossentropy

CASE = TestCase()
TIME, PICTURE, CLIP = (2, 8, 4), (2, 8, 8, 2), (2, 4, 8, 8, 1)
TOKENS = {"input_data": np.array([[3, 4, 0], [5, 0, 0]], "int32")}
# Layers that Keras may call on one input, their arguments, and that input.
LAYERS = {
    "BagOfWords": ({"num_words": 9, "units": 4}, TOKENS),
    "ClipsToFrames": ({}, {"input_shape": CLIP}),
    "ConditionalNormalization": ({}, {"input_shape": [PICTURE, (2, 3)]}),
    "DifferentiableAugmentation": ({"seed": 0}, {"input_shape": PICTURE}),
    "FramesToClips": ({"frames": 2}, {"input_shape": PICTURE}),
    "GRU": ({"units": 3}, {"input_shape": TIME}),
    "HeldNotes": ({}, {"input_shape": PICTURE}),
    "LSTM": ({"units": 3}, {"input_shape": TIME}),
    "LogMel": ({"sample_rate": 8000, "bands": 8}, {"input_shape": (2, 2000)}),
    "NotPadding": ({}, {**TOKENS, "expected_output_dtype": "bool"}),
    "PixelShuffle": ({}, {"input_shape": (2, 4, 4, 8)}),
    "RandomAffine": ({}, {"input_shape": PICTURE}),
    "RandomErasing": ({}, {"input_shape": PICTURE}),
    "RandomLight": ({}, {"input_shape": PICTURE}),
    "RandomSeries": ({}, {"input_shape": TIME}),
    "Sampling": ({"seed": 0}, {"input_shape": [(2, 3), (2, 3)]}),
    "Scaling": ({"channels": 4}, {"input_shape": TIME}),
    "Shift": ({"sign": 1.0}, {"input_shape": TIME}),
    "SomeFrames": ({"count": 2}, {"input_shape": CLIP}),
    "SpectralConv2D": ({"filters": 3, "kernel_size": 3}, {"input_shape": PICTURE}),
    "SpectralDense": ({"units": 3}, {"input_shape": (2, 5)}),
    "TimeWaves": ({}, {"input_shape": (2, 1)}),
    "Unmasked": ({}, {"input_shape": TIME}),
}
# Others: fitted, called with more than inputs, or small networks; they are only saved and loaded.
OTHERS = {
    "CodeDensity": {},
    "Columns": {"columns": [("a", "number"), ("b", "category")]},
    "Corruption": {"noise": "mask", "level": 0.5},
    "EntropyModel": {},
    "Judge": {"shape": (8, 8, 1)},
    "Spectrogram": {"hop": 100},
    "StridedConv": {"filters": 3, "kernel_size": 3, "strides": 2},
    "Windows": {"columns": ("a",), "targets": ("a",), "known": (), "window": 4, "horizon": 2},
    "Writer": {"units": 3, "vocabulary": 5},
}
SIZES = {
    "PianoRolls": {"voices": 2, "low": 30, "high": 60, "steps": 8, "hop": 4},
    "Rolls": {"low": 30, "high": 60},
    "OneHotTexts": {"max_length": 5, "vocabulary_size": 9},
    "Waves": {"sample_rate": 8000},
}
OTHERS |= SIZES | {
    name: {"shape": (8, 8, 1)} for name in ("Clips", "Numbers", "Resized", "Steps", "VideoClips")
}


def registered(kind):
    """Return the classes of a kind that are registered, by name."""
    registration.register()
    found = keras.saving.get_custom_objects()
    return {
        name.partition(">")[2]: cls
        for name, cls in found.items()
        if name.startswith("genai_basics>") and inspect.isclass(cls) and issubclass(cls, kind)
    }


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_keeps_keras_contract_in_mixed_precision_too(name):
    arguments, inputs = LAYERS[name]
    CASE.run_layer_test(
        registered(keras.layers.Layer)[name], arguments, run_training_check=False, **inputs
    )


def test_all_other_layers_and_the_loss_are_saved_and_loaded():
    for name, cls in registered(keras.layers.Layer).items():
        if name not in LAYERS and not issubclass(cls, keras.Model):
            arguments = OTHERS.get(name, {})
            if "tokenizer" in inspect.signature(cls).parameters:
                arguments = {"tokenizer": Tokenizer(vocabulary=["a"]), "max_length": 3}
            if "network" in inspect.signature(cls).parameters:
                x = keras.Input((4,))
                arguments = {"network": keras.Model(x, keras.layers.Dense(2)(x))}
            CASE.run_class_serialization_test(cls(**arguments))
    CASE.run_class_serialization_test(Crossentropy(0.1))
    CASE.run_class_serialization_test(Head(class_names=("cat", "dog"), balance=True))
