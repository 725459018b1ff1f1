"""What a run says of where it ran: the machine's load, the code's version, the pinned requirements of its model."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path

import psutil

from eyechart.runs.tags import GIT_CHANGED, GIT_COMMIT, MACHINE, PYTHON


def system_metrics() -> dict[str, float]:
    """The load of the machine now, under the names by which MLflow shows system metrics."""
    memory = psutil.virtual_memory()
    return {
        "system/cpu_utilization_percentage": psutil.cpu_percent(),
        "system/system_memory_usage_megabytes": memory.used / 1e6,
        "system/system_memory_usage_percentage": memory.percent,
        "system/process_memory_megabytes": psutil.Process().memory_info().rss / 1e6,
    }


def machine_tags() -> dict[str, str]:
    """The processor and the versions that decide a result's last digits."""
    return {
        MACHINE: f"{platform.machine()}, {psutil.cpu_count()} cores",
        PYTHON: platform.python_version(),
    }


def git_tags(folder: Path) -> dict[str, str]:
    """The commit of the checkout in `folder`, and whether files differ from it; nothing outside of git."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        changed = bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return {}
    return {GIT_COMMIT: commit, GIT_CHANGED: str(changed).lower()}


def versions(backend: str) -> str:
    """The versions of all that computes, as `eyechart 0.1.0, keras 3.15.1, ...`."""
    names = ("eyechart", *_computing(backend))
    found = [f"{name} {importlib.metadata.version(name)}" for name in names]
    return ", ".join([*found, f"python {platform.python_version()}"])


def _computing(backend: str) -> tuple[str, ...]:
    return ("keras", "numpy", "tensorflow" if backend == "tensorflow" else "jax")


def model_requirements(backend: str) -> list[str]:
    """What a program needs to load a saved model, pinned to what is installed here."""
    return [f"{name}=={importlib.metadata.version(name)}" for name in _computing(backend)]
