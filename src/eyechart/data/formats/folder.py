"""A folder of images: a subfolder per class, named after it, with PNG, JPEG or WebP images of any size.

    flowers/daisy/1.jpg                     or, with parts of its own,     flowers/train/daisy/1.jpg
    flowers/rose/a rose.png                                                flowers/test/rose/a rose.png

Parts are `train`, `validation` and `test`. The last two may be missing: without a test part a fixed stratified sixth of
the training images is held back. Where images come in groups, each class may have a subfolder for each group.
"""

from __future__ import annotations

import math
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from eyechart.core import terminal
from eyechart.core.errors import DataError
from eyechart.data.config import GROUP_FOLDER
from eyechart.data.formats.archives import MOST, TooLargeError
from eyechart.data.formats.holdout import a_sixth
from eyechart.data.images import Images
from eyechart.data.on_disk import kind_of

PARTS = ("train", "validation", "test")
KINDS = ("PNG", "JPEG", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
NAMED = 20  # so many unreadable images are named; of more, the number
MANY = 200  # images that take long enough for a bar


@dataclass
class Listing:
    """What lies in a folder of images.

    Attributes:
        parts: of each part, in the order of `PARTS`, of each class in the order of the labels, the images in the order
            of their names. A folder without parts has the one part `train`.
        ignored: how many files are no images, by suffix.
    """

    parts: dict[str, dict[str, list[Path]]] = field(default_factory=dict)
    ignored: Counter[str] = field(default_factory=Counter)

    @property
    def paths(self) -> list[Path]:
        """All images, in order."""
        return [path for classes in self.parts.values() for images in classes.values() for path in images]


def list_images(top: Path, *, grouped: bool = False) -> Listing:
    """Look at the names in a folder of images; no image is opened.

    Args:
        top: the folder.
        grouped: whether the images of a class lie in a subfolder for each group.

    Raises:
        DataError: images do not lie in classes, there are fewer than two classes, or not the same in all parts; or
            something lies there that cannot be read, as a link to nothing or a pipe.
        OSError: a folder cannot be read.
    """
    listing = Listing()
    names = {folder.name for folder in _entries(top, Listing())[0]}
    if "train" in names and names <= set(PARTS):
        listing.parts = {part: _classes(top / part, top, listing, grouped) for part in PARTS if part in names}
    else:
        listing.parts = {"train": _classes(top, top, listing, grouped)}
    classes = set(listing.parts["train"])
    if len(classes) < 2:
        raise DataError(
            f"{top.name}: expected two or more subfolders, one per class, with images in them. "
            f"Received: {', '.join(classes) or 'none'}"
        )
    for part, found in listing.parts.items():
        if odd := sorted(classes ^ set(found)):
            raise DataError(f"{top.name}: expected the same classes in train and {part}. Only in one: {', '.join(odd)}")
    return listing


def read(
    files: Sequence[Path], most: int = MOST, *, image_size: Sequence[int], channels: int, group: str | None = None
) -> Images:
    """Read the one folder.

    Args:
        files: the folder.
        image_size: height and width that every image is resized to.
        most: bytes that the images may take.
        channels: 1 for gray, 3 for colour.
        group: as `FormConfig.group`.

    Raises:
        DataError: the folder is not laid out as it should be, its images take more room than they may, or some cannot
            be read; the message lists them.
        OSError: a folder cannot be read.
    """
    (top,) = files
    listing = list_images(top, grouped=group == GROUP_FOLDER)
    groups = None if group is None else _groups(listing.paths, group, top)
    if len(listing.paths) * math.prod(image_size) * channels > most:
        raise TooLargeError(top.name, most)
    images = _read_all(listing.paths, top, (image_size[0], image_size[1]), channels)
    labels = np.array([label for part in listing.parts.values() for label in _labels(part)])
    fit = len(_labels(listing.parts["train"]))
    end = fit + len(_labels(listing.parts.get("validation", {})))
    own = "test" in listing.parts
    return Images.of(
        images[:end],
        labels[:end],
        images[end:] if own else None,
        labels[end:] if own else None,
        validation=end - fit,
        class_names=list(listing.parts["train"]),
        held_back=0 if own else a_sixth(fit),
        groups=None if groups is None else (groups[:end], groups[end:]),
    )


def read_image(path: Path, size: tuple[int, int] | None, channels: int) -> npt.NDArray[np.uint8]:
    """Read one image, upright as its EXIF entry says, what is transparent on white, squeezed to `size`.

    Args:
        path: a PNG, JPEG or WebP image of any mode; of an animation the first picture is read.
        size: height and width; None: its own.
        channels: 1 for gray, 3 for colour.

    Returns:
        uint8, (height, width, channels).

    Raises:
        OSError, and others of many kinds: the file is no image, or corrupt.
    """
    from PIL import Image, ImageOps

    with Image.open(path, formats=KINDS) as opened:
        if size:  # a large JPEG is decoded at a fraction of its size and time; others know of no such thing
            opened.draft(None, (2 * max(size), 2 * max(size)))
        image: Image.Image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):  # 16 bits of gray, which convert() would cut off at 255
            image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("L" if channels == 1 else "RGB")
        if size:
            image = image.resize((size[1], size[0]), Image.Resampling.LANCZOS)  # averages over all pixels if it shrinks
    return np.asarray(image).reshape(image.height, image.width, channels)


