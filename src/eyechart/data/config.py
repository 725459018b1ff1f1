"""The typed configuration of a data set and of the two programs that fetch and prepare it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeVar

from omegaconf import MISSING, DictConfig

from eyechart.core.errors import ConfigError, nearest
from eyechart.core.schema import at_least, typed

FORMATS = ("cifar", "csv", "digits", "folder", "idx", "mnist_pkl", "npz")  # a module each in eyechart.data.formats
GROUP_FOLDER = "folder"  # as `group`: each group has a subfolder in those of its classes

T = TypeVar("T")


@dataclass
class FormConfig:
    """One form in which a data set is handed around: files of one format, and where they may lie.

    Attributes:
        format: how the bytes are to be read, one of `FORMATS`.
        files: the names of the files, in the order in which the format reads them. A `.gz` may be there or not.
        caches: folders on this machine (`~` is the home), or `package:<package>/<folder>` for the data of an
            installed Python package.
        urls: public addresses of the folder that holds the files.
        validation: so many of the last training images are the data set's own validation part, where the files do not
            say so themselves.
        image_size: height and width that the images of a folder are resized to; for the format `folder` only.
        channels: 1 for gray, 3 for colour; for the format `folder` only.
        group: what says of each image whose it is, as its patient or writer; images of one group are not independent,
            and stay on one side where a part is cut. Of a CSV the name of a column. Of a folder either `folder`, where
            the images of a class lie in a subfolder for each group, or a regular expression that is found in the name
            of each file, with the group in its one pair of parentheses. None: each image is independent.
    """

    format: str = MISSING
    files: list[str] = MISSING
    caches: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    validation: int = 0
    image_size: list[int] | None = None
    channels: int | None = None
    group: str | None = None


@dataclass
class BackgroundConfig:
    """Makes a data set of another: its images over photographs, see `eyechart.data.backgrounds`.

    Attributes:
        of: the name of the other one.
        share: for each image of its so many of a further class, `background`; 0: there is no such class.
        seed: decides which piece of which photograph lies where.
    """

    of: str = MISSING
    share: float = 0.0
    seed: int = 0


@dataclass
class DatasetConfig:
    """A data set: what it is called, what its classes are, and how to recognise and find it.

    Attributes:
        name: the name of its folders and of its file in `conf/dataset`.
        forms: the forms it comes in, the preferred one first.
        class_names: the name of class 0, 1, ...; None: those of a folder's subfolders, else the labels.
        sha256: the SHA-256 of the decoded arrays (`Images.digest`), 64 hexadecimal digits; None: whatever is found is
            the data set.
        background: what is made of what was found; None: nothing, it is the data set.
        origin: where a person gets the files by hand; told when no place holds them.
        copies: `together`: images that are the same pixel by pixel stay on one side where a part is cut here, a test
            part of data that bring none or a validation part; None: they may lie on both.
        max_gigabytes: what a file may be downloaded as or unpack to, and the images of a folder may take, in 10^9
            bytes. A small file can hold any size; one that lies uncompressed on this machine is taken as it is.
    """

    name: str = MISSING
    forms: list[FormConfig] = MISSING
    class_names: list[str] | None = None
    sha256: str | None = None
    origin: str | None = None
    background: BackgroundConfig | None = None
    copies: str | None = None
    max_gigabytes: float = 2.0


@dataclass
class FetchConfig:
    """What `pipelines/fetch.py` reads: the data set, and folders or URLs to try before all others."""

    dataset: DatasetConfig
    mirrors: list[str]


@dataclass
class PrepareConfig:
    """What `pipelines/preprocess.py` reads."""

    dataset: DatasetConfig


def read_config(schema: type[T], config: DictConfig) -> T:
    """Check a composed configuration against `schema` and make an instance of it.

    Args:
        schema: `FetchConfig` or `PrepareConfig`.
        config: the composed configuration.

    Raises:
        ConfigError: a key is unknown or missing, or a value is not what it should be.
    """
    value = typed(schema, config)
    check_dataset(value.dataset)  # type: ignore[attr-defined]
    return value


def check_dataset(dataset: DatasetConfig) -> None:
    """Check the values that a type alone does not hold to.

    Raises:
        ConfigError: the name cannot be a folder's, the hash is not a SHA-256, a format is unknown or lacks what it
            needs, or nothing is named.
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", dataset.name):  # it becomes the name of a folder
        raise ConfigError(f"dataset.name must be of letters, digits, '_' and '-'. Received: {dataset.name!r}")
    if dataset.sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", dataset.sha256):
        raise ConfigError(
            f"dataset.sha256 must be 64 lower-case hexadecimal digits, or null. Received: {dataset.sha256!r}"
        )
    names = dataset.class_names
    if names is not None and (len(names) < 2 or len(set(names)) < len(names)):
        raise ConfigError(f"dataset.class_names must be two or more different names, or null. Received: {names}")
    if odd := [name for name in names or () if not name.strip() or not name.isprintable()]:
        raise ConfigError(f"dataset.class_names must be names that can be shown. Received: {odd[0]!a}")
    if not dataset.forms:
        raise ConfigError("dataset.forms must name at least one form in which the data set comes. Received: []")
    for number, form in enumerate(dataset.forms):
        _check_form(form, f"dataset.forms.{number}")
    if not dataset.max_gigabytes > 0:
        raise ConfigError(f"dataset.max_gigabytes must be above 0. Received: {dataset.max_gigabytes}")
    if dataset.copies not in (None, "together"):
        raise ConfigError(f"dataset.copies must be together, or null. Received: {dataset.copies!r}")
    if dataset.background is not None:
        if dataset.copies:
            raise ConfigError(
                "dataset.copies is of no use where images are laid over photographs, which makes no two the same: "
                "expected null, received together"
            )
        if any(form.group for form in dataset.forms):
            raise ConfigError("dataset.forms: images that are laid over photographs have no group; leave group out")
        _check_background(dataset.background)


