"""Architectures. Each is a dataclass of hyperparameters that checks a data set's shape and builds a `keras.Model`."""

from eyechart.models.architecture import Architecture
from eyechart.models.convolutional import CNN, LeNet
from eyechart.models.dense import FNN
from eyechart.models.recurrent import BiRNN

__all__ = ["CNN", "FNN", "Architecture", "BiRNN", "LeNet"]