def _read_all(paths: list[Path], top: Path, size: tuple[int, int], channels: int) -> npt.NDArray[np.uint8]:
    from PIL import Image

    images = np.empty((len(paths), *size, channels), np.uint8)
    unreadable = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about remarks in a file that do not concern its pixels
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for number, path in enumerate(_watched(paths)):
            try:
                images[number] = read_image(path, size, channels)
            except Exception as error:  # a corrupt image can end in nearly any
                unreadable.append(f"{path.relative_to(top.parent)} ({reason(error)})")
    if unreadable:
        more = f" and {len(unreadable) - NAMED} more" if len(unreadable) > NAMED else ""
        raise DataError(
            f"of {len(paths)} images {len(unreadable)} cannot be read: {', '.join(unreadable[:NAMED])}{more}; "
            "replace or remove them, then fetch again"
        )
    return images


def reason(error: Exception) -> str:
    """What is wrong with an image that `read_image` could not read, in a few words."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"more than {(Image.MAX_IMAGE_PIXELS or 0) // 10**6} million pixels"
    if isinstance(error, UnidentifiedImageError):
        return "no PNG, JPEG or WebP"
    return getattr(error, "strerror", None) or "truncated or corrupt"


def _watched(paths: list[Path]) -> Iterator[Path]:
    """The same paths, with a bar on the terminal where reading them takes long."""
    if len(paths) < MANY:
        yield from paths
    else:
        with terminal.bar() as bar:
            yield from bar.track(paths, description="reading images")


def _labels(classes: dict[str, list[Path]]) -> list[int]:
    return [label for label, images in enumerate(classes.values()) for _ in images]


def _groups(paths: list[Path], group: str, top: Path) -> list[str]:
    """The name of each image's group."""
    if group == GROUP_FOLDER:
        return [path.parent.name for path in paths]
    found = [re.search(group, path.name) for path in paths]
    without = [str(path.relative_to(top.parent)) for path, match in zip(paths, found, strict=True) if not _named(match)]
    if without:
        more = f" and {len(without) - NAMED} more" if len(without) > NAMED else ""
        raise DataError(
            f"of {len(paths)} images {len(without)} have no group, because group={group!r} is not found in their "
            f"names: {', '.join(without[:NAMED])}{more}; name them as the others, or change group"
        )
    return [match[1] for match in found if match]


def _named(match: re.Match[str] | None) -> bool:
    return match is not None and bool(match[1])


def _classes(folder: Path, top: Path, listing: Listing, grouped: bool) -> dict[str, list[Path]]:
    """The images of each class, sorted by its name."""
    inner, files = _entries(folder, listing)
    for file in files:
        if _is_image(file):
            raise DataError(f"{file.relative_to(top.parent)} lies outside of the classes' subfolders")
        listing.ignored[file.suffix or file.name] += 1
    if not grouped:
        return {path.name: _images(path, top, listing) for path in inner}
    return {path.name: _images_of_groups(path, top, listing) for path in inner}


def _images_of_groups(folder: Path, top: Path, listing: Listing) -> list[Path]:
    """The images of a class, group by group."""
    inner, files = _entries(folder, listing)
    name = folder.relative_to(top.parent)
    if outside := [file for file in files if _is_image(file)]:
        raise DataError(f"{outside[0].relative_to(top.parent)} lies outside of the groups' subfolders of {name}")
    if not inner:
        raise DataError(f"{name} should hold a subfolder for each group, because group={GROUP_FOLDER}. Received: none")
    listing.ignored.update(file.suffix or file.name for file in files)
    return [image for group in inner for image in _images(group, top, listing)]


def _images(folder: Path, top: Path, listing: Listing) -> list[Path]:
    inner, files = _entries(folder, listing)
    name = folder.relative_to(top.parent)
    if inner:  # else the parts of a set, or a folder too many, would pass for classes
        raise DataError(
            f"{name} should hold the images of one class, but holds the folder {inner[0].name}; expected "
            f"{top.name}/<class>/<image>, or {top.name}/<part>/<class>/<image> with the parts {', '.join(PARTS)} only"
        )
    images = [file for file in files if _is_image(file)]
    if not images:
        raise DataError(f"{name} holds no image: expected names that end in {', '.join(SUFFIXES)}; fill or remove it")
    listing.ignored.update(file.suffix or file.name for file in files if not _is_image(file))
    return images


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def _entries(folder: Path, listing: Listing) -> tuple[list[Path], list[Path]]:
    """Folders and files, each sorted by name; what is hidden is ignored, and what is neither is refused."""
    folders: list[Path] = []
    files: list[Path] = []
    for name in sorted(os.listdir(folder)):
        path = folder / name
        if not name.isprintable():  # nor could the record of what was fetched hold it
            raise DataError(f"{folder.name} holds a name that cannot be shown, {name!a}; give it another")
        if name.startswith("."):
            listing.ignored["hidden"] += 1
        else:
            (folders if kind_of(path) == "folder" else files).append(path)
    return folders, files
