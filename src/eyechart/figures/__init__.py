"""Arrays in, a matplotlib Figure out: nothing is read, no pyplot, no global state.

`save` and `to_array` turn a figure into a file or an array. matplotlib is imported by the first figure, not before.
"""

from eyechart.figures.confusion import confusion_matrix
from eyechart.figures.contact_sheet import contact_sheet
from eyechart.figures.curves import learning_curves
from eyechart.figures.detections import Box, detections
from eyechart.figures.false_alarms import Curve, false_alarms
from eyechart.figures.feature_maps import feature_maps
from eyechart.figures.filters import filters
from eyechart.figures.fixed_filters import fixed_filters
from eyechart.figures.gallery import gallery
from eyechart.figures.scan import Panel, scan
from eyechart.figures.search import parameter_importance, search_history
from eyechart.figures.steps import accuracy_by_step
from eyechart.figures.stitching import stitching
from eyechart.figures.style import save, to_array

__all__ = [
    "Box",
    "Curve",
    "Panel",
    "accuracy_by_step",
    "confusion_matrix",
    "contact_sheet",
    "detections",
    "false_alarms",
    "feature_maps",
    "filters",
    "fixed_filters",
    "gallery",
    "learning_curves",
    "parameter_importance",
    "save",
    "scan",
    "search_history",
    "stitching",
    "to_array",
]
