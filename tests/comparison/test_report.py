"""The report as its reader gets it: one HTML file, read here without a browser. tests/slow opens it in one."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import vl_convert
from support import error_line, forbid

from eyechart.comparison import load_results, report, verdicts
from eyechart.comparison.leaderboard import Leaderboard
from eyechart.comparison.report import gathering, page
from eyechart.core import paths
from eyechart.core.files import write_json
from eyechart.evaluation import predictions
from eyechart.evaluation.calibration import calibration

IMAGES = 60
NAMES = ["cat", "dog", "eel"]
DIGEST = "d" * 64


class Page(HTMLParser):
    """What is in a page: its text, the cells of its tables, its elements with their attributes, and its data."""

    def __init__(self, html: str):
        super().__init__()
        self.html, self.words, self.tables, self.elements, self.data = html, [], [], [], ""
        self._inside: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())
        self.known = json.loads(self.data)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "link", "br"):
            self._inside.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[-1] in ("script", "style"):
            if "script" in self._inside and data.lstrip().startswith("{"):
                self.data = data
            return
        self.words.append(data)
        if {"td", "th"} & set(self._inside):
            self.tables[-1][-1][-1] += data

    def attributes(self, tag: str, name: str) -> list[str]:
        return [found[name] or "" for each, found in self.elements if each == tag and name in found]

    def table(self, *header: str) -> list[list[str]]:
        """The lines of the only table whose header begins so."""
        (found,) = [table[1:] for table in self.tables if table[0][: len(header)] == list(header)]
        return found


def unpacked(array: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(array["data"]), f"<u{array['bytes']}")


@pytest.fixture
def written(root, monkeypatch) -> Callable[..., Page]:
    """The report on all runs, without the library that draws its charts."""
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda snippet: "")

    def write() -> Page:
        report.write_report(root / "report.html", Leaderboard.of(load_results()), "every finished run")
        return Page((root / "report.html").read_text(encoding="utf-8"))

    return write


@pytest.fixture
def data(root, monkeypatch) -> Callable[..., np.ndarray]:
    """Prepare colour noise under the name `digits`, with any digest, and give its test labels."""
    monkeypatch.setattr("eyechart.data.dataset.check_arrays", lambda *_: None)

    def write(names: list[str] = NAMES, digest: str = DIGEST, shape: tuple[int, int, int] = (8, 6, 3)) -> np.ndarray:
        random, folder, classes = np.random.default_rng(1), paths.prepared("digits"), len(names)
        folder.mkdir(parents=True, exist_ok=True)
        labels = (np.arange(IMAGES) % classes).astype(np.int32)
        one_each = np.arange(classes)
        np.save(folder / "train_images.npy", np.zeros((classes, *shape), np.uint8))
        np.save(folder / "train_labels.npy", one_each.astype(np.int32))
        np.save(folder / "test_images.npy", random.integers(0, 256, (IMAGES, *shape), np.uint8))
        np.save(folder / "test_labels.npy", labels)
        np.save(folder / "permutation.npy", one_each)
        about = {"name": "digits", "class_names": names, "image_shape": shape, "digest": digest, "mean": [], "std": []}
        about |= {"counts": {"train": classes, "test": IMAGES}, "class_counts": {"train": [1] * classes, "test": [1]}}
        write_json(folder / "dataset.json", about)
        return labels

    return write


@pytest.fixture
def trained(write_run) -> Callable[..., np.ndarray]:
    """A finished run with answers and curves, better with more `skill`; gives its probabilities."""

    def write(
        key: str, labels: np.ndarray, *, skill: float = 2.0, classes: int = 3, validated: bool = True, **choices: Any
    ) -> np.ndarray:
        random = np.random.default_rng(int.from_bytes(key.encode(), "little") % 2**32)
        logits = random.normal(size=(len(labels), classes))
        logits[np.arange(len(labels)), labels] += skill - 3 * (np.arange(len(labels)) < 6)  # some are hard for all
        probabilities = np.exp(logits)
        probabilities = (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)
        table = predictions.make_table({"test": (np.arange(len(labels)), labels, probabilities)})
        accuracy = float((table["label"] == table["prediction"]).mean())
        known = {"validation": accuracy} if validated else {"validation": None}
        write_run(key, test=accuracy, train=accuracy, **({"digest": DIGEST} | known | choices))
        folder = paths.runs() / key / "artifacts"
        predictions.write(table, folder / "predictions.parquet")
        history = {"epoch": [1, 2, 3], "train/accuracy": [0.3, 0.5, 0.7], "train/loss": [1.0, 0.8, float("nan")]}
        if validated:
            history |= {"validation/accuracy": [0.2, 0.4, 0.6], "validation/loss": [1.1, 0.9, 0.7]}
        pd.DataFrame(history).to_csv(folder / "history.csv", index=False)
        return probabilities

    return write


@pytest.fixture
def two_rows(data, trained) -> tuple[np.ndarray, dict[str, list[np.ndarray]]]:
    """Labels, and the probabilities of each row: `good` has three seeds and `poor` has two."""
    labels = data()
    rows = {
        "good": [trained(f"good{seed}", labels, skill=3.0, model="good", seed=seed) for seed in range(3)],
        "poor": [trained(f"poor{seed}", labels, skill=1.0, model="poor", seed=seed) for seed in range(2)],
    }
    return labels, rows


# --- the numbers


def test_the_answer_comes_first(two_rows, written):
    labels, rows = two_rows
    found = written()
    accuracy = np.mean([each.argmax(1) == labels for each in rows["good"]])
    assert (
        f"Validation chose good: it classifies {accuracy:.2%} of the 60 test images right (95% interval" in found.text
    )
    assert "5 runs in 2 rows." in found.text
    assert "60 test images in 3 classes" in found.text
    assert found.text.index("Validation chose good") < found.text.index("Best first by validation/accuracy")


def test_the_leaderboard_has_every_row_and_what_its_marks_mean(two_rows, written):
    found = written()
    table = found.table("#", "run", "seeds")
    assert [line[1] for line in table] == ["good", "poor"]
    assert [line[2] for line in table] == ["3", "2"]
    assert "lower: told apart from row 1 at 5%, seeds and test images both counted" in found.text
    assert verdicts.P_BEST in found.text


def test_the_matrices_are_what_every_run_answered(two_rows, written):
    labels, rows = two_rows
    known = written().known["pairs"]["1"]
    assert known["classes"] == NAMES
    for row, (name, runs) in zip(known["rows"], rows.items(), strict=True):
        expected = np.zeros((3, 3), int)
        for probabilities in runs:
            for label, prediction in zip(labels, probabilities.argmax(1), strict=True):
                expected[label, prediction] += 1
        counts = np.zeros(9, int)
        counts[row["counts"][::2]] = row["counts"][1::2]
        assert (counts.reshape(3, 3) == expected).all(), name
        assert row["seeds"] == len(runs)


def test_the_images_that_differ_are_those_that_some_row_misses(two_rows, written):
    labels, rows = two_rows
    known = written().known["pairs"]["1"]
    majorities = []
    for runs in rows.values():
        votes = np.stack([(np.stack([p.argmax(1) for p in runs]) == k).sum(axis=0) for k in range(3)])
        majorities.append((votes + np.mean(runs, axis=0).T / 2).argmax(axis=0))  # divided equally: the more probable
    some = np.flatnonzero((np.stack(majorities) != labels).any(axis=0))
    assert unpacked(known["index"]).tolist() == some.tolist()
    assert unpacked(known["labels"]).tolist() == labels[some].tolist()
    for row, majority, runs in zip(known["rows"], majorities, rows.values(), strict=True):
        assert unpacked(row["answer"]).tolist() == majority[some].tolist()
        right = sum((p.argmax(1) == labels).astype(int) for p in runs)
        assert unpacked(row["right"]).tolist() == right[some].tolist()
    assert sorted(map(int, known["pictures"])) == list(range(len(some)))
    assert list(known["verdicts"]) == ["0 1"]


def test_pictures_are_the_images_of_the_data_set(two_rows, written):
    from PIL import Image

    found = written()
    images = np.load(paths.prepared("digits") / "test_images.npy")
    known = found.known["pairs"]["1"]
    for place, picture in known["pictures"].items():
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))))
        assert (shown == images[unpacked(known["index"])[int(place)]]).all()
    sources = found.attributes("img", "src")
    assert len(sources) > 10
    assert all(alt.startswith("test image ") for alt in found.attributes("img", "alt"))
    first = np.asarray(Image.open(io.BytesIO(base64.b64decode(sources[0].partition(",")[2]))))
    assert (first == images[int(found.attributes("img", "alt")[0].split()[2].rstrip(","))]).all()


def test_the_hardest_images_come_first(two_rows, written):
    labels, rows = two_rows
    everything = np.stack([probabilities.argmax(1) for runs in rows.values() for probabilities in runs])
    missed = (everything != labels).sum(axis=0)
    shown = [int(times) for times in re.findall(r"missed by (\d+) of 5", written().text)]
    assert shown == sorted(missed[missed > 0], reverse=True)[:24]


def test_the_most_confident_mistakes_come_first(two_rows, written):
    labels, rows = two_rows
    mean = np.mean(rows["good"], axis=0)
    wrong = mean.argmax(1) != labels
    expected = [f"{100 * share:.1f}" for share in sorted(mean.max(1)[wrong], reverse=True)[:24]]
    assert re.findall(r"with ([\d.]+)%", written().text) == expected


def test_by_how_much_the_best_could_be_raised(two_rows, written):
    labels, rows = two_rows
    found = written()
    lines = {line[0]: line[1:3] for line in found.table("what", "accuracy", "gain")}
    runs = [probabilities for each in rows.values() for probabilities in each]
    accuracy = np.mean([p.argmax(1) == labels for p in rows["good"]])
    some = np.mean(np.any([p.argmax(1) == labels for p in runs], axis=0))
    vote, best_vote = (np.mean(np.mean(each, axis=0).argmax(1) == labels) for each in (runs, rows["good"]))
    counts = sum(np.histogram2d(labels, p.argmax(1), bins=[range(4)] * 2)[0] for p in rows["good"]) / 3
    both = np.triu(counts + counts.T, 1)
    a, b = np.unravel_index(both.argmax(), both.shape)
    points = lambda value: f"{100 * (value - accuracy):+.2f} points".replace("-", "−")  # noqa: E731
    assert lines == {
        "good as it is": [f"{accuracy:.2%}", ""],
        f"If it never confused {NAMES[a]} and {NAMES[b]}": [
            f"{accuracy + both.max() / 60:.2%}",
            points(accuracy + both.max() / 60),
        ],
        "A vote of the runs of good": [f"{best_vote:.2%}", points(best_vote)],
        "A vote of all runs": [f"{vote:.2%}", points(vote)],
        "An oracle over all runs": [f"{some:.2%}", points(some)],
        "Beyond all runs": [f"{1 - some:.2%}", ""],
    }
    assert f"confuses {NAMES[a]} and {NAMES[b]} most" in found.text


def test_calibration_is_the_mean_over_seeds(two_rows, written):
    labels, rows = two_rows
    for line, runs in zip(written().table("run", "calibration error"), rows.values(), strict=True):
        errors = []
        for probabilities in runs:
            confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
            bins = np.ceil(confidence.astype(float) * 15)
            gaps = [abs(right[bins == b].sum() - confidence[bins == b].sum()) for b in np.unique(bins)]
            errors.append(sum(gaps) / len(labels))
        assert float(line[1]) == pytest.approx(np.mean(errors), abs=6e-5)
        right = np.stack([probabilities.argmax(1) == labels for probabilities in runs])
        said = calibration(np.stack([probabilities.max(1) for probabilities in runs]), right)
        assert line[2] == f"{said.error_by_chance:.4f} (up to {said.most_error:.4f})"
        assert line[6:] == [f"up to ±{said.most_gap:.4f}", said.in_words]


def test_every_chart_can_be_drawn(two_rows, written):
    found = written()
    places = set(found.attributes("div", "id"))
    for name, spec in found.known["charts"].items():
        assert name in places
        svg = vl_convert.vegalite_to_svg(spec | {"width": 300})
        assert "<path" in svg, name
    named = {name.rpartition("-")[0] for name in found.known["charts"]}
    curves = {f"{part}-{metric}" for part in ("train", "validation") for metric in ("accuracy", "loss")}
    assert named == {"intervals", "parameters", "seconds", "reliability-0", "reliability-1"} | curves


def test_many_epochs_are_thinned_out_and_the_last_stays(data, trained, written):
    trained("a", data())
    history = pd.DataFrame({"epoch": range(1, 1001), "train/accuracy": np.linspace(0, 1, 1000)})
    history.to_csv(paths.runs() / "a" / "artifacts" / "history.csv", index=False)
    (line,) = written().known["charts"]["train-accuracy-1"]["layer"][0]["data"]["values"]
    assert len(line["epoch"]) <= 200
    assert (line["epoch"][-1], line["value"][-1]) == (1000, 1.0)


# --- one file that asks for nothing


def test_nothing_is_loaded_from_elsewhere(two_rows, written):
    found = written()
    loading = ("script", "img", "iframe", "source", "video", "audio", "embed", "input")
    assert not [src for tag in loading for src in found.attributes(tag, "src") if not src.startswith("data:image/png")]
    assert not [element for element in found.elements if element[0] in ("link", "base", "object", "form")]
    assert all(href.startswith("#") for href in found.attributes("a", "href"))
    targets = set(found.attributes("h2", "id") + found.attributes("h3", "id") + found.attributes("main", "id"))
    assert {href[1:] for href in found.attributes("a", "href")} <= targets
    for word in ("@import", "url(", "fetch(", "XMLHttpRequest", "http://", "https://"):
        assert word not in found.html, word
    assert "default-src 'none'" in found.attributes("meta", "content")[-1]


def test_names_are_text_whatever_they_are(data, trained, written):
    names = ["<script>alert(1)</script>", "</script><img src=x onerror=alert(2)>", "a & b \"quoted\" 'c'"]
    labels = data(names)
    trained("a", labels, model="<b>bold</b>", skill=3.0)
    trained("b", labels, model="{{ 7 * 7 }}")
    found = written()
    assert len(found.attributes("script", "type")) == 1
    assert [tag for tag, _ in found.elements].count("script") == 3
    assert not found.attributes("img", "onerror")
    assert found.known["pairs"]["1"]["classes"] == names
    assert "<b>bold</b>" in found.text
    assert "{{ 7 * 7 }}" in found.text
    assert names[0] in found.text


# --- what is missing or does not fit


def artifacts(key: str) -> Path:
    return paths.runs() / key / "artifacts"


def test_one_run_is_compared_with_none(data, trained, written):
    trained("a", data())
    found = written()
    assert "There is one row only, so there is nothing to compare it with." in found.text
    assert "Only the answers of one row are known, so there is no second one to compare it with" in found.text
    assert not found.attributes("select", "class")
    assert len(found.known["pairs"]["1"]["rows"]) == 1
    assert "oracle" not in found.text
    assert "Validation chose" not in found.text
    assert {name.rpartition("-")[0] for name in found.known["charts"]} >= {"intervals", "train-loss", "reliability-0"}
    assert "parameters-1" not in found.known["charts"]
    assert "Costs are compared where two rows or more have noted theirs." in found.text


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("nothing")])
def test_a_run_without_answers_is_named_and_left_out(two_rows, written, spoil):
    spoil(artifacts("good1") / "predictions.parquet")
    found = written()
    assert "good, seed 1, is left out of what needs its predictions: " in found.text
    assert re.search(r"move .* away and train the run (again|anew)", found.text)
    assert [row["seeds"] for row in found.known["pairs"]["1"]["rows"]] == [2, 2]
    assert "Which rows can be told apart is not known; below the leaderboard stands why." in found.text
    assert (
        "the rows are not compared: good: run good1 has lost its " in found.text
        or "is not a predictions table" in found.text
    )
    assert "Which of the two is better is not known: " in found.known["pairs"]["1"]["verdicts"]["0 1"][0]


def test_the_best_row_without_answers_leaves_them_to_the_next(two_rows, written):
    for seed in range(3):
        (artifacts(f"good{seed}") / "predictions.parquet").unlink()
    found = written()
    assert "The most confident mistakes of poor" in found.text
    assert "Validation chose good" in found.text


def test_no_answers_at_all_leave_board_and_curves(two_rows, written):
    for key in ("good0", "good1", "good2", "poor0", "poor1"):
        (artifacts(key) / "predictions.parquet").write_text("nothing")
    found = written()
    assert "1" not in found.known["pairs"]
    assert len(found.table("#", "run", "seeds")) == 2
    assert "validation-accuracy-1" in found.known["charts"]
    assert "Calibration" not in found.text


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (Path.unlink, "run poor0 has lost its history.csv"),
        (lambda path: path.write_text("x\n1\n"), "is not a readable table (it has no column 'epoch')"),
        (
            lambda path: path.write_text("epoch,train/accuracy\n1,much\n"),
            "is not a readable table ('train/accuracy' is no number)",
        ),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is not a readable table ("),
        (lambda path: path.write_text(""), "is not a readable table ("),
    ],
)
def test_a_run_without_curves_is_named_and_left_out(two_rows, written, spoil, told):
    spoil(artifacts("poor0") / "history.csv")
    found = written()
    assert "poor, seed 0, has no learning curves: " in found.text
    assert told in found.text
    lines = found.known["charts"]["train-accuracy-1"]["layer"][0]["data"]["values"]
    assert sorted((line["row"], line["seed"]) for line in lines) == [(0, 0), (0, 1), (0, 2), (1, 1)]


def test_without_the_data_set_there_are_words_and_no_pictures(two_rows, written):
    (paths.prepared("digits") / "dataset.json").unlink()
    write_json(artifacts("good0") / "per_class.json", {"class": NAMES})
    found = written()
    assert "there are no pictures: data set 'digits' is not prepared" in found.text
    assert "python pipelines/fetch.py dataset=digits && python pipelines/preprocess.py dataset=digits" in found.text
    assert not found.attributes("img", "src")
    assert found.known["pairs"]["1"]["pictures"] == {}
    assert found.known["pairs"]["1"]["classes"] == NAMES


def test_other_data_under_the_same_name_are_not_shown(two_rows, data, written):
    data(digest="e" * 64)
    found = written()
    assert "the runs were tested on data with the digest dddddddddddd, and data set 'digits' is now" in found.text
    assert "type: python pipelines/preprocess.py dataset=digits" in found.text
    assert not found.attributes("img", "src")
    assert found.known["pairs"]["1"]["classes"] == ["class 0", "class 1", "class 2"]


def test_classes_and_data_set_may_have_been_renamed(two_rows, data, written):
    renamed = [f"the {name}" for name in NAMES]
    data(renamed)
    paths.prepared("digits").rename(paths.prepared("numerals"))
    found = written()
    assert found.attributes("img", "src")
    assert found.known["pairs"]["1"]["classes"] == renamed
    (paths.prepared("numerals") / "test_images.npy").unlink()
    found = written()
    assert not found.attributes("img", "src")
    assert found.known["pairs"]["1"]["classes"] == renamed


def test_boards_are_apart(data, trained, written):
    labels = data()
    for digest in (DIGEST, "e" * 64):
        for model in ("one", "two"):
            trained(digest[0] + model, labels, model=model, digest=digest)
    found = written()
    assert "tested on 2 different sets of images" in found.text
    assert sorted(found.known["pairs"]) == ["1", "2"]
    assert len(found.attributes("h2", "id")) == 2
    assert len(set(found.attributes("h3", "id"))) == len(found.attributes("h3", "id"))


def test_rows_tested_on_other_images_are_not_compared(data, trained, written):
    labels = data()
    trained("a", labels, model="one", skill=4.0)
    trained("b", labels[:30], model="two")
    found = written()
    assert "two, seed 0, is left out of what needs its predictions: it was not tested on the images" in found.text
    assert len(found.known["pairs"]["1"]["rows"]) == 1


def test_without_validation_data_no_row_is_called_best(data, trained, written):
    labels = data()
    for model in ("one", "two"):
        trained(model, labels, model=model, validated=False)
    found = written()
    assert (
        "Nothing was held back, so no run is chosen: in the order of training accuracy. The first row, " in found.text
    )
    assert "Nothing was held back from training, so there are no validation curves." in found.text
    assert {name for name in found.known["charts"] if "validation" in name} == set()
    assert "Validation chose" not in found.text


@pytest.mark.parametrize("classes", [2, 100])
def test_any_number_of_classes(data, trained, written, classes):
    labels = data([f"class number {i}" for i in range(classes)])
    for model in ("one", "two"):
        trained(model, labels, model=model, classes=classes)
    found = written()
    assert len(found.known["pairs"]["1"]["classes"]) == classes
    assert f"60 test images in {classes} classes" in found.text


def test_a_perfect_row_has_no_mistakes(data, trained, written):
    labels = data()
    for model in ("one", "two"):
        trained(model, labels, model=model, skill=50.0)
    found = written()
    assert "makes no mistake on the test images" in found.text
    assert "No run misses any test image." in found.text
    assert "It makes none" in found.text


def test_a_network_that_diverged_has_a_row_as_well(data, trained, written):
    labels = data()
    trained("a", labels, model="one", skill=4.0)
    trained("b", labels, model="two")
    nothing = np.full((IMAGES, 3), np.nan, dtype=np.float32)
    table = predictions.make_table({"test": (np.arange(IMAGES), labels, nothing)})
    predictions.write(table, artifacts("b") / "predictions.parquet")
    assert "NaN" not in json.dumps(written().known)


def test_of_many_rows_the_first_are_looked_at(data, trained, written, monkeypatch):
    monkeypatch.setattr(gathering, "MOST_ROWS", 2)
    labels = data()
    for number in range(4):
        trained(f"run{number}", labels, model=f"model{number}")
    found = written()
    assert "Everything below it is about the first 2, and leaves out 2 rows." in found.text
    assert len(found.table("#", "run", "seeds")) == 4
    assert len(found.known["pairs"]["1"]["rows"]) == 2
    assert len(found.known["charts"]["intervals-1"]["layer"][-1]["data"]["values"]) == 2


def test_pictures_are_as_many_as_there_is_room_for(two_rows, written, monkeypatch):
    all_of_them = len(written().known["pairs"]["1"]["pictures"])
    monkeypatch.setattr(page, "ROOM", 2000)
    assert 0 < len(written().known["pairs"]["1"]["pictures"]) < all_of_them


# --- as it is typed


def test_the_command(two_rows, program, root, tmp_path):
    light = forbid(tmp_path / "forbidden", "tensorflow", "keras", "jax", "mlflow", "sklearn", "matplotlib")
    done = program("compare", "report=report.html", "experiment_name=eyechart", "tracking=none", env=light)
    assert (done.returncode, done.stderr) == (0, "")
    assert "report written to report.html" in done.stdout
    found = Page((root / "report.html").read_text(encoding="utf-8"))
    assert "MLflow experiment eyechart: 5 runs in 2 rows." in found.text
    assert "window.vegaEmbed" in found.html
    assert not list(root.glob(".report*"))
    (root / "mine.html").write_text("mine")
    (root / "report.html").rename(root / "before.html")
    (root / "link.html").symlink_to("before.html")
    line = error_line(program("compare", "report=mine.html", "tracking=none"))
    assert "received mine.html, which is another: type report=NEW.html" in line
    words = ["report=link.html", "picture=board.svg", "tracking=none"]
    for _ in range(2):  # the second time in the place of the first
        assert program("compare", *words).returncode == 0
    assert (root / "link.html").is_symlink()
    assert "window.vegaEmbed" in (root / "before.html").read_text(encoding="utf-8")


def test_what_is_wrong_is_one_line(two_rows, program, root):
    assert "expected a name that ends in .html" in error_line(program("compare", "report=report.txt"))
    line = error_line(program("compare", "a=1", "b=2", "report=report.html"))
    assert line == "error: report= is on all rows, a= and b= compare two of them: type one or the other"
    assert not list(root.glob("*.html"))
