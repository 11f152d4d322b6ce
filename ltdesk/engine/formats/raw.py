"""Headerless raw: frames one after another, whose shapes and dtype the user gives."""

from __future__ import annotations

import math
import os

import numpy as np

from ltdesk.engine.formats.arranged import Source, spaced
from ltdesk.engine.formats.frames_file import Frames, FramesFile
from ltdesk.errors import OpenError, ShapeNeeded
from ltdesk.job import DatasetRef

FORMAT = "raw"


def open_raw(path: str, ref: DatasetRef) -> FramesFile:
    """Open with the shapes in `ref`; without a scan shape it is a stack ``(1, n, ky, kx)``.

    Raises ShapeNeeded if frame shape or dtype are not given, OpenError if not one frame fits.
    """
    if ref.frame_shape is None or ref.dtype is None:
        raise ShapeNeeded(
            f"{path}: does not say its shapes",
            "Give --frame-shape KY,KX --dtype '<u2' and --scan-shape SY,SX (--offset BYTES for a header).",
        )
    dtype = np.dtype(ref.dtype)
    frame_bytes = math.prod(ref.frame_shape) * dtype.itemsize
    size = os.stat(path).st_size
    in_file = (size - ref.offset) // frame_bytes
    if in_file < 1:
        raise OpenError(
            f"{path}: has {size:,} bytes, one frame of {ref.frame_shape[0]}x{ref.frame_shape[1]} {ref.dtype} "
            f"at byte {ref.offset:,} needs {frame_bytes:,}",
            "Check --frame-shape, --dtype and --offset.",
        )
    promised = math.prod(ref.scan_shape) if ref.scan_shape else in_file
    tail = size - ref.offset - in_file * frame_bytes
    notes = [f"{spaced(tail)} bytes after the last whole frame"] if tail and in_file >= promised else []
    source = Source(path, FORMAT, (1, in_file), ref.frame_shape, dtype, good=(), notes=notes)
    return FramesFile(ref, source, [Frames(path, ref.offset, frame_bytes, dtype, ref.frame_shape, in_file)])
