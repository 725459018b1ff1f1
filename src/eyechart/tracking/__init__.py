"""What a run says: first into its journal, then to MLflow. The only package that knows MLflow."""

from eyechart.tracking.courier import Courier
from eyechart.tracking.journal import Journal, ending, read_journal

__all__ = ["Courier", "Journal", "ending", "read_journal"]
