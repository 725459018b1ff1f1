"""MLflow's pages as a person sees them: what a sweep prints is opened in a browser, on a server that `ui.py` starts."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from browser import open_browser, wait_for
from support import command, environment, error_line, link_data, mlflow_runs, run_program

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

SWEEP = ["-m", "dataset=digits", "model=fnn,cnn", "seed=0,1", "limit=[300,100]", "trainer.epochs=3"]
RUNS = ["model=cnn seed=0", "model=cnn seed=1", "model=fnn seed=0", "model=fnn seed=1"]


@dataclass
class Shown:
    """What was trained, what the sweep printed, and the server with what it printed.

    Attributes:
        swept: the links that the sweep printed, by what they show.
        links: those that the server printed, of all runs and of the newest sweep.
    """

    root: Path
    swept: dict[str, str]
    links: list[dict[str, str]]
    port: int
    server: subprocess.Popen[str]


def links_in(text: str) -> list[dict[str, str]]:
    """The addresses in each block of a program's output, by what they show."""
    blocks = re.findall(r"((?:^  \w+ +http\S+\n)+)", text, re.MULTILINE)
    return [dict(line.split() for line in block.splitlines()) for block in blocks]


def start(root: Path) -> tuple[subprocess.Popen[str], int, str]:
    """A server that answers, its port, and what was said until then."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        command("ui", f"port={port}"), cwd=root, env=environment(root), stdout=subprocess.PIPE, text=True
    )
    said = ""
    for line in server.stdout:
        said += line
        if "Ctrl-C ends it" in line:
            break
    assert server.poll() is None, said
    return server, port, said


@pytest.fixture(scope="module")
def shown(digits_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    root = link_data(digits_root, tmp_path_factory.mktemp("ui") / "root")
    done = run_program(root, "train", *SWEEP)
    assert done.returncode == 0, done.stderr
    assert "in MLflow (make ui starts it):" in done.stdout
    (swept,) = links_in(done.stdout)
    server, port, said = start(root)
    try:
        yield Shown(root, swept, links_in(said), port, server)
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
            server.wait(30)
        server.stdout.close()


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with open_browser(width=1600, height=2600) as opened:
        yield opened


def text_of(driver: Any) -> str:
    from selenium.webdriver.common.by import By

    return str(driver.find_element(By.TAG_NAME, "body").text)


def shows(driver: Any, *words: str) -> str:
    """The text of the page, as soon as all of these are in it."""
    found: list[str] = []

    def all_there() -> bool:
        found[:] = [re.sub(r"\s+", " ", text_of(driver))]
        return all(word in found[0] for word in words)

    try:
        wait_for(all_there, 60)
    except AssertionError:
        pytest.fail(f"not seen: {[word for word in words if word not in found[0]]} in {found[0][:3000]}")
    return found[0]


def count(driver: Any, selector: str) -> int:
    return int(driver.execute_script("return document.querySelectorAll(arguments[0]).length", selector))


def here(shown: Shown, address: str) -> str:
    """A link that the sweep printed, at the port of this test's server."""
    return address.replace("http://127.0.0.1:5000/", f"http://127.0.0.1:{shown.port}/")


def test_the_server_prints_what_the_sweep_printed_and_the_views_of_all_runs(shown):
    every, newest = shown.links
    assert list(every) == ["curves", "pictures", "classes"]
    assert newest == {what: here(shown, address) for what, address in shown.swept.items()}
    assert list(newest) == ["curves", "pictures", "classes", "compare"]


@pytest.mark.parametrize("which", ["all runs", "the sweep"])
def test_a_curve_of_each_run_is_seen(shown, driver, which):
    driver.get((shown.links[0] if which == "all runs" else shown.links[1])["curves"])
    text = shows(driver, "Curves (4)", "Scores (4)", "Cost (2)", *RUNS)
    assert "sweep of 4" not in text.partition("Curves (4)")[0].partition("Run Name")[2]  # a parent has no curves
    order = [text.index(title) for title in ("validation/accuracy", "train/accuracy", "validation/loss", "train/loss")]
    assert order == sorted(order)
    drawn = ".js-plotly-plot .scatterlayer .trace path.js-line"
    wait_for(lambda: count(driver, drawn) >= 16, 60)  # four charts of four lines
    wait_for(lambda: count(driver, ".js-plotly-plot .barlayer .point") >= 16, 60)


def test_the_pictures_of_all_runs_lie_side_by_side(shown, driver):
    driver.get(shown.links[1]["pictures"])
    shows(driver, "Pictures (1)", "confusion_matrix", "learning_curves", "mistakes", *RUNS)
    loaded = "[...document.images].filter(each => each.naturalWidth > 99 && each.src.includes(arguments[0]))"
    for key in ("confusion_matrix", "learning_curves", "mistakes"):
        wait_for(lambda key=key: driver.execute_script(f"return {loaded}.length", key) >= 4, 60)


def test_classes_are_compared_run_by_run(shown, driver):
    driver.get(shown.links[1]["classes"])
    shows(driver, "Table: per_class.json", "precision", *RUNS)


def test_the_best_are_compared_on_one_page(shown, driver):
    driver.get(shown.links[1]["compare"])
    shows(driver, "Comparing 4 Runs", "optimizer.learning_rate", "best_validation_accuracy", *RUNS)


def test_a_run_and_a_sweep_describe_themselves(shown, driver):
    runs = {run.info.run_name: run for run in mlflow_runs(shown.root)}
    page = f"http://127.0.0.1:{shown.port}/#/experiments/{runs['sweep of 4'].info.experiment_id}/runs/"
    run = runs["model=cnn seed=0"]
    driver.get(page + run.info.run_id)
    again = f"python pipelines/reproduce.py run={run.data.tags['eyechart.run_key']}"
    shows(driver, "To have it again, and see whether it comes to the same:", again)
    driver.get(page + runs["sweep of 4"].info.run_id)
    shows(driver, "On digits, limit=[300, 100], best first by validation/accuracy: ", "(mean of 2 seeds)")


def test_two_servers_do_not_share_a_port(shown):
    done = run_program(shown.root, "ui", f"port={shown.port}")
    expected = "to be free: an MLflow server answers there already; end what runs there, or type make ui PORT="
    assert f"{expected}{shown.port + 1}" in error_line(done)


def test_nothing_tracked_is_nothing_to_show(shown):
    done = run_program(shown.root, "ui", "tracking=none")
    assert "with tracking=none nothing is delivered to MLflow" in error_line(done)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_or_a_closed_terminal_ends_the_server_and_all_its_processes(shown, number):
    server, port, _ = (shown.server, shown.port, "") if number == signal.SIGINT else start(shown.root)
    server.send_signal(number)
    assert server.wait(30) == 0
    assert server.stdout.read() == "ended\n"
    server.stdout.close()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass
    assert str(shown.root) not in subprocess.run(["ps", "ax"], capture_output=True, text=True).stdout
    assert (shown.root / ".eyechart" / "server.log").is_file()
