"""Deliveries of a run with its model, whole and interrupted, as facts that `test_delivery.py` asserts on.

python delivery_cases.py FOLDER DATABASE

A process of its own, because MLflow's package of a model warns of much when it is imported. DATABASE is a store
without runs. Writes `FOLDER/facts.json`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

FOLDER, DATABASE = Path(sys.argv[1]), Path(sys.argv[2])
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"

from tracking.saying import FailingStore, Unplugged, known, say  # noqa: E402

from eyechart.core import paths  # noqa: E402
from eyechart.runs.cursor import CURSOR  # noqa: E402
from eyechart.tracking.delivery import deliver  # noqa: E402
from eyechart.tracking.store import Store  # noqa: E402


def workspace(name: str) -> Path:
    """A workspace with a store and, after the first, a copy of the first one's journal; the run's folder in it."""
    root = FOLDER / name
    root.mkdir()
    os.environ["EYECHART_ROOT"] = str(root)
    shutil.copyfile(DATABASE, root / "mlflow.db")
    folder = paths.runs() / "k1"
    if name == "whole":
        say(folder, model=True).close()
    else:
        shutil.copytree(FOLDER / "whole" / ".eyechart" / "runs" / "k1", folder)
        (folder / CURSOR).unlink()
    return folder


def main() -> None:
    folder = workspace("whole")
    store = FailingStore()  # which fails at no call, but counts them
    deliver(folder, store)
    facts: dict[str, Any] = {"calls": list(store.calls), "whole": known(Store())}
    model = store.client.search_logged_models([store.experiment_id("a test")])[0]
    facts["model"] = sorted(file.path for file in store.client.list_logged_model_artifacts(model.model_id))

    deliver(folder, Store())
    facts["again"] = known(Store())
    (folder / CURSOR).unlink()
    deliver(folder, Store())
    facts["without cursor"] = known(Store())

    facts["interrupted"] = []
    for number, name in enumerate(facts["calls"]):
        for after in (False, True):
            folder = workspace(f"{number}-{after}")
            try:
                deliver(folder, FailingStore(fail_at=number, after=after))
                failed = False
            except Unplugged:
                failed = True
            deliver(folder, Store())
            case = {"call": number, "name": name, "after": after, "failed": failed, "known": known(Store())}
            facts["interrupted"].append(case)
    facts["imported"] = [name for name in ("keras", "tensorflow", "jax") if name in sys.modules]
    (FOLDER / "facts.json").write_text(json.dumps(facts, indent=1))


main()
