"""Runs, sweeps and scans as they lie on disk. Nothing here trains, and nothing here knows MLflow."""
