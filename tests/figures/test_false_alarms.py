import numpy as np
import pytest

from eyechart.figures import Curve, false_alarms

PROBABILITIES = (0.5, 0.9)


def curve(name: str, alarms: float = 1.0, recall: float = 0.9) -> Curve:
    return Curve(
        name, [(alarms, 0.0, 3 * alarms), (alarms / 2, 0.0, alarms)], [(recall, 0.5, 1.2), (recall / 2, 0.1, 0.8)]
    )


@pytest.mark.parametrize("count", [1, 3, 9])
@pytest.mark.parametrize("alarms", [0.0, 0.01, 5000.0])
def test_every_text_can_be_read(count: int, alarms: float, texts_of):
    names = [f"lenet optimizer.learning_rate=0.{number} on mnist_background" for number in range(count)]
    figure = false_alarms([curve(name, alarms) for name in names], PROBABILITIES, "20 canvases " * 12)
    texts = texts_of(figure)
    assert {"false alarms per image", "recall", *names} <= set(texts)
    assert any("probability 0.5, 0.9 or more" in text for text in texts)


def test_the_points_are_those_given_and_their_bars_the_intervals():
    (axes,) = false_alarms([curve("a")], PROBABILITIES, "title").axes
    ((line, _, bars),) = axes.containers
    np.testing.assert_allclose(line.get_xydata(), [[1.0, 0.9], [0.5, 0.45]])
    across, up = (bar.get_segments() for bar in bars)
    np.testing.assert_allclose(across[0], [[0.0, 0.9], [3.0, 0.9]])
    np.testing.assert_allclose(up[0], [[1.0, 0.5], [1.0, 1.2]])
    assert axes.get_xlim()[0] == 0
    assert axes.get_xlim()[1] == 1.5  # a bar may leave the picture
    assert axes.get_ylim()[1] <= 1.02


def test_where_there_are_no_false_alarms_and_nothing_is_found_the_axes_are_what_they_can_be():
    (axes,) = false_alarms([Curve("a", [(0, 0, 900)] * 2, [(0, 0, 0)] * 2)], PROBABILITIES, "title").axes
    assert axes.get_xlim() == (0, 0.1)
    assert -0.02 <= axes.get_ylim()[0] < axes.get_ylim()[1] <= 1.02


def test_rows_beyond_the_colours_are_gray():
    (axes,) = false_alarms([curve(str(number)) for number in range(8)], PROBABILITIES, "title").axes
    colours = [container.lines[0].get_color() for container in axes.containers]
    assert len(set(colours[:6])) == 6
    assert len(set(colours[6:])) == 1
