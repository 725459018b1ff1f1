import numpy as np
import pandas as pd
import pytest

from eyechart.figures import learning_curves


def a_history(epochs: int, loss: float = 2.0, validation: bool = True) -> pd.DataFrame:
    down = np.exp(-3 * np.arange(epochs) / epochs)
    history = {"epoch": np.arange(1, epochs + 1), "train/loss": loss * down, "train/accuracy": 1 - 0.9 * down}
    if validation:
        history |= {"validation/loss": loss * (down + 0.1), "validation/accuracy": 0.9 - 0.9 * down}
    return pd.DataFrame(history)


@pytest.mark.parametrize("epochs", [1, 2, 3, 12, 200, 1000])
def test_every_text_can_be_read_and_epochs_are_integers(epochs: int, texts_of):
    figure = learning_curves(a_history(epochs), best_epoch=epochs)
    texts = texts_of(figure)
    assert {"loss", "accuracy", "epoch", "train", "validation", f"best epoch ({epochs})"} <= set(texts)
    for axes in figure.axes:
        ticks = axes.get_xticks()
        np.testing.assert_array_equal(ticks, np.round(ticks))
        assert any(1 <= tick <= epochs for tick in ticks)


@pytest.mark.parametrize("loss", [1e-6, 1e-3, 50, 12345, 1e9])
def test_losses_of_all_sizes(loss: float, texts_of):
    texts_of(learning_curves(a_history(30, loss), best_epoch=7))


def test_without_validation(texts_of):
    texts = texts_of(learning_curves(a_history(5, validation=False), best_epoch=None))
    assert "train" in texts
    assert "validation" not in texts
    assert not any(text.startswith("best epoch") for text in texts)


def test_validation_in_some_epochs_only(texts_of):
    history = a_history(6)
    history.loc[[0, 2, 4], ["validation/loss", "validation/accuracy"]] = np.nan
    figure = learning_curves(history, best_epoch=4)
    texts_of(figure)
    drawn = [line for line in figure.axes[0].lines if line.get_label() == "validation"]
    assert [list(line.get_xdata()) for line in drawn] == [[2, 4, 6]]


def test_best_epoch_is_marked_on_each_line():
    figure = learning_curves(a_history(9), best_epoch=4)
    for axes in figure.axes:
        marks = [line for line in axes.lines if list(line.get_xdata()) == [4]]
        assert len(marks) == 2


def test_a_diverged_run(texts_of):
    history = a_history(4)
    history.loc[2:, ["train/loss", "validation/loss"]] = [np.nan, np.inf]
    texts_of(learning_curves(history, best_epoch=2))
    history[["train/loss", "validation/loss"]] = np.nan
    texts_of(learning_curves(history, best_epoch=None))


def test_no_epoch_yet(texts_of):
    texts_of(learning_curves(a_history(1).head(0), best_epoch=None))
