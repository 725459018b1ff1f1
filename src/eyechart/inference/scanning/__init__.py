"""Scans an image larger than the training images with a trained network: its dense layers become convolutions."""

from eyechart.inference.scanning.convert import Geometry, convolutional
from eyechart.inference.scanning.stitch import Scanner

__all__ = ["Geometry", "Scanner", "convolutional"]
