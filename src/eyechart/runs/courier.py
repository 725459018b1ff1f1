"""The courier, as those who write journals see it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Courier(Protocol):
    """Brings journals to a tracking store, or keeps them from it: `eyechart.tracking.MLflowCourier` is one.

    Attributes:
        private: whether what is told of is not for MLflow at all, as with `tracking=none`.
    """

    private: bool

    def tell(self, folder: Path) -> None:
        """The journal in `folder` has something new to say."""

    def knows(self, folder: Path) -> bool:
        """Whether it, or that of an earlier process, has been told of the journal in `folder`."""

    def passes_by(self, folder: Path) -> bool:
        """Whether the journal in `folder` was kept from MLflow by `tracking=none`, and nothing is to be told of it."""

    def has_delivered(self, folder: Path) -> bool:
        """Whether there is nothing of the journal in `folder` left to deliver."""
