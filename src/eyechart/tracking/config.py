"""The typed configuration of tracking."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from dataclasses import dataclass
from urllib.parse import urlsplit

from eyechart.core.errors import ConfigError
from eyechart.core.passwords import hide_password
from eyechart.core.schema import one_of

MODES = ("local", "server", "offline", "none")


@dataclass
class TrackingConfig:
    """Where runs are delivered.

    Attributes:
        mode: `local` (SQLite in the repository), `server` (at `uri`), `offline` (journals only, which `sync.py`
            delivers later) or `none` (journals only).
        uri: of the tracking server; null for every other mode.
        experiment_name: of the MLflow experiment.
    """

    mode: str = "local"
    uri: str | None = None
    experiment_name: str = "eyechart"

    @property
    def delivers(self) -> bool:
        """Whether journals are brought to a store at all."""
        return self.mode not in ("offline", "none")

    def check(self) -> None:
        """Raise ConfigError for an address or a name that no store can have."""
        one_of("tracking.mode", self.mode, MODES)
        if not self.experiment_name.strip():
            raise ConfigError("tracking.experiment_name must not be empty")
        if self.mode == "server":
            check_address("tracking.uri", self.uri)
        elif self.uri is not None:
            raise ConfigError(f"tracking.uri is for tracking=server, received it with tracking={self.mode}")


def check_address(key: str, uri: str | None) -> None:
    """Raise ConfigError, by the key that names it, for an address that no tracking server can have."""
    expected = f"{key} must be an address such as http://127.0.0.1:5000 or sqlite:////path/to/mlflow.db"
    if not uri:
        raise ConfigError(f"{expected}, received none: type {key}=ADDRESS, or tracking=local")
    try:
        parts = urlsplit(uri)
        _ = parts.port  # read, because only then it is checked
    except ValueError:
        raise ConfigError(f"{expected}, received '{hide_password(uri)}'") from None
    scheme = parts.scheme.partition("+")[0]
    remote = scheme in ("http", "https", "postgresql", "mysql", "mssql") and parts.hostname
    local = scheme == "sqlite" and re.match(r"sqlite(\+\w+)?:///.", uri)
    if not (remote or local):
        raise ConfigError(f"{expected}, received '{hide_password(uri)}'")


def refuse_password(key: str, uri: str | None) -> None:
    """Raise ConfigError for a typed address with a user or a password: launchers write what was typed into files."""
    if uri and hide_password(uri) != uri:
        raise ConfigError(
            f"{key} must be an address without a user and a password, received {hide_password(uri)}: set "
            f"MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or the whole address as MLFLOW_TRACKING_URI"
        )


def with_environment(tracking: TrackingConfig) -> tuple[TrackingConfig, list[str]]:
    """The configuration in force, and what to tell the user.

    MLFLOW_TRACKING_URI in the environment wins over the configuration, but not over `offline` and `none`.

    Raises:
        ConfigError: the configuration carries a password.
    """
    refuse_password("tracking.uri", tracking.uri)
    uri = os.environ.get("MLFLOW_TRACKING_URI")
    if not uri or not tracking.delivers or uri == tracking.uri:
        return tracking, []
    notice = f"MLFLOW_TRACKING_URI={hide_password(uri)} in the environment wins over tracking.uri"
    return dataclasses.replace(tracking, mode="server", uri=uri), [notice]


def in_force(tracking: TrackingConfig) -> TrackingConfig:
    """The configuration in force, checked; what the environment decided against it is told on stderr.

    Raises:
        ConfigError: an address or a name that no store can have, or one with a password.
    """
    tracking.check()
    tracking, notices = with_environment(tracking)
    for notice in notices:
        print(f"notice: {notice}", file=sys.stderr)
    return tracking
