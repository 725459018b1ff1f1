"""Which network sees your images best? Train them all on the same data, keep every run, look at the differences."""

from eyechart.comparison import load_results
from eyechart.errors import EyechartError

__all__ = ["EyechartError", "load_results"]
