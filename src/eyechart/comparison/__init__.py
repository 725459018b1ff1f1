"""Runs side by side."""

from eyechart.comparison.leaderboard import load_results

__all__ = ["load_results"]
