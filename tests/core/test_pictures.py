from __future__ import annotations

import numpy as np
import pytest

from eyechart.core.pictures import how_visible, visible


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 12])
def test_images_of_any_number_of_channels_can_be_seen(channels):
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 4, channels), np.uint8)
    shown = visible(images)
    assert shown.dtype == np.uint8
    assert shown.shape == (2, 5, 4, 3 if channels in (3, 4) else 1)
    if channels in (3, 4):
        assert (shown == images[..., :3]).all()
    else:
        assert np.abs(shown - images.mean(axis=3, keepdims=True)).max() <= 0.5
    assert (how_visible(channels) is None) == (channels in (1, 3)) == (shown is images)
