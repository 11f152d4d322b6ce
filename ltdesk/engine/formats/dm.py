"""Digital Micrograph, versions 3 and 4: frames behind a tree of tags that says what they are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ltdesk.engine.dataset import Calibration
from ltdesk.engine.formats.arranged import Source, check_source
from ltdesk.engine.formats.dm_tags import NotTags, Place, Tags, read_tags
from ltdesk.engine.formats.frames_file import Frames, FramesFile
from ltdesk.errors import OpenError
from ltdesk.job import DatasetRef

FORMAT = "DM"
DTYPES = {1: "i2", 2: "f4", 6: "u1", 7: "i4", 9: "i1", 10: "u2", 11: "u4", 12: "f8", 14: "u1"}
SWAPPED = "ImageTags/Meta Data/Data Order Swapped"
"""Set where a 4D scan lies frame after frame."""
RECIPROCAL = {"mrad": "mrad", "1/nm": "1/nm", "1/Å": "1/Å", "1/A": "1/Å"}


def recognises(_path: str, head: bytes) -> bool:
    """Version and byte order stand in front, the root group after them."""
    return (head[:4] == b"\0\0\0\3" and head[8:11] == b"\0\0\0") or (
        head[:4] == b"\0\0\0\4" and head[12:15] == b"\0\0\0"
    )


def open_dm(path: str, ref: DatasetRef) -> FramesFile:
    """Open the largest image of the file: a pattern as ``(1, 1, ky, kx)``, a stack, a scan that lies frame after frame.

    Raises OpenError.
    """
    try:
        order, tags = read_tags(path)
    except NotTags as error:
        raise OpenError(f"{path}: its tags cannot be read: {error}", "Copy it again.") from error
    image = _largest(tags)
    if image is None:
        raise OpenError(f"{path}: has no image of integers or floats inside", "Choose a file with frames.")
    shape = _numbers(tags, f"{image}ImageData/Dimensions/")[::-1]
    _refuse_order(path, shape, bool(tags.get(image + SWAPPED)))
    data, code = tags[f"{image}ImageData/Data"], tags[f"{image}ImageData/DataType"]
    assert isinstance(data, Place)
    assert isinstance(code, int)
    dtype = np.dtype(order + DTYPES[code])
    sy, sx, ky, kx = (1,) * (4 - len(shape)) + tuple(shape)
    source = Source(path, FORMAT, (sy, sx), (ky, kx), dtype, (), (1, 1), _calibration(tags, image, len(shape)))
    check_source(source)
    stride = ky * kx * dtype.itemsize
    return FramesFile(ref, source, [Frames(path, data.offset, stride, dtype, (ky, kx), sy * sx)])


def _refuse_order(path: str, shape: list[int], swapped: bool) -> None:
    if not 2 <= len(shape) <= 4:
        raise OpenError(f"{path}: its image has {len(shape)} axes, not 2 to 4", "Choose a file with frames.")
    if len(shape) == 4 and not swapped:
        raise OpenError(
            f"{path}: holds a 4D scan pixel by pixel, not frame by frame, which is not read",
            "Convert it to .npy, as with LiberTEM's convert_dm4_transposed.",
        )


def _largest(tags: Tags) -> str | None:
    """The path of the image of numbers with the most bytes: the others are thumbnails, those in colour as well."""
    end = "ImageData/Data"
    sizes = {
        name.removesuffix(end): value.nbytes
        for name, value in tags.items()
        if name.startswith("ImageList/") and name.endswith(end) and isinstance(value, Place)
        if tags.get(f"{name}Type") in DTYPES
    }
    return max(sizes, key=sizes.__getitem__, default=None)


def _numbers(tags: Tags, group: str) -> list[int]:
    """The numbers of a group, in order."""
    found: list[int] = []
    while isinstance(value := tags.get(f"{group}{len(found)}"), int):
        found.append(value)
    return found


def _calibration(tags: Tags, image: str, ndim: int) -> Calibration:
    """What axes with a reciprocal or an angular unit, and a scan's in nm, say; ``Dimension`` 0 is x of the frame."""

    def axis(number: int) -> tuple[float | None, Any]:
        group = f"{image}ImageData/Calibrations/Dimension/{number}/"
        scale, unit = tags.get(f"{group}Scale"), tags.get(f"{group}Units")
        return (float(scale) if isinstance(scale, int | float) and 0 < scale < math.inf else None), unit

    (pixel, unit), (step, step_unit) = axis(0), axis(2)
    volts = tags.get(f"{image}ImageTags/Microscope Info/Voltage")
    return Calibration(
        frame_pixel=pixel if unit in RECIPROCAL else None,
        frame_unit=RECIPROCAL.get(str(unit), "mrad"),
        scan_step=step if ndim == 4 and step_unit == "nm" else None,
        energy_kev=volts / 1000 if isinstance(volts, int | float) and volts > 0 else None,
    )
