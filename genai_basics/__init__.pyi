# For editors and type checkers: what `__init__.py` imports on first use.
from . import convolutional as convolutional
from . import data as data
from . import doctor as doctor
from . import feedforward as feedforward
from . import gan as gan
from . import layers as layers
from . import metrics as metrics
from . import model as model
from . import plotting as plotting
from . import predictor as predictor
from . import runs as runs
from . import sound as sound
from . import training as training
from . import vae as vae
from .convolutional import CNN as CNN
from .convolutional import build_cnn as build_cnn
from .convolutional import train_feature_extractor as train_feature_extractor
from .data import Dataset as Dataset
from .data import list_data as list_data
from .data import load_data as load_data
from .doctor import Doctor as Doctor
from .feedforward import MLP as MLP
from .feedforward import build_mlp as build_mlp
from .gan import GAN as GAN
from .gan import build_gan as build_gan
from .layers import Sampling as Sampling
from .model import Model as Model
from .predictor import Predictor as Predictor
from .runs import Run as Run
from .runs import load_run as load_run
from .sound import LogMel as LogMel
from .training import train as train
from .vae import VAE as VAE
from .vae import build_vae as build_vae

__version__: str
