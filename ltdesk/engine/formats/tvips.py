"""TVIPS streams: a header, then each frame behind a header of its own; more files of frames alone may follow."""

from __future__ import annotations

import os
import re
import struct
from typing import NamedTuple

import numpy as np

from ltdesk.engine.dataset import Calibration
from ltdesk.engine.formats.arranged import Source, check_source
from ltdesk.engine.formats.files import read_head
from ltdesk.engine.formats.frames_file import Frames, FramesFile
from ltdesk.errors import OpenError
from ltdesk.job import DatasetRef

FORMAT = "TVIPS"
_STACK = "a stack until a scan shape is given (and a sync offset, where the scan began later): the file has none"
_LAYOUT = struct.Struct("<13I")
_HEADER_BYTES = 256
_FRAME_HEADER = 12  # of version 1; later ones say it
_PART = re.compile(r"(.*_)(\d{3})(\.tvips)$", re.IGNORECASE)
_MOST_PARTS = 1000


class _Header(NamedTuple):
    size: int
    version: int
    kx: int
    ky: int
    bits: int
    offset_x: int
    offset_y: int
    bin_x: int
    bin_y: int
    pixel_nm: int
    kilovolts: int
    magnification: int
    frame_header: int


def recognises(path: str, head: bytes) -> bool:
    """No number marks a stream, so the name has to be right as well; a later part of one begins with no header."""
    return path.lower().endswith(".tvips") and len(head) >= _LAYOUT.size and _is_first(_Header(*_read(head)))


def open_tvips(path: str, ref: DatasetRef) -> FramesFile:
    """Open a stack ``(1, n, ky, kx)`` of u8 or u16 with all parts ``…_001.tvips`` of its stream.

    Raises OpenError.
    """
    header = _Header(*_read(read_head(path, _HEADER_BYTES)))
    if header.bits not in (8, 16):
        raise OpenError(f"{path}: its pixels have {header.bits} bits, which is not read", "Save it as HDF5 or raw.")
    dtype, shape = np.dtype(f"<u{header.bits // 8}"), (header.ky, header.kx)
    before = header.frame_header if header.version > 1 else _FRAME_HEADER
    stride = before + header.ky * header.kx * dtype.itemsize
    parts = []
    for number, part in enumerate(_parts(path)):
        offset = before + (0 if number else header.size)
        begun = max(0, -(-(os.path.getsize(part) - offset + before) // stride))  # the last may have been cut
        parts.append(Frames(part, offset, stride, dtype, shape, begun))
    notes = [] if ref.scan_shape else [_STACK]
    calibration = Calibration(energy_kev=float(header.kilovolts) or None)
    count = sum(part.count for part in parts)
    source = Source(path, FORMAT, (1, max(1, count)), shape, dtype, (), (1, 1), calibration, notes)
    check_source(source)
    return FramesFile(ref, source, parts)


def _read(head: bytes) -> tuple[int, ...]:
    return _LAYOUT.unpack(head[: _LAYOUT.size])


def _is_first(header: _Header) -> bool:
    sides = min(header.kx, header.ky) > 0 and max(header.kx, header.ky) < 1 << 16
    return header.size >= _LAYOUT.size and header.version in (1, 2) and sides and header.bits in (8, 16, 32)


def _parts(path: str) -> list[str]:
    """The file, and those that go on where it ends."""
    named = _PART.match(path)
    if not named:
        return [path]
    names = (f"{named[1]}{number:03d}{named[3]}" for number in range(int(named[2]), _MOST_PARTS))
    parts = [path]
    for name in names:
        if name == path:
            continue
        if not os.path.isfile(name):
            break
        parts.append(name)
    return parts
