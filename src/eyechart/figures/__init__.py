"""Arrays in, a matplotlib Figure out: nothing is read, no pyplot, no global state.

`save` and `to_array` turn a figure into a file or an array. matplotlib is imported by the first figure, not before.
"""

from eyechart.figures.confusion import confusion_matrix
from eyechart.figures.curves import learning_curves
from eyechart.figures.gallery import gallery
from eyechart.figures.style import save, to_array

__all__ = ["confusion_matrix", "gallery", "learning_curves", "save", "to_array"]
