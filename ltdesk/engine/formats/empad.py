"""EMPAD: a raw file of 130 rows a frame, of which 128 are image, and an XML file that says the scan."""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ltdesk.engine.dataset import Calibration
from ltdesk.engine.formats.arranged import Source
from ltdesk.engine.formats.files import read_head
from ltdesk.engine.formats.frames_file import Frames, FramesFile
from ltdesk.errors import OpenError
from ltdesk.geometry import Size2D
from ltdesk.job import DatasetRef

FORMAT = "EMPAD"
ROWS, IMAGE = 130, (128, 128)
STRIDE = ROWS * 128 * 4
_MOST_XML = 1 << 20
_NAME = re.compile(r"scan_x(\d+)_y(\d+)", re.IGNORECASE)


def recognises(path: str, head: bytes) -> bool:
    """The XML file, by what is in it; the raw file by its name ``scan_x64_y64.raw`` and a size of whole frames."""
    if head.lstrip().startswith(b"<"):
        return b"<root" in head and b"<raw_file" in read_head(path, _MOST_XML)
    found = _NAME.search(os.path.basename(path))
    if not found or not path.lower().endswith(".raw"):
        return False
    return os.path.getsize(path) == int(found[1]) * int(found[2]) * STRIDE > 0


def open_empad(path: str, ref: DatasetRef) -> FramesFile:
    """Open the XML file or the raw one. Raises OpenError, also where the raw file is missing."""
    if path.lower().endswith(".raw"):
        return _open(path, path, ref, _scan_of_name(path), _beside(path))
    root = _parse(path)
    named = root.find("raw_file")
    if named is None or not named.get("filename"):
        raise OpenError(f"{path}: does not name its raw file", "Open the .raw file with --frame-shape 130,128.")
    raw = os.path.join(os.path.dirname(path), os.path.basename(str(named.get("filename")).replace("\\", "/")))
    scan_shape = _scan_shape(root) or _scan_of_name(raw)
    return _open(path, raw, ref, scan_shape, root)


def _open(
    path: str, raw: str, ref: DatasetRef, scan_shape: Size2D | None, root: ElementTree.Element | None
) -> FramesFile:
    if scan_shape is None:
        raise OpenError(f"{path}: does not say the scan's shape", "Open the .raw file with its shapes given.")
    dtype = np.dtype("<f4")
    calibration = Calibration() if root is None else _calibration(root, scan_shape)
    source = Source(path, FORMAT, scan_shape, IMAGE, dtype, good=(), calibration=calibration)
    return FramesFile(ref, source, [Frames(raw, 0, STRIDE, dtype, IMAGE, scan_shape[0] * scan_shape[1])])


def _parse(path: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(read_head(path, _MOST_XML))
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise OpenError(f"{path}: is not an EMPAD header: {error}", "Copy it again.") from error


def _beside(raw: str) -> ElementTree.Element | None:
    """The XML file in the same folder that names this raw file, which has the calibration."""
    name = os.path.basename(raw).encode()
    for candidate in sorted(Path(raw).parent.glob("*.xml"))[:20]:
        try:
            if name in read_head(str(candidate), _MOST_XML):
                return _parse(str(candidate))
        except OpenError:
            continue
    return None


def _scan_shape(root: ElementTree.Element) -> Size2D | None:
    count = _number(root, "scan_parameters/series_count")
    if count:
        return 1, int(count)
    sx, sy = _number(root, "pix_x"), _number(root, "pix_y")
    return (int(sy), int(sx)) if sx and sy else None


def _scan_of_name(raw: str) -> Size2D | None:
    found = _NAME.search(os.path.basename(raw))
    return (int(found[2]), int(found[1])) if found else None


def _calibration(root: ElementTree.Element, scan_shape: Size2D) -> Calibration:
    """From the field of view in metres, and the angle of a pixel, of versions that state it."""
    place = "iom_measurements"
    volts = _number(root, f"{place}/high_voltage") or _number(root, f"{place}/source.get_voltage")
    angle = _number(root, f"{place}/calibrated_diffraction_angle")
    step = _old_step(root, scan_shape) or _new_step(root, scan_shape)
    return Calibration(
        scan_step=step,
        frame_pixel=angle * 1e3 if angle else None,
        energy_kev=volts / 1e3 if volts else None,
    )


def _old_step(root: ElementTree.Element, scan_shape: Size2D) -> float | None:
    text = root.findtext("iom_measurements/optics.get_full_scan_field_of_view") or ""
    found = re.findall(r"[-+.\deE]+", text)
    try:
        return float(found[0]) * 1e9 / scan_shape[1] if found else None
    except ValueError:
        return None


def _new_step(root: ElementTree.Element, scan_shape: Size2D) -> float | None:
    """The view that is stated is that of the microscope's own scan, times a factor; of the scan's longer side."""
    view = _number(root, "iom_measurements/full_scan_field_of_view/x")
    factor = _number(root, "iom_measurements/full_scan_field_of_view/scale_factor")
    return view / factor * 1e9 / max(scan_shape) if view and factor else None


def _number(root: ElementTree.Element, path: str) -> float | None:
    """A positive number, None where there is none."""
    try:
        number = float(root.findtext(path) or "")
    except ValueError:
        return None
    return number if 0 < number < float("inf") else None
