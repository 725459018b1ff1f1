"""Tells an answer of MLflow's from one that makes no sense, which counts as none: as where no server answers.

MLflow's client takes an empty answer for `{}`, and `{}` for a run without an id. What stands in front of a server, or
is taken for one, may answer 200 to anything: what was told would count as delivered, and runs be made without end.
"""

from __future__ import annotations

import json
from typing import Any

from eyechart.core.errors import EyechartError

# what an answer has to name, for it to be one; the others may be empty, such as that to a search
NAMED = {
    ("POST", "experiments/create"): "experiment_id",
    ("GET", "experiments/get"): "experiment.experiment_id",
    ("GET", "experiments/get-by-name"): "experiment.experiment_id",
    ("POST", "runs/create"): "run.info.run_id",
    ("GET", "runs/get"): "run.info.run_id",
    ("POST", "runs/update"): "run_info.run_id",
    ("POST", "logged-models"): "model.info.model_id",
    ("POST", "registered-models/create"): "registered_model.name",
    ("GET", "registered-models/get"): "registered_model.name",
    ("GET", "registered-models/alias"): "model_version.version",
    ("POST", "model-versions/create"): "model_version.version",
}
SHOWN = 60  # characters of an answer


class NoAnswer(EyechartError):
    """What answered is no MLflow server, or not all of its answer came."""


def refuse_nonsense() -> None:
    """Let MLflow's client raise NoAnswer for what makes no sense. Imports MLflow; to call it again changes nothing."""
    from mlflow.utils import rest_utils

    verify: Any = rest_utils.verify_rest_response
    if verify.__module__ == __name__:
        return

    def verify_sense(response: Any, endpoint: str, *arguments: Any, **named: Any) -> Any:
        check_answer(getattr(response.request, "method", ""), endpoint, response.status_code, response.text)
        return verify(response, endpoint, *arguments, **named)

    rest_utils.verify_rest_response = verify_sense


def check_answer(method: str, endpoint: str, status: int, text: str) -> None:
    """Raise NoAnswer where an answer is none of MLflow's.

    Args:
        method: of the request.
        endpoint: the path that was asked, as `/api/2.0/mlflow/runs/get`.
        status: of the answer. Of errors only 404 is looked at, which MLflow says of what it does not know.
        text: that came.
    """
    called = endpoint.partition("/mlflow/")[2].partition("?")[0]
    if status not in (200, 404) or not called:
        return
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    makes_sense = isinstance(answer, dict) and (
        bool(answer.get("error_code")) if status == 404 else _names(answer, NAMED.get((method, called), ""))
    )
    if not makes_sense:
        received = ascii(text[:SHOWN]) + ("..." if len(text) > SHOWN else "") if text.strip() else "nothing in it"
        raise NoAnswer(
            f"expected an MLflow server that answers {called}, received {status} with {received}: "
            f"look at the address, and at what stands in front of the server"
        )


def _names(answer: Any, path: str) -> bool:
    """Whether an answer has something under a path of keys; always, where the path is empty."""
    for key in filter(None, path.split(".")):
        answer = answer.get(key) if isinstance(answer, dict) else None
    return bool(answer) or not path
