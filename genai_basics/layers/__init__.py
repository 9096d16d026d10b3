"""Layers that the families share, including priors and likelihoods."""

from .attention import Attention, NotPadding, Unmasked
from .augmentation import (
    DifferentiableAugmentation,
    RandomAffine,
    RandomErasing,
    RandomLight,
    RandomSeries,
)
from .averaging import MovingAverage
from .cells import GRU, LSTM, recurrent_layer
from .centring import Centred
from .likelihoods import (
    Bernoulli,
    DiscretizedLogistic,
    Gaussian,
    Likelihood,
    LogisticMixture,
    get_likelihood,
)
from .normalization import ConditionalNormalization, SpectralConv2D, SpectralDense
from .priors import (
    FlowPrior,
    MixturePrior,
    Prior,
    StandardNormal,
    VampPrior,
    get_prior,
    normal_log_prob,
)
from .sampling import Sampling, Shift, bounded, great_circles
from .spectral import LogMel, StridedConv, Within
from .upsampling import PixelShuffle

__all__ = [
    "GRU",
    "LSTM",
    "Attention",
    "Bernoulli",
    "Centred",
    "ConditionalNormalization",
    "DifferentiableAugmentation",
    "DiscretizedLogistic",
    "FlowPrior",
    "Gaussian",
    "Likelihood",
    "LogMel",
    "LogisticMixture",
    "MixturePrior",
    "MovingAverage",
    "NotPadding",
    "PixelShuffle",
    "Prior",
    "RandomAffine",
    "RandomErasing",
    "RandomLight",
    "RandomSeries",
    "Sampling",
    "Shift",
    "SpectralConv2D",
    "SpectralDense",
    "StandardNormal",
    "StridedConv",
    "Unmasked",
    "VampPrior",
    "Within",
    "bounded",
    "get_likelihood",
    "get_prior",
    "great_circles",
    "normal_log_prob",
    "recurrent_layer",
]
