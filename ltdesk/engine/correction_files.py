"""From what a user names, files, arrays or shapes, to a Correction with the numbers themselves in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ltdesk.correction import Correction, FrameValues
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError, OpenError, UsageError, os_error_text
from ltdesk.geometry import AnyShape, BaseShape, PixelMask, Size2D
from ltdesk.shape_text import FIELDS, parse_shape
from ltdesk.validation import validation_text

Part = Literal["dark", "gain", "dead_pixels"]
WORDS: dict[Part, str] = {"dark": "dark frame", "gain": "gain map", "dead_pixels": "map of dead pixels"}
OWN, NONE = "file", "none"
"""In the place of a file: what the scan's own file holds; nothing, where a recipe has something."""
FORMATS = "a 2D array as .npy, .tif or HDF5, or a scan"

Given = str | os.PathLike[str] | NDArray[Any] | AnyShape | None


def correction_for(
    dataset: Dataset, dark: Given = None, gain: Given = None, dead_pixels: Given = None, base: Correction | None = None
) -> Correction | None:
    """The correction that a user asked for; None where nothing is to be done.

    Parameters
    ----------
    dataset : the scan, as it is stored
    dark, gain, dead_pixels : a file, an array ``(ky, kx)``, or ``"file"`` for what the scan's own file holds; dead
        pixels also as a shape. A dark of several frames counts as their mean
    base : holds for those that are not given; ``"none"`` takes its part away

    Raises OpenError, UsageError naming the file and what is wrong with it.
    """
    parts: dict[str, Any] = {} if base is None else {name: getattr(base, name) for name in WORDS}
    given: dict[Part, Given] = {"dark": dark, "gain": gain, "dead_pixels": dead_pixels}
    for part, value in given.items():
        if value is not None:
            parts[part] = _part(part, value, dataset)
    try:
        correction = Correction.model_validate(parts)
    except ValidationError as error:
        raise UsageError(validation_text(error), f"Give {FORMATS}.") from error
    return None if correction.is_empty else correction


def _part(part: Part, given: Any, dataset: Dataset) -> FrameValues | AnyShape | None:
    source = os.fspath(given) if isinstance(given, str | os.PathLike) else ""
    if source == NONE:
        return None
    if source and _is_shape(part, source):
        given = parse_shape(source)
    if isinstance(given, BaseShape):
        return _shape(part, given, source, dataset)  # type: ignore[arg-type]
    values = np.asarray(given) if not source else _values(part, source, dataset)
    try:
        if part != "dead_pixels":
            return FrameValues.from_array(values, source)
        return _shape(part, PixelMask.from_array(values != 0), source, dataset)
    except ValueError as error:
        raise UsageError(f"{source or WORDS[part]}: {error}", f"Give {FORMATS}.") from error


def _is_shape(part: Part, text: str) -> bool:
    """Does this name a shape rather than a file? Raises UsageError where it could be a shape alone, but is none."""
    if os.path.exists(text):
        return False
    if text.partition(":")[0].lstrip("(") in FIELDS:
        return True
    if part == "dead_pixels" and re.match(r"\w+:[-\d.]", text):
        raise UsageError(f"{text}: is neither a file nor a shape", f"Shapes are {', '.join(FIELDS)}, as in point:3,7.")
    return False


def _shape(part: Part, shape: AnyShape, source: str, dataset: Dataset) -> AnyShape:
    """Dead pixels. Raises UsageError naming what was given where it cannot be that, or has another size."""
    named = f"{source}: " if source else ""
    if part != "dead_pixels":
        raise UsageError(f"{named}a {WORDS[part]} is numbers, not a shape", "Give a file or an array.")
    if isinstance(shape, PixelMask) and source and shape.size != dataset.frame_shape:
        (h, w), (ky, kx) = shape.size, dataset.frame_shape
        what = f"{named}the {WORDS[part]} has {h}x{w} pixels, the frames of {dataset.ref.uri} {ky}x{kx}"
        raise UsageError(what, "Give one of the same camera and binning.")
    return shape


def _values(part: Part, source: str, dataset: Dataset) -> NDArray[Any]:
    return _own(part, dataset) if source == OWN else read_values(source, part, dataset.frame_shape)


def _own(part: Part, dataset: Dataset) -> NDArray[Any]:
    own = dataset.own_frames
    if part in own:
        return own[part]
    what = {"dark": "dark frame", "gain": "flat field that is still to be applied", "dead_pixels": "pixel mask"}[part]
    raise UsageError(f"{dataset.ref.uri}: holds no {what}", f"Give a file: {FORMATS}.")


