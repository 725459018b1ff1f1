"""Makes many runs from one plan."""
