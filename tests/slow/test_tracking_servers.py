"""Tracking servers that die, keep silent, fail half of the time or have a full disk, under real runs and sweeps.

Whatever happened, at the end every run and every step of every metric is there exactly once, as in a sweep that nothing
happened to.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from faults.sweeps import epochs, records, start, wait_until
from support import command, environment, error_line, forbid, link_data, run_program
from tracking.servers import Server, in_front_of, nonsense, running, silent
from tracking.shown import journals_say, shown

from eyechart.runs.journal import JournalState, read_journal

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")]

RUNS = 6
AT_ONCE = {"MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0"}  # a request is repeated at once
SWEEP = ["model=lenet", f"seed=range({RUNS})", "dataset=digits", "limit=[700,100]", "trainer.epochs=8"]


@pytest.fixture(scope="module")
def undisturbed(digits_root, tmp_path_factory):
    """The workspace of a sweep that nothing happened to, and what its own store shows."""
    root = link_data(digits_root, tmp_path_factory.mktemp("undisturbed") / "root")
    done = run_program(root, "train", "-m", *SWEEP, timeout=600)
    assert done.returncode == 0, done.stderr
    facts = shown(f"sqlite:///{root}/mlflow.db")
    assert len(facts) == RUNS + 1
    assert {name: run["steps"] for name, run in facts.items()} == journals_say(root)
    assert {run["parent"] for name, run in facts.items() if name.startswith("seed")} == {f"sweep of {RUNS}"}
    assert all(run["models"] == ["READY"] and run["outputs"] == 1 for run in facts.values() if run["parent"])
    return root, facts


@pytest.fixture
def journals(undisturbed, tmp_path):
    """A copy of its state folder, as it is brought from another machine, and what MLflow is to show of it."""
    root, facts = undisturbed
    copy = tmp_path / "copied"
    shutil.copytree(root / ".eyechart", copy, ignore=shutil.ignore_patterns("delivery.*", "hydra"))
    return copy, facts


@pytest.fixture
def root(digits_root, tmp_path):
    """A workspace of the test's own."""
    return link_data(digits_root, tmp_path / "root")


@pytest.fixture
def server(tmp_path):
    """A server that has not been started, and is gone when the test ends."""
    server = Server(tmp_path / "server")
    yield server
    server.kill()


def to(server):
    return ["tracking=server", f"tracking.uri={server.uri}"]


def ended(root):
    return sum(JournalState.of(journal).finished for journal in records(root).values())


def test_killed_in_the_middle_and_started_again(undisturbed, root, server):
    _, expected = undisturbed
    server.start()
    process = start(root, *SWEEP, *to(server))
    wait_until(lambda: ended(root) >= 1 and epochs(root) > 10, process)  # in the middle of the second run
    server.kill()
    wait_until(lambda: ended(root) >= 3, process)
    server.start()
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert err.count("warning: ") <= 1
    assert out.count(": test accuracy") == RUNS
    synced = run_program(root, "sync", *to(server))  # what there was no time for
    assert synced.returncode == 0, synced.stderr
    facts = shown(server.uri)
    assert facts == expected
    assert {name: run["steps"] for name, run in facts.items()} == journals_say(root)


def test_killed_and_not_started_until_the_sweep_was_over(undisturbed, root, server):
    _, expected = undisturbed
    server.start()
    process = start(root, *SWEEP, *to(server))
    wait_until(lambda: ended(root) >= 1 and epochs(root) > 10, process)
    server.kill()
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    (warning,) = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert server.uri in warning
    assert str(root / ".eyechart") in warning
    assert ended(root) == RUNS
    server.start()
    before = len(shown(server.uri))
    another = run_program(root, "train", "dataset=digits", "model=fnn", "debug=fast", *to(server))
    assert another.returncode == 0, another.stderr
    assert len(shown(server.uri)) > before + 1  # by the next run that starts
    synced = run_program(root, "sync", *to(server))
    assert synced.returncode == 0, synced.stderr
    facts = shown(server.uri)
    assert facts.pop("fnn on digits")["status"] == "FINISHED"
    assert facts == expected
    again = run_program(root, "sync", *to(server))
    assert again.stdout.splitlines()[1:] == ["delivered: nothing", f"there already: {RUNS + 2}"]