def _check_background(background: BackgroundConfig) -> None:
    if not 0 <= background.share <= 1:
        raise ConfigError(f"dataset.background.share must be from 0 to 1. Received: {background.share}")
    at_least("dataset.background.seed", background.seed, 0)


def _check_form(form: FormConfig, key: str) -> None:
    if form.format not in FORMATS:
        raise ConfigError(
            f"{key}.format must be one of {', '.join(FORMATS)}.{nearest(form.format, FORMATS)} "
            f"Received: {form.format!r}"
        )
    if not form.files:
        raise ConfigError(f"{key}.files must name at least one file. Received: []")
    for file in form.files:
        if PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts or not PurePosixPath(file).parts:
            raise ConfigError(f"{key}.files must be names below a folder. Received: {file!r}")
    at_least(f"{key}.validation", form.validation, 0)
    _check_group(form, key)
    if form.format == "folder":
        _check_folder(form, key)
    elif form.image_size is not None or form.channels is not None:
        raise ConfigError(
            f"{key}: image_size and channels are for the format folder; the format {form.format} knows its own"
        )


def _check_group(form: FormConfig, key: str) -> None:
    if form.group is None:
        return
    if form.format not in ("csv", "folder"):
        raise ConfigError(f"{key}.group is for the formats csv and folder; the format {form.format} has no groups")
    if form.format == "folder" and form.group != GROUP_FOLDER:
        try:
            groups = re.compile(form.group).groups
        except re.error as error:
            raise ConfigError(f"{key}.group is no regular expression: {error}. Received: {form.group!r}") from None
        if groups != 1:
            raise ConfigError(
                f"{key}.group must be {GROUP_FOLDER}, or a regular expression with the group in one pair of "
                f"parentheses, as '^(.+)_'. Received: {form.group!r}"
            )


def _check_folder(form: FormConfig, key: str) -> None:
    if len(form.files) != 1:
        raise ConfigError(f"{key}.files must name the one folder that holds the images. Received: {form.files}")
    if form.validation:
        raise ConfigError(f"{key}.validation: in a folder, the subfolder validation is the validation part")
    if form.image_size is None or len(form.image_size) != 2 or min(form.image_size) < 1:
        raise ConfigError(
            f"{key}.image_size must be the height and width to resize to, as in [64, 64]. Received: {form.image_size}"
        )
    if form.channels not in (1, 3):
        raise ConfigError(f"{key}.channels must be 1 (gray) or 3 (colour). Received: {form.channels}")
