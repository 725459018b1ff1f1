import numpy as np
import pandas as pd
import pytest

from eyechart.figures import parameter_importance, search_history


def some_trials(count: int, states: tuple[str, ...] = ("complete",), scale: float = 1.0) -> pd.DataFrame:
    random = np.random.default_rng(count)
    return pd.DataFrame(
        {
            "trial": np.arange(count),
            "state": [states[number % len(states)] for number in range(count)],
            "validation/loss": scale * random.random(count),
        }
    )


@pytest.mark.parametrize("count", [1, 2, 20, 500])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_every_text_can_be_read_and_trials_are_integers(count: int, scale: float, texts_of):
    figure = search_history(some_trials(count, scale=scale), "validation/loss", maximize=False)
    assert {"trial", "validation/loss", "complete", "best until then"} <= set(texts_of(figure))
    ticks = figure.axes[0].get_xticks()
    np.testing.assert_array_equal(ticks, np.round(ticks))


@pytest.mark.parametrize("maximize", [True, False])
def test_the_best_until_then_never_gets_worse(maximize: bool):
    trials = some_trials(30, ("complete", "pruned", "open"))
    figure = search_history(trials, "validation/loss", maximize=maximize)
    lines = {str(line.get_label()): line for line in figure.axes[0].lines}
    best = np.asarray(lines["best until then"].get_ydata())
    assert (np.diff(best) >= 0 if maximize else np.diff(best) <= 0).all()
    values = trials[trials["state"] == "complete"]["validation/loss"]
    assert best[-1] == (values.max() if maximize else values.min())


def test_pruned_trials_are_marked(texts_of):
    trials = some_trials(9, ("complete", "pruned", "open"))
    figure = search_history(trials, "validation/loss", maximize=False)
    assert "pruned" in texts_of(figure)
    lines = {str(line.get_label()): line for line in figure.axes[0].lines}
    assert list(lines["pruned"].get_xdata()) == [1, 4, 7]
    assert list(lines["complete"].get_xdata()) == [0, 3, 6]


def test_diverged_and_no_trials(texts_of):
    trials = some_trials(4)
    trials.loc[[1, 2], "validation/loss"] = [np.inf, np.nan]
    figure = search_history(trials, "validation/loss", maximize=False)
    texts_of(figure)
    assert list(figure.axes[0].lines[1].get_xdata()) == [0, 3]
    texts_of(search_history(trials.assign(state="open"), "validation/loss", maximize=False))
    texts_of(search_history(trials.head(0), "validation/loss", maximize=True))


@pytest.mark.parametrize(
    "shares",
    [{"model": 1.0}, {"optimizer.learning_rate": 0.7, "a" * 90: 0.3, "$x": 0.0}, {f"p{n}": 0.05 for n in range(20)}],
)
def test_a_bar_for_each_parameter(shares: dict[str, float], texts_of):
    figure = parameter_importance(shares, "validation/accuracy", 7)
    texts = texts_of(figure)
    assert [f"{share:.0%}" for share in shares.values()] == [text for text in texts if text.endswith("%")]
    assert [bar.get_width() for bar in figure.axes[0].patches] == list(shares.values())
    assert any("7 complete trials" in text for text in texts)
