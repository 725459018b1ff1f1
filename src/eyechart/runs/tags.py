"""The names of the tags that runs, sweeps and versions of models carry in MLflow, and in journals before that."""

from __future__ import annotations

# what MLflow finds a run by, whatever its id there
RUN_KEY = "eyechart.run_key"
SCAN_KEY = "eyechart.scan_key"
SWEEP_ID = "eyechart.sweep"
ATTEMPT = "eyechart.attempt"  # tells runs of one run key apart, where one was trained anew

# of a run
DATA_DIGEST = "eyechart.data_digest"
OVERRIDES = "eyechart.overrides"  # what was typed
TRAINED_BY_VERSION = "eyechart.training_version"
CHOICES_KEY = "eyechart.choices_key"  # the run key without the code: runs that have it in common differ in their code
VERSIONS = "eyechart.versions"  # of the packages that compute
KERNELS = "eyechart.kernels"  # whose programs multiply and convolve
ENGINE = "eyechart.engine"
DEVICE = "eyechart.device"
MACHINE = "eyechart.machine"
PYTHON = "eyechart.python"
GIT_COMMIT = "mlflow.source.git.commit"  # MLflow shows it beside the run
GIT_CHANGED = "eyechart.git_changed"  # whether files differed from that commit
DIVERGED = "eyechart.diverged"  # in which epoch; absent where it did not
PRUNED = "eyechart.pruned"  # why; empty where it was trained to its end after all
CONFIRMS = "eyechart.confirms"  # the sweep whose choice it confirms; absent where it confirms none
REPLACED = "eyechart.replaced"  # it was trained anew, and counts no more

# of a sweep
COMMAND = "eyechart.command"
RUNS = "eyechart.runs"

# of a version of a registered model
DECISION = "eyechart.decision"
USES = "eyechart.uses_of_the_test_images"
