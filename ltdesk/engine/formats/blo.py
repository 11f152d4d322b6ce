"""NanoMEGAS block files: a header, a small image, then each frame behind 6 bytes of its own."""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

import numpy as np

from ltdesk.engine.dataset import Calibration
from ltdesk.engine.formats.arranged import Source, check_source
from ltdesk.engine.formats.files import read_head
from ltdesk.engine.formats.frames_file import Frames, FramesFile
from ltdesk.errors import OpenError
from ltdesk.job import DatasetRef

FORMAT = "BLO"
MAGIC = b"IMGBLO\x02\x01"
FRAME_HEADER = 6
"""Two bytes AA 55, and the frame's number."""
_LAYOUT = struct.Struct("<8s3I5H2dIHI")


class _Header(NamedTuple):
    magic: bytes
    image_offset: int
    frames_offset: int
    flags: int
    side: int
    frame_rotation: int
    sx: int
    sy: int
    scan_rotation: int
    step_x: float
    step_y: float
    volts: int
    pixels_per_m: int
    camera_length: int


def recognises(_path: str, head: bytes) -> bool:
    return head.startswith(MAGIC)


def open_blo(path: str, ref: DatasetRef) -> FramesFile:
    """Open; pixels are u8, or u16 where the file's size says so. Raises OpenError."""
    head = read_head(path, _LAYOUT.size)
    if len(head) < _LAYOUT.size:
        raise OpenError(f"{path}: ends within its header", "Copy it again.")
    header = _Header(*_LAYOUT.unpack(head))
    dtype, shape = _dtype(path, header), (header.side, header.side)
    source = Source(path, FORMAT, (header.sy, header.sx), shape, dtype, good=(), calibration=_calibration(header))
    check_source(source)
    stride = FRAME_HEADER + header.side**2 * dtype.itemsize
    offset = header.frames_offset + FRAME_HEADER
    return FramesFile(ref, source, [Frames(path, offset, stride, dtype, shape, header.sy * header.sx)])


def _dtype(path: str, header: _Header) -> np.dtype[np.generic]:
    """The header doesn't say; a file with two bytes a pixel has just the size for them."""
    of_16_bit = header.frames_offset + header.sx * header.sy * (FRAME_HEADER + 2 * header.side**2)
    return np.dtype("<u2" if os.path.getsize(path) == of_16_bit else "u1")


def _calibration(header: _Header) -> Calibration:
    """A pixel's angle is its size, ``1 / pixels_per_m``, over the camera length, in tenths of a millimetre."""
    angle = 1e7 / (header.pixels_per_m * header.camera_length) if header.pixels_per_m * header.camera_length else 0
    return Calibration(
        scan_step=header.step_x if np.isfinite(header.step_x) and header.step_x > 0 else None,
        frame_pixel=angle or None,
        energy_kev=header.volts / 1000 or None,
    )