def test_one_that_never_answers(root):
    with silent() as uri:
        words = ["dataset=digits", "model=fnn", "limit=[64,32]", "trainer.epochs=2"]
        done = run_program(root, "train", *words, "tracking=server", f"tracking.uri={uri}", timeout=150)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("warning: ") == 1
        assert done.stderr.count("\n") == 1
        assert ended(root) == 1
        synced = run_program(root, "sync", f"to={uri}", timeout=150)
        assert error_line(synced).startswith(f"error: the tracking store {uri} cannot be opened: ")


def test_one_that_answers_everything_with_nothing(root):
    with nonsense(b"") as server:
        words = ["dataset=digits", "model=fnn", "limit=[64,32]", "trainer.epochs=2"]
        done = run_program(root, "train", *words, "tracking=server", f"tracking.uri={server.uri}", timeout=150)
        assert done.returncode == 0, done.stderr
        assert "expected an MLflow server" in done.stderr
        assert done.stderr.count("\n") == 1
        assert ended(root) == 1
        assert len(server.requests) < 20
    assert "delivered: 1 run" in run_program(root, "sync").stdout  # later, elsewhere


def test_one_that_fails_half_of_the_time(journals, root, server):
    copy, expected = journals
    for folder in sorted((copy / "runs").iterdir())[2:]:  # each takes many requests, most of them several times
        expected = {name: run for name, run in expected.items() if name != read_journal(folder)[0]["name"]}
        shutil.rmtree(folder)
    assert len(expected) == 3
    with running(server), in_front_of(server, seed=1) as uri:
        for _ in range(20):
            done = run_program(root, "sync", f"journals={copy}", f"to={uri}", env=AT_ONCE, timeout=600)
            assert "Traceback" not in done.stderr
            if done.returncode == 0:
                break
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert shown(server.uri) == expected


def test_a_run_under_one_that_fails_half_of_the_time(root, server):
    with running(server), in_front_of(server, seed=2) as uri:
        words = ["dataset=digits", "model=lenet", "limit=[700,100]", "trainer.epochs=4"]
        done = run_program(root, "train", *words, "tracking=server", f"tracking.uri={uri}", timeout=300)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("warning: ") <= 1
        synced = run_program(root, "sync", *to(server))
        assert synced.returncode == 0, synced.stderr
        facts = shown(server.uri)
        assert {name: run["steps"] for name, run in facts.items()} == journals_say(root)
        assert [(run["status"], run["models"], run["outputs"]) for run in facts.values()] == [
            ("FINISHED", ["READY"], 1)
        ]


def test_an_interrupted_delivery_is_gone_on_with(journals, root, server):
    copy, expected = journals
    with running(server):
        words = ["sync", f"journals={copy}", f"to={server.uri}"]
        for _ in range(3):
            process = subprocess.Popen(command(*words), cwd=root, env=environment(root), stdout=subprocess.DEVNULL)
            known = sum(cursor.stat().st_mtime_ns for cursor in copy.glob("*/*/delivery.json"))
            wait_until(
                lambda known=known: sum(cursor.stat().st_mtime_ns for cursor in copy.glob("*/*/delivery.json")) > known,
                process,
            )
            process.kill()
            process.wait()
        done = run_program(root, *words)
        assert done.returncode == 0, done.stderr
        assert shown(server.uri) == expected


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of its own that is too small for what is written to it."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system of its own may be mounted here, which could be full")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_one_whose_disk_is_full(journals, root, tmp_path, small_disk):
    copy, expected = journals
    server = Server(tmp_path / "server", artifacts=small_disk)
    with running(server):
        done = run_program(root, "sync", f"journals={copy}", f"to={server.uri}", timeout=600)
        assert "journals could not be delivered in full" in error_line(done)
        subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
        done = run_program(root, "sync", f"journals={copy}", f"to={server.uri}", timeout=600)
        assert done.returncode == 0, done.stderr
        assert shown(server.uri) == expected


