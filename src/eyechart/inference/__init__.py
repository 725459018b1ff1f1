"""Puts one trained network to use: predict, explain, scan, detect."""
