import pytest

from eyechart.figures import stitching


def test_the_passes_of_the_document(texts_of):
    texts = texts_of(stitching((4, 4), (28, 28)))
    assert (
        "how 16 passes over shifted images fill the map of an image of 36×36 pixels, in windows of 28×28"
        in " ".join(texts)
    )
    assert {"a: image[0:, 0:], 3×3", "b: image[0:, 1:], 3×2", "p: image[3:, 3:], 2×2"} <= set(texts)
    # in the last panel the map is full: 9 answers of the first pass, 6 or 4 of the others
    letters = [text for text in texts if len(text) == 1][-81:]
    assert "".join(letters[:18]) == "abcdabcdaefghefghe"
    assert {name: letters.count(name) for name in "abep"} == {"a": 9, "b": 6, "e": 6, "p": 4}


@pytest.mark.parametrize("stride", [(1, 1), (2, 1), (1, 3), (2, 2), (3, 5), (8, 8)])
def test_every_text_can_be_read(stride: tuple[int, int], texts_of):
    texts = texts_of(stitching(stride, (12, 20)))
    panels = [text for text in texts if "image[" in text]
    assert len(panels) == min(16, stride[0] * stride[1])
    assert panels[-1].startswith({1: "a:", 64: "64:"}.get(stride[0] * stride[1], panels[-1][:2]))
    assert ("(16 of 64 passes)" in " ".join(texts)) == (stride == (8, 8))
