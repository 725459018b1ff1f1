"""MLflow on PostgreSQL: eight programs that deliver at once, through a server and straight into the database."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

import pytest
from support import command, environment, run_program
from tracking.saying import EXPERIMENT, say, start
from tracking.servers import HOST, Server, free_port, running
from tracking.shown import journals_say, shown

from eyechart.runs.journal import Journal

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")]

WRITERS, RUNS = 8, 3


@pytest.fixture(scope="module")
def cluster():
    """The address of a PostgreSQL of the test's own, which is gone afterwards."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("Debian's package postgresql is not installed")
    programs = found[-1].parent
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name  # it refuses to run as root
    as_user = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    place = Path(subprocess.run(["mktemp", "-d", "/tmp/pg-XXXXXX"], capture_output=True, text=True).stdout.strip())
    if as_user:
        shutil.chown(place, user)

    def run(*words: str) -> None:
        subprocess.run(
            [str(programs / words[0]), *words[1:]], check=True, cwd=place, stdout=subprocess.DEVNULL, **as_user
        )

    data, port = place / "data", free_port()
    run("initdb", "--pgdata", str(data), "--auth", "trust", "--username", "eyechart")
    options = f"-h {HOST} -p {port} -k {place} -c fsync=off"
    try:
        run("pg_ctl", "--pgdata", str(data), "--log", str(place / "log"), "--options", options, "--wait", "start")
        yield (
            lambda name: (
                run("createdb", "--host", HOST, "--port", str(port), "--username", "eyechart", name)
                or f"postgresql://eyechart@{HOST}:{port}/{name}"
            )
        )
    finally:
        if (data / "postmaster.pid").exists():
            run("pg_ctl", "--pgdata", str(data), "--mode", "immediate", "stop")
        shutil.rmtree(place)


def workspaces(folder):
    """Eight workspaces with a sweep of three runs and one run that all of them have, none of which was delivered."""
    roots = []
    for writer in range(WRITERS):
        root = folder / f"machine{writer}"
        state = root / ".eyechart"
        parent = Journal(state / "sweeps" / f"s{writer}")
        start(parent, f"s{writer}", identity="eyechart.sweep")
        for number in range(RUNS):
            key = f"w{writer}r{number}"
            say(state / "runs" / key, key, model=number == 0, parent=f"s{writer}").close()
        say(state / "runs" / "same", "same").close()
        parent.append("end", status="FINISHED", message="")
        parent.close()
        roots.append(root)
    return roots


def sync_at_once(roots, uri):
    # an address of a database belongs into the environment, where it may carry a password
    programs = [
        subprocess.Popen(
            command("sync"),
            cwd=root,
            env=environment(root, MLFLOW_TRACKING_URI=uri),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for root in roots
    ]
    told = [program.communicate(timeout=600) for program in programs]
    assert [program.returncode for program in programs] == [0] * len(roots), told


def assert_all_is_there_once(roots, uri):
    facts = shown(uri, EXPERIMENT)
    said = {}
    for root in roots:
        said |= journals_say(root)
    assert len(said) == WRITERS * (RUNS + 1) + 1
    assert {name: run["steps"] for name, run in facts.items()} == said
    assert {run["status"] for run in facts.values()} == {"FINISHED"}
    for name, run in facts.items():
        assert run["parent"] == (f"run s{name[5]}" if name.startswith("run w") else None)
        assert run["models"] == (["READY"] if name.endswith("r0") else [])
        assert run["outputs"] == len(run["models"])


def test_eight_writers_through_a_server(cluster, tmp_path):
    roots = workspaces(tmp_path)
    with running(Server(tmp_path / "server", database=cluster("served"), workers=2)) as server:
        sync_at_once(roots, server.uri)
        assert_all_is_there_once(roots, server.uri)
        for root in roots[:2]:  # what was accepted may be sent again
            for cursor in root.rglob("delivery.json"):
                cursor.unlink()
        sync_at_once(roots[:2], server.uri)
        assert_all_is_there_once(roots, server.uri)


def test_eight_writers_straight_into_the_database(cluster, tmp_path):
    roots, uri = workspaces(tmp_path), cluster("direct")
    first = run_program(roots[0], "sync", env={"MLFLOW_TRACKING_URI": uri})  # makes the tables
    assert first.returncode == 0, first.stderr
    sync_at_once(roots, uri)
    assert_all_is_there_once(roots, uri)
    files = [path for path in tmp_path.rglob("*") if "mlruns" in path.parts]
    assert files == []  # they lie in the workspace, and not where it was typed
