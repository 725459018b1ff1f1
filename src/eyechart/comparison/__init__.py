"""Runs side by side."""

from eyechart.comparison.results import load_results

__all__ = ["load_results"]
