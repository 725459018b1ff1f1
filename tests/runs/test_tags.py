"""The tags by which MLflow and journals know things: stored names, which never change."""

from __future__ import annotations

from eyechart.runs import tags

STORED = {
    "CONFIRMS": "eyechart.confirms",
    "RUN_KEY": "eyechart.run_key",
    "SCAN_KEY": "eyechart.scan_key",
    "SWEEP_ID": "eyechart.sweep",
    "ATTEMPT": "eyechart.attempt",
    "DATA_DIGEST": "eyechart.data_digest",
    "OVERRIDES": "eyechart.overrides",
    "TRAINED_BY_VERSION": "eyechart.training_version",
    "CHOICES_KEY": "eyechart.choices_key",
    "VERSIONS": "eyechart.versions",
    "KERNELS": "eyechart.kernels",
    "ENGINE": "eyechart.engine",
    "DEVICE": "eyechart.device",
    "MACHINE": "eyechart.machine",
    "PYTHON": "eyechart.python",
    "GIT_COMMIT": "mlflow.source.git.commit",
    "GIT_CHANGED": "eyechart.git_changed",
    "DIVERGED": "eyechart.diverged",
    "PRUNED": "eyechart.pruned",
    "REPLACED": "eyechart.replaced",
    "COMMAND": "eyechart.command",
    "RUNS": "eyechart.runs",
    "DECISION": "eyechart.decision",
    "USES": "eyechart.uses_of_the_test_images",
}


def test_tags_are_called_as_they_are_stored():
    assert {name: value for name, value in vars(tags).items() if name.isupper()} == STORED
