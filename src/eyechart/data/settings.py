"""What decides the pixels and labels of a prepared data set: recorded by `prepare`, held against what is configured.

Where the files come from decides nothing, and neither do the names of the classes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from eyechart.core.errors import DataError
from eyechart.data.config import DatasetConfig, FormConfig
from eyechart.data.dataset import Dataset

OF_FORM = ("format", "validation", "image_size", "channels")
BACKGROUND = "background"
COPIES, GROUP = OF_CUTTING = ("copies", "group")
_NEUTRAL = {field.name: field.default for field in dataclasses.fields(FormConfig)}  # of what a record does not say


def settings_of(form: FormConfig, dataset: DatasetConfig) -> dict[str, Any]:
    """What of a data set's configuration decides its pixels and labels, if it comes in this form."""
    background = dataset.background and dataclasses.asdict(dataset.background)
    settings = {name: getattr(form, name) for name in OF_FORM} | {BACKGROUND: background}
    of_cutting = {COPIES: dataset.copies, GROUP: form.group}
    return settings | {name: value for name, value in of_cutting.items() if value}  # what was prepared without stays


def check_settings(configured: DatasetConfig, dataset: Dataset, words: str) -> None:
    """Refuse a data set that was prepared otherwise than it is configured now.

    Args:
        configured: where it names no form, nothing is held against it.
        dataset: as it was prepared.
        words: that choose the data set on the command line.

    Raises:
        DataError: they differ; the message names in what.
    """
    if configured.forms and (difference := _difference(configured, dataset)):
        expected, received = difference
        raise DataError(
            f"expected data set '{dataset.name}' prepared with {expected}, received {received}: type "
            f"python pipelines/fetch.py {words} && python pipelines/preprocess.py {words}"
        )


def _difference(configured: DatasetConfig, dataset: Dataset) -> tuple[str, str] | None:
    """What is expected and what was found, in words; None where there is no difference."""
    recorded, fetched = dataset.settings, dataset.made_of[1] if dataset.made_of else dataset.digest
    if configured.sha256 not in (None, fetched, dataset.content):
        return f"sha256={configured.sha256:.12}", f"sha256={fetched:.12}"
    forms = [settings_of(form, configured) for form in configured.forms]
    if recorded is None and (names := [name for name in OF_CUTTING if all(name in form for form in forms)]):
        return _in_words(forms[0], names), _in_words({}, names)
    if recorded is None:  # an earlier version prepared it
        return _difference_in_shape(forms, dataset.image_shape)
    # the hash holds whatever the form
    names = [BACKGROUND, *OF_CUTTING] if configured.sha256 is not None else [*OF_FORM, BACKGROUND, *OF_CUTTING]
    differing = [[name for name in names if form.get(name) != recorded.get(name, _NEUTRAL.get(name))] for form in forms]
    least = min(differing, key=len)
    if not least:
        return None
    return _in_words(forms[differing.index(least)], least), _in_words(recorded, least)


def _difference_in_shape(forms: list[dict[str, Any]], shape: tuple[int, int, int]) -> tuple[str, str] | None:
    """The same where nothing but the shape of the images is known; a form that does not say it may have any."""
    expected = [(*form["image_size"], form["channels"]) for form in forms if form["image_size"] is not None]
    if len(expected) < len(forms) or shape in expected:
        return None
    wanted, found = ("images of " + "x".join(map(str, each)) for each in (expected[0], shape))
    return wanted, found


def _in_words(settings: Mapping[str, Any], names: list[str]) -> str:
    return ", ".join(f"{name}={'null' if (value := settings.get(name)) is None else value}" for name in names)
