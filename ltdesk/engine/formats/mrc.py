"""MRC: 1024 bytes of header, an extended header, then frames one after another; Direct Electron's scans among them."""

from __future__ import annotations

import math
import os
import struct

import numpy as np

from ltdesk.engine.dataset import Calibration
from ltdesk.engine.formats.arranged import Source, check_source
from ltdesk.engine.formats.files import read_head
from ltdesk.engine.formats.frames_file import Frames, FramesFile
from ltdesk.errors import OpenError
from ltdesk.geometry import Size2D
from ltdesk.job import DatasetRef

FORMAT = "MRC"
HEADER_BYTES = 1024
_MODES = {0: "u1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_INFO_BYTES = 1 << 20


def recognises(path: str, head: bytes) -> bool:
    """``MAP`` stands at byte 208; files before 2000, without it, go by their name."""
    if len(head) < HEADER_BYTES:
        return False
    return head[208:211] == b"MAP" or (_is_named_mrc(path) and _order(head) != "")


def open_mrc(path: str, ref: DatasetRef) -> FramesFile:
    """Open; the scan shape comes from Direct Electron's ``_info.txt`` beside it, if there is one.

    Raises OpenError.
    """
    head = read_head(path, HEADER_BYTES)
    order = _order(head) or "<"
    kx, ky, count, mode = struct.unpack(order + "4i", head[:16])
    (extended,) = struct.unpack(order + "i", head[92:96])
    if mode not in _MODES:
        raise OpenError(f"{path}: its pixels are of MRC mode {mode}, which is not read", "Save it as HDF5 or raw.")
    dtype, info = np.dtype(order + _MODES[mode]), _info(path)
    scan_shape, notes = _scan_shape(info, count)
    source = Source(path, FORMAT, scan_shape, (ky, kx), dtype, (), (1, 1), _calibration(info), notes)
    check_source(source)
    stride = ky * kx * dtype.itemsize
    offset = HEADER_BYTES + max(0, extended)
    return FramesFile(ref, source, [Frames(path, offset, stride, dtype, (ky, kx), count)])


def _is_named_mrc(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in (".mrc", ".mrcs")


def _order(head: bytes) -> str:
    """Byte order, by the machine stamp, else by which gives numbers that make sense; empty where neither does."""
    if head[212:213] == b"\x11":
        return ">"
    if head[212:213] == b"D":
        return "<"
    for order in "<>":
        kx, ky, count, mode = struct.unpack(order + "4i", head[:16])
        if mode in (*_MODES, 3, 4, 101) and 0 <= min(kx, ky, count) <= max(kx, ky) < 1 << 16:
            return order
    return ""


def _info(path: str) -> dict[str, str]:
    """The lines ``name = value`` of ``…_info.txt`` beside ``…_movie.mrc``; nothing where there is no such file."""
    stem, movie, _ = os.path.splitext(path)[0].rpartition("_movie")
    if not movie:
        return {}
    try:
        with open(f"{stem}_info.txt", encoding="utf-8", errors="replace") as file:
            lines = file.read(_INFO_BYTES).splitlines()
    except OSError:
        return {}
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _scan_shape(info: dict[str, str], count: int) -> tuple[Size2D, list[str]]:
    """What the camera scanned; a stack, and why, where that isn't a grid in rows or hasn't that many frames."""
    stack = (1, count)
    if info.get("Scan - Enable") != "Enable":
        return stack, []
    if info.get("Scan - Type", "Raster") != "Raster":
        return stack, [f"scanned along '{info['Scan - Type']}', not in rows: opened as a stack"]
    try:
        shape = int(info["Scan - Size Y"]), int(info["Scan - Size X"])
    except (KeyError, ValueError):
        return stack, []
    if min(shape) < 1 or math.prod(shape) != count:
        return stack, [f"its info file says a scan of {shape[0]}x{shape[1]}, it has {count} frames: opened as a stack"]
    return shape, []


def _calibration(info: dict[str, str]) -> Calibration:
    """As stated, though 0.1 may be what the software writes before it is calibrated."""
    if info.get("Scan - Enable") != "Enable":
        return Calibration()
    step = _positive(info.get("Specimen Pixel Size X (nanometers)"))
    pixel = _positive(info.get("Diffraction Pixel Size X"))
    return Calibration(scan_step=step, frame_pixel=pixel, frame_unit="1/nm" if pixel else "mrad")


def _positive(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 < number < math.inf else None
