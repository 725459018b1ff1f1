"""Searches: runs chosen by Optuna from the results of earlier ones."""