def read_values(path: str, part: Part, frame_shape: Size2D) -> NDArray[Any]:
    """The numbers ``(h, w)`` in a file; of a dark that holds several frames, their mean.

    ``FILE.h5:/path`` names a dataset inside. Of a Dectris master it is its own flat field or pixel mask.

    Parameters
    ----------
    frame_shape : of the scan; says which of several arrays is meant

    Raises OpenError, UsageError.
    """
    name, inside = _split(path)
    suffix = Path(name).suffix.lower()
    try:
        if suffix in _PICTURES:
            values = _PICTURES[suffix](name)
        elif _is_hdf5(name):
            values = _from_hdf5(name, inside, part, frame_shape)
        else:
            values = _from_scan(name, inside, part)
    except OSError as error:
        raise OpenError(f"{path}: cannot be read: {os_error_text(error)}", "Check the name.") from error
    except LtdeskError:
        raise
    except Exception as error:  # tifffile and Pillow raise many kinds for a file that is damaged or something else
        raise OpenError(f"{path}: cannot be used as a {WORDS[part]}: {error}", f"Give {FORMATS}.") from error
    return _one_frame(np.asarray(values), path, part)


def _split(path: str) -> tuple[str, str | None]:
    name, colon, inside = path.rpartition(":/")
    if colon and not os.path.exists(path) and os.path.exists(name):
        return name, "/" + inside
    return path, None


def _one_frame(values: NDArray[Any], path: str, part: Part) -> NDArray[Any]:
    """Without axes of length 1; the mean of several darks."""
    if values.ndim > 2:
        values = values.reshape(-1, *values.shape[-2:])
        if len(values) > 1 and part != "dark":
            raise _several(path, part, len(values))
        values = values[0] if len(values) == 1 else values.mean(axis=0, dtype=np.float64)
    if values.ndim != 2 or values.dtype.kind not in "buif":
        raise UsageError(f"{path}: is {values.dtype} {values.shape}, no {WORDS[part]}", f"Give {FORMATS}.")
    return values


def _several(path: str, part: Part, count: int) -> UsageError:
    return UsageError(f"{path}: holds {count} frames, a {WORDS[part]} is one", "Give one made of them.")


def _from_tiff(path: str) -> NDArray[Any]:
    import tifffile

    return np.asarray(tifffile.imread(path))


def _from_picture(path: str) -> NDArray[Any]:
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture.convert("I" if picture.mode.startswith("I") else "L"))


_PICTURES: dict[str, Callable[[str], NDArray[Any]]] = {
    ".tif": _from_tiff, ".tiff": _from_tiff, ".png": _from_picture,
}  # fmt: skip


def _from_scan(path: str, inside: str | None, part: Part) -> NDArray[Any]:
    """Any file whose frames ltdesk can read; a dark scan's mean frame. A ``.npy`` may hold one bare frame."""
    from ltdesk.engine.open import open_dataset

    if path.lower().endswith(".npy"):
        with open(path, "rb") as file:  # np.load would also take zip archives and pickles
            if len(_npy_shape(file)) == 2:
                file.seek(0)
                return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    with open_dataset(path, dataset=inside) as dataset:
        if dataset.frames_good == 1 and dataset.frames_expected == 1:
            return dataset.frame(0, 0)
        if part != "dark":
            raise _several(path, part, dataset.frames_good)
        return _mean_frame(dataset)


def _npy_shape(file: Any) -> tuple[int, ...]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return tuple(read(file)[0])


def _mean_frame(dataset: Dataset) -> NDArray[Any]:
    """In this thread: executors open datasets, so opening one uses none of them."""
    from ltdesk.analysis import MeanFrame
    from ltdesk.engine.assembly import Assembly
    from ltdesk.engine.partition import prepare, run_partition
    from ltdesk.job import Job

    job = Job(dataset=dataset.ref, analyses=(MeanFrame(),))
    prepared = prepare(job, dataset)
    assembly = Assembly(job, dataset, prepared.kernels)
    assembly.start(dataset.plan())
    for partition in dataset.plan():
        assembly.add(run_partition(prepared, partition))
    return assembly.results()["mean_frame"]


def _is_hdf5(path: str) -> bool:
    from ltdesk.engine.formats.files import check_file, read_head
    from ltdesk.engine.formats.format import HEAD_BYTES
    from ltdesk.engine.formats.registry import format_of

    check_file(path)
    known = format_of(path, read_head(path, HEAD_BYTES))
    return known is not None and known.name == "HDF5"


def _from_hdf5(path: str, inside: str | None, part: Part, frame_shape: Size2D) -> NDArray[Any]:
    """The dataset that is named, a Dectris file's own, the only 2D one of the frame's shape, or a scan."""
    from ltdesk.engine.formats.hdf5_files import open_file
    from ltdesk.engine.formats.hdf5_own import own_frames
    from ltdesk.engine.formats.hdf5_tree import search

    with open_file(path) as file:
        if inside is None and part in (own := own_frames(file, frame_shape)):
            return own[part]
        found = {name: item for name, item in search(file).datasets.items() if item.ndim == 2}
        if inside is not None and inside in found:
            return np.asarray(found[inside][()])
        fitting = [name for name, item in found.items() if item.shape == frame_shape] or list(found)
        if inside is None and len(fitting) == 1:
            return np.asarray(found[fitting[0]][()])
        if inside is None and fitting:
            raise OpenError(f"{path}: holds {len(fitting)} pictures", f"Choose one: {path}:{sorted(fitting)[0]}, ….")
    return _from_scan(path, inside, part)
