from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyechart.training.backend import chunks as chunks_module
from eyechart.training.backend.chunks import PIECE_SECONDS, PREDICTION_BATCH, chunks, in_pieces, prediction_batches


@given(st.integers(1, 1000), st.none() | st.integers(1, 50), st.integers(1, 300))
def test_chunks_are_the_order_in_whole_steps(size, steps_per_chunk, batch_size):
    order = np.arange(size, dtype=np.int32)[::-1]
    parts = list(chunks(order, steps_per_chunk, batch_size))
    assert np.array_equal(np.concatenate(parts), order)
    if steps_per_chunk is None:
        assert len(parts) == 1
    else:
        assert {len(part) for part in parts[:-1]} <= {steps_per_chunk * batch_size}
        assert 1 <= len(parts[-1]) <= steps_per_chunk * batch_size


@pytest.fixture(scope="module")
def clock():
    """A clock that only the test moves."""

    class Clock:
        now = 0.0

        def perf_counter(self):
            return self.now

    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks_module, "time", clock)
        yield clock


@given(steps=st.integers(0, 300), batch_size=st.integers(1, 500), seconds=st.lists(st.floats(0, 5), min_size=1))
def test_pieces_cover_every_step_once_in_order(clock, steps, batch_size, seconds):
    done: list[int] = []
    ticks: list[int] = []

    def run(start, stop):
        assert start < stop
        done.extend(range(start, stop))
        clock.now += seconds[len(ticks) % len(seconds)]

    in_pieces(steps, batch_size, run, ticks.append)
    assert done == list(range(steps))
    assert sum(ticks) == steps * batch_size


@pytest.mark.parametrize("per_step", [0.001, 0.02, 0.4, 3.0])
def test_a_piece_lasts_about_as_long_as_it_should(clock, per_step):
    lengths: list[int] = []

    def run(start, stop):
        lengths.append(stop - start)
        clock.now += per_step * (stop - start) + (20 if start == 0 else 0)  # the first call compiles

    in_pieces(2000, 8, run, lambda images: None)
    assert lengths[0] == 1
    assert lengths[1] <= 8  # before anything is known of the speed
    assert max(lengths[2:]) * per_step <= max(per_step, 1.5 * PIECE_SECONDS)
    assert max(lengths[2:]) * per_step >= 0.7 * PIECE_SECONDS


@given(st.integers(1, 5 * PREDICTION_BATCH))
def test_prediction_batches_have_one_length_and_give_every_image_once_in_order(images):
    positions, lengths, given = np.arange(images), set(), []
    for batch, known in prediction_batches(images):
        lengths.add(len(positions[batch]))
        given.extend(positions[batch][known:])
    assert lengths == {min(PREDICTION_BATCH, images)}
    assert given == list(positions)