def test_two_working_folders_deliver_to_one_server_at_once(digits_root, tmp_path, server):
    roots = [link_data(digits_root, tmp_path / name) for name in ("one", "other")]
    words = ["model=fnn", "dataset=digits", "limit=[300,100]", "trainer.epochs=6"]
    with running(server):
        # each on its own machine, as it were; they share nothing, and both train the run of seed 2
        machines = [
            start(root, *words, f"seed={seeds}", *to(server))
            for root, seeds in zip(roots, ("0,1,2", "2,3,4,5"), strict=True)
        ]
        told = [process.communicate(timeout=600) for process in machines]
        assert [process.returncode for process in machines] == [0, 0], told
        for root in roots:
            synced = run_program(root, "sync", *to(server))
            assert synced.returncode == 0, synced.stderr
        facts = shown(server.uri)
    assert sorted(facts) == [*(f"seed={seed}" for seed in range(6)), "sweep of 3", "sweep of 4"]
    assert {run["status"] for run in facts.values()} == {"FINISHED"}
    assert all(run["models"] == ["READY"] and run["outputs"] == 1 for run in facts.values() if run["parent"])
    said = journals_say(roots[0]) | journals_say(roots[1])
    assert {name: run["steps"] for name, run in facts.items()} == said


def without_network(words):
    """The same command where there is no network at all, if this machine lets us."""
    closed = ["unshare", "--net"]
    return [*closed, *words] if subprocess.run([*closed, "true"], capture_output=True).returncode == 0 else words


def test_offline_needs_neither_network_nor_mlflow_nor_a_database(root, tmp_path):
    modules = forbid(tmp_path / "forbidden", "mlflow")
    words = ["-m", "hydra/launcher=submitit_local", "dataset=digits", "model=fnn", "seed=0,1", "debug=fast"]
    done = subprocess.run(
        without_network(command("train", *words, "tracking=offline")),
        cwd=root,
        env=environment(root, **modules),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert {path.name for path in root.iterdir()} == {"data", ".eyechart"}
    assert list(root.rglob("*.db")) == []
    synced = run_program(root, "sync")
    assert synced.returncode == 0, synced.stderr
    facts = shown(f"sqlite:///{root}/mlflow.db")
    assert {name: run["steps"] for name, run in facts.items()} == journals_say(root)
    assert {name: run["parent"] for name, run in facts.items()} == {
        **dict.fromkeys(("seed=0", "seed=1"), "sweep of 2"),
        "sweep of 2": None,
    }
    assert {run["status"] for run in facts.values()} == {"FINISHED"}


def holding(secret: str, *folders: Path) -> list[Path]:
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and secret.encode() in path.read_bytes()
    ]


@pytest.mark.parametrize("launcher", [[], ["hydra/launcher=submitit_local"]])
def test_credentials_are_written_nowhere(digits_root, tmp_path, server, launcher):
    place = tmp_path / "machine"
    root = link_data(digits_root, place / "root")
    secrets = {
        "MLFLOW_TRACKING_URI": f"http://me:PLANTED-ONE@127.0.0.1:{server.port}",
        "MLFLOW_TRACKING_USERNAME": "PLANTED-TWO",
        "MLFLOW_TRACKING_PASSWORD": "PLANTED-THREE",
        "MLFLOW_TRACKING_TOKEN": "PLANTED-FOUR",
    }
    said = ""
    with running(server):
        words = ["-m", "dataset=digits", "model=fnn", "seed=0,1", "debug=fast", *launcher]
        done = [run_program(root, "train", *words, env=secrets, timeout=300)]
        server.kill()  # what is said of failures
        done.append(run_program(root, "train", "dataset=digits", "model=fnn", "debug=fast", "seed=3", env=secrets))
        server.start()
        done.append(run_program(root, "sync", env=secrets))
        for one in done:
            assert one.returncode == 0, one.stderr
        said = "".join(one.stdout + one.stderr for one in done)
        assert len(shown(server.uri)) == 4
    assert "warning: " in said
    assert "PLANTED" not in said
    assert holding("PLANTED", place, server.folder) == []
