"""Show the runs in a browser: start MLflow's server on this machine, and say what to open.

python pipelines/ui.py               at http://127.0.0.1:5000, until Ctrl-C
python pipelines/ui.py port=5001     elsewhere
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import DictConfig

from eyechart.core.cli import command
from eyechart.core.schema import at_least, typed
from eyechart.tracking.config import TrackingConfig, in_force


@dataclass
class UiConfig:
    """Where the server answers, and which store it shows."""

    port: int
    tracking: TrackingConfig


@command("ui")
def main(config: DictConfig) -> None:
    """Start the server, print the links, and wait until it ends."""
    settings = typed(UiConfig, config)
    at_least("port", settings.port, 1)
    tracking = in_force(settings.tracking)
    from eyechart.comparison.in_mlflow import print_all_links
    from eyechart.core.errors import EyechartError
    from eyechart.tracking.links import page_of
    from eyechart.tracking.server import HOST, check_port, serving
    from eyechart.tracking.store import Store

    if not tracking.delivers:
        raise EyechartError(f"with tracking={tracking.mode} nothing is delivered to MLflow: type tracking=local")
    store = Store(tracking.uri)
    if page := page_of(tracking):  # somebody has started it
        print_all_links(store, tracking, page)
        return
    check_port(settings.port)
    print("starting MLflow's server, which takes some seconds", flush=True)
    with serving(store, settings.port) as server:
        try:
            page = f"http://{HOST}:{settings.port}"
            print_all_links(store, tracking, page)
            print(f"MLflow answers at {page}; Ctrl-C ends it", flush=True)
            server.wait()
        except KeyboardInterrupt:
            print("ended")
            return
        raise EyechartError("MLflow's server has ended by itself; what it said is in .eyechart/server.log")
