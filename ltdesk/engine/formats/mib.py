"""Quantum Detectors' Merlin: frames behind a text header each, and a ``.hdr`` file that may say the scan."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from ltdesk.engine.formats.arranged import Source, check_source, spaced
from ltdesk.engine.formats.files import read_head
from ltdesk.engine.formats.frames_file import Frames, FramesFile
from ltdesk.engine.formats.mib_lines import line_length
from ltdesk.errors import OpenError
from ltdesk.geometry import Size2D
from ltdesk.job import DatasetRef

FORMAT = "MIB"
_DTYPES = {"U08": ">u1", "U16": ">u2", "U32": ">u4", "U64": ">u8"}
_HDR_BYTES = 1 << 16


@dataclass(frozen=True)
class _Header:
    """The text before a frame: ``MQ1,000001,00384,01,0256,0256,U08, …``."""

    number: int
    nbytes: int
    frame_shape: Size2D
    pixels: str


def recognises(_path: str, head: bytes) -> bool:
    return head.startswith(b"MQ1,")


def open_mib(path: str, ref: DatasetRef) -> FramesFile:
    """Open; the scan shape comes from the ``.hdr`` file beside it, else from the times of the frames.

    Raises OpenError.
    """
    header = _header(path)
    if header.pixels not in _DTYPES:
        raise OpenError(
            f"{path}: its pixels are {header.pixels}, packed as the chip gives them, which is not read",
            "Save it processed (U08, U16 or U32) by the Merlin software.",
        )
    dtype = np.dtype(_DTYPES[header.pixels])
    frame_bytes = math.prod(header.frame_shape) * dtype.itemsize
    stride = header.nbytes + frame_bytes
    in_file = os.path.getsize(path) // stride
    settings = _settings(path)
    scan_shape, notes = _scan_shape(path, ref, settings, in_file, stride)
    if header.number > 1:
        notes.append(f"begins with frame {spaced(header.number)} of its acquisition")
    source = Source(path, FORMAT, scan_shape, header.frame_shape, dtype, good=(), notes=notes)
    check_source(source)
    count = max(in_file, math.prod(scan_shape))
    return FramesFile(ref, source, [Frames(path, header.nbytes, stride, dtype, header.frame_shape, count)])


def _header(path: str) -> _Header:
    fields = read_head(path, 64).decode("ascii", errors="replace").split(",")
    try:
        number, nbytes, kx, ky = (int(fields[i]) for i in (1, 2, 4, 5))
        header = _Header(number, nbytes, (ky, kx), fields[6].strip())
    except (IndexError, ValueError) as error:
        raise OpenError(f"{path}: its first frame's header cannot be read", "Copy it again.") from error
    if header.nbytes < 1 or min(header.frame_shape) < 1:
        raise OpenError(f"{path}: its first frame's header makes no sense", "Copy it again.")
    return header


def _settings(path: str) -> dict[str, str]:
    """The lines ``name:\tvalue`` of the ``.hdr`` file of the same name; nothing where there is none."""
    try:
        with open(f"{os.path.splitext(path)[0]}.hdr", encoding="latin-1") as file:
            lines = file.read(_HDR_BYTES).replace("\0", "").splitlines()
    except OSError:
        return {}
    pairs = (line.split(":\t", 1) for line in lines if ":\t" in line)
    return {name.split("(")[0].strip(): value.strip() for name, value in pairs}


def _scan_shape(
    path: str, ref: DatasetRef, settings: dict[str, str], in_file: int, stride: int
) -> tuple[Size2D, list[str]]:
    """What is stated; else frames a trigger make a line; else the gaps between the frames' times tell the lines."""
    sx, sy = _whole(settings.get("ScanX")), _whole(settings.get("ScanY"))
    if sx and sy:
        return (sy, sx), []
    count = _whole(settings.get("Frames in Acquisition")) or in_file
    line = _whole(settings.get("Frames per Trigger"))
    if line > 1 and count % line == 0:
        return (count // line, line), []
    if ref.scan_shape is None and (line := line_length(path, stride, in_file)) and count % line == 0:
        return (count // line, line), [f"a scan of {count // line}x{line} is guessed from the times of the frames"]
    return (1, max(1, count)), []


def _whole(text: Any) -> int:
    """A whole number above 0, else 0."""
    try:
        return max(0, int(float(text)))
    except (TypeError, ValueError, OverflowError):
        return 0
