"""Scans an image larger than the training images with a trained network: its dense layers become convolutions."""

from eyechart.scanning.convert import Geometry, convolutional
from eyechart.scanning.stitch import Scanner

__all__ = ["Geometry", "Scanner", "convolutional"]
