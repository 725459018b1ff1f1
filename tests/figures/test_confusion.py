import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from eyechart.figures import confusion_matrix, to_array

TEN = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def some_counts(classes: int, right: int = 80, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.poisson(20 / classes, (classes, classes)) + np.diag(rng.poisson(right, classes))


@pytest.mark.parametrize(
    "names",
    [
        ["cat", "dog"],
        ["only"],
        [str(i) for i in range(10)],
        TEN,
        [f"{name} and a description that nobody will read to its end" for name in TEN],
        [f"class {i}" for i in range(20)],
        [f"class {i}" for i in range(21)],
        [f"sweet_pepper {i}" for i in range(100)],
        [str(i) for i in range(100)],
        [f"class {i}" for i in range(300)],
    ],
    ids=lambda names: f"{len(names)} {names[0][:12]}",
)
def test_every_text_can_be_read(names: list[str], texts_of):
    texts = texts_of(confusion_matrix(some_counts(len(names)), names, "data set · model · test"))
    assert {"true class", "predicted class", "share of the true class", "data set · model · test"} <= set(texts)
    if max(map(len, names)) < 20 and len(names) <= 100:
        assert all(texts.count(name) >= 2 for name in names)


def test_counts_stand_in_the_cells_of_few_classes_only(texts_of):
    counts = np.array([[60000, 0], [7, 54321]])
    texts = texts_of(confusion_matrix(counts, ["cat", "dog"], ""))
    assert {"60000", "7", "54321"} <= set(texts)
    assert "0" not in texts
    texts = texts_of(confusion_matrix(np.full((100, 100), 77), ["x"] * 100, ""))
    assert "77" not in texts


def test_large_counts_fit_their_cells(texts_of):
    texts_of(confusion_matrix(np.full((10, 10), 1_234_567), TEN, ""))
    texts_of(confusion_matrix(np.full((20, 20), 88_888), ["x"] * 20, ""))


def test_colours_are_shares_of_the_rows():
    figure = confusion_matrix(np.array([[3, 1], [0, 0]]), ["cat", "dog"], "")
    mesh = figure.axes[0].findobj(QuadMesh)[0]
    shares = np.ma.filled(mesh.get_array().astype(float), np.nan)
    np.testing.assert_array_equal(shares, [[0.75, 0.25], [np.nan, np.nan]])


def test_long_title_is_folded(texts_of):
    title = "a title of very many words that cannot possibly stand on one line above so small a matrix"
    texts = texts_of(confusion_matrix(np.eye(2, dtype=int), ["a", "b"], title))
    assert title not in texts
    assert set(title.split()) <= {word for text in texts for word in text.split()}


def test_dollar_signs_are_not_mathematics(texts_of):
    assert "$5 and $6" in texts_of(confusion_matrix(np.eye(2, dtype=int), ["$5 and $6", r"$\frac$"], "$"))


def test_shape_must_fit_the_names():
    with pytest.raises(ValueError, match=r"Expected counts of the shape \(3, 3\). Received: \(2, 2\)"):
        confusion_matrix(np.eye(2, dtype=int), ["a", "b", "c"], "")


def test_without_any_images():
    assert to_array(confusion_matrix(np.zeros((3, 3), dtype=np.int64), ["a", "b", "c"], "")).any()
