from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eyechart.core.errors import ConfigError
from eyechart.core.passwords import hide_password
from eyechart.tracking.config import MODES, TrackingConfig


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:5000",
        "https://mlflow.example.org/below/a/path",
        "http://user:secret@host:80",
        "http://[::1]:5000",
        "sqlite:////path/to/mlflow.db",
        "sqlite:///relative.db",
        "sqlite+pysqlite:////path/mlflow.db",
        "postgresql://user:secret@host:5432/mlflow",
        "postgresql+psycopg2://host/mlflow",
        "mysql+pymysql://user:secret@host/mlflow",
    ],
)
def test_addresses_of_a_server(uri):
    TrackingConfig(mode="server", uri=uri).check()


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "",
        "127.0.0.1:5000",
        "http://",
        "http:/host",
        "http://:5000",
        "http://host:port",
        "http://host:99999",
        "http://[::1",
        "ftp://host",
        "file:./mlruns",
        "mlruns",
        "sqlite:mlflow.db",
        "sqlite://mlflow.db",
        "sqlite:///",
        "databricks",
    ],
)
def test_what_is_no_address_of_a_server(uri):
    with pytest.raises(ConfigError, match=r"tracking\.uri") as caught:
        TrackingConfig(mode="server", uri=uri).check()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["local", "offline", "none"])
def test_an_address_is_for_a_server(mode):
    TrackingConfig(mode=mode).check()
    with pytest.raises(ConfigError, match="tracking=server"):
        TrackingConfig(mode=mode, uri="http://127.0.0.1:5000").check()


def test_a_mode_mistyped():
    with pytest.raises(ConfigError, match="Did you mean 'offline'"):
        TrackingConfig(mode="ofline").check()


@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_an_experiment_needs_a_name(name):
    with pytest.raises(ConfigError, match="experiment_name"):
        TrackingConfig(experiment_name=name).check()


pieces = st.sampled_from(["http://", "sqlite:///", "postgresql://", "user:secret@", "[", "]", "::1", ":", "/", "@"])


@given(
    mode=st.sampled_from(MODES) | st.text(),
    uri=st.none() | st.text() | st.lists(pieces | st.text(max_size=4), max_size=6).map("".join),
    experiment_name=st.text(),
)
@example(mode="server", uri="http://\u2100", experiment_name="x")
def test_nothing_typed_makes_it_crash(mode, uri, experiment_name):
    with contextlib.suppress(ConfigError):
        TrackingConfig(mode, uri, experiment_name).check()


PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789.-_~%!$&()*+,;="


@given(st.text(PLAIN, min_size=1), st.text(PLAIN, min_size=1).map(lambda secret: f"SECRET{secret}"), st.booleans())
def test_a_password_is_hidden(user, password, malformed):
    uri = f"{'ftp' if malformed else 'http'}://{user}:{password}@host:5000/x"
    assert hide_password(uri) == f"{uri.partition(':')[0]}://***@host:5000/x"
    if malformed:
        with pytest.raises(ConfigError) as caught:
            TrackingConfig("server", uri).check()
        assert "SECRET" not in str(caught.value)


def test_an_address_without_a_password_stays():
    for uri in ("http://host:5000/path", "sqlite:////home/a/mlflow.db", "", "databricks"):
        assert hide_password(uri) == uri


@pytest.mark.parametrize("uri", ["http://user:SEC/RET@host", "http://user:SEC@RET@host", "user:SECRET@host:5000"])
def test_a_password_typed_wrong_is_hidden_too(uri):
    try:
        TrackingConfig("server", uri).check()
        message = hide_password(uri)
    except ConfigError as error:
        message = str(error)
    assert "SEC" not in message
    assert "RET" not in message
