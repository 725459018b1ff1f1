"""What a run says: first into its journal, then to MLflow. The only package that knows MLflow."""

from eyechart.tracking.courier import Courier
from eyechart.tracking.journal import Journal, read_journal

__all__ = ["Courier", "Journal", "read_journal"]
