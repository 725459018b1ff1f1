"""Architectures. Each is a dataclass of hyperparameters that checks a data set's shape and builds a `keras.Model`."""

from eyechart.models.architecture import Architecture
from eyechart.models.convolutional import CNN
from eyechart.models.dense import FNN
from eyechart.models.recurrent import CNNRNN, RNN, BiRNN

__all__ = ["CNN", "CNNRNN", "FNN", "RNN", "Architecture", "BiRNN"]
