"""Plugins for Hydra; each is named by its module."""
