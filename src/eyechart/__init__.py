"""Which network sees your images best? Train them all on the same data, keep every run, look at the differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eyechart.core.errors import EyechartError

if TYPE_CHECKING:
    from eyechart.comparison import load_results

__all__ = ["EyechartError", "load_results"]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: every program imports this package first."""
    if name == "load_results":
        from eyechart.comparison import load_results

        return load_results
    raise AttributeError(f"module 'eyechart' has no attribute '{name}'")
