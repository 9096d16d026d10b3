"""Basic neural networks, predictive and generative, as ready-to-train Keras models.

    import genai_basics as gb

The names below are imported on first use, so that `import genai_basics` costs nothing: it
loads neither TensorFlow nor Keras nor NumPy. Once Keras is there, by whoever's import, the
classes of this package are registered with it, and `keras.models.load_model` finds them.
"""

from importlib import import_module

from . import registration

__version__ = "0.1.0"

# module -> its public names
_CONTENTS = {
    "audit": ("audit_run",),
    "autoencoder": (
        "Autoencoder",
        "CodeDensity",
        "Corruption",
        "EntropyModel",
        "build_autoencoder",
    ),
    "convolutional": ("CNN", "build_cnn", "train_feature_extractor"),
    "data": ("Dataset", "list_data", "load_data"),
    "detector": ("Detector", "build_detector"),
    "distributions": ("FlowPrior", "LogisticMixture", "MixturePrior", "VampPrior"),
    "doctor": ("Doctor",),
    "feedforward": ("MLP", "build_mlp"),
    "gan": (
        "GAN",
        "MusicGAN",
        "TextGAN",
        "VideoGAN",
        "build_gan",
        "build_music_gan",
        "build_text_gan",
        "build_video_gan",
    ),
    "layers": ("Sampling",),
    "metrics": (),
    "model": ("Model",),
    "plotting": (),
    "predictor": ("Predictor",),
    "recurrent": (
        "Forecaster",
        "LanguageModel",
        "RNN",
        "SpeechRecognizer",
        "Translator",
        "build_forecaster",
        "build_language_model",
        "build_rnn",
        "build_speech_recognizer",
        "build_translator",
    ),
    "runs": ("Run", "load_run"),
    "sound": ("LogMel",),
    "tokenizer": ("Tokenizer",),
    "synthetic": ("Augmented", "augment"),
    "training": ("train",),
    "vae": ("HierarchicalVAE", "TextVAE", "VAE", "build_text_vae", "build_vae"),
}
_MODULE_OF = {name: module for module, names in _CONTENTS.items() for name in names}

__all__ = sorted(["__version__", *_CONTENTS, *_MODULE_OF])


def __getattr__(name):
    if name in _MODULE_OF:
        value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
        globals()[name] = value
        return value
    if name in _CONTENTS:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})


registration.install()
