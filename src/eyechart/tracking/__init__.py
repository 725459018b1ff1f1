"""Tells MLflow what the journals say. The only room that knows MLflow."""

from eyechart.tracking.courier import MLflowCourier

__all__ = ["MLflowCourier"]
