"""The predictions table of a run, and what is computed from it."""
