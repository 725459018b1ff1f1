import itertools

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from eyechart.figures import to_array


def drawn_texts(figure: Figure) -> list[Text]:
    """Every text that can be seen: the labels of ticks beyond an axis' limits exist but are not drawn."""
    hidden = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not low <= tick.get_loc() <= high:
                    hidden |= {tick.label1, tick.label2}
    return [text for text in figure.findobj(Text) if text.get_text() and text.get_visible() and text not in hidden]


@pytest.fixture
def texts_of():
    """Draws a figure and gives its texts, having checked that all lie inside of it and none upon another."""

    def texts(figure: Figure) -> list[str]:
        height, width, channels = to_array(figure).shape
        assert channels == 3
        assert max(width, height) <= 2000
        canvas = figure.canvas
        assert isinstance(canvas, FigureCanvasAgg)
        boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in drawn_texts(figure)]
        for text, box in boxes:
            inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
            assert inside, f"{text!r} is cut off"
        for (one, a), (other, b) in itertools.combinations(boxes, 2):
            apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 1 or b.y1 <= a.y0 + 1
            assert apart, f"{one!r} and {other!r} overlap"
        return [text for text, _ in boxes]

    return texts
