"""Results as pictures: TIFF with the values themselves, PNG to look at, both with the recipe inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.assembly import Results
from ltdesk.engine.export.scale_bar import bar_length

ROBUST = (0.1, 99.9)
"""Percentiles drawn darkest and brightest: a dead or hot pixel doesn't ruin the contrast."""
TIFF_NOTE = "ltdesk "
"""Before the JSON: tifffile takes a description that begins with { and holds "shape": for one of its own."""
SMALLEST_SIDE = 512
"""Pictures are enlarged by a whole factor to about this, so that a small scan can be seen."""


def values_of(results: Results, name: str) -> NDArray[Any]:
    """A result as floats, NaN where it isn't valid: float32 where that holds every value exactly, else float64."""
    array = results[name].astype(np.float64)
    if results.specs[name].kind == "scan":
        array[~results.valid] = np.nan
    narrow = array.astype(np.float32)
    return narrow if np.array_equal(narrow, array, equal_nan=True) else array


def description(results: Results, name: str) -> str:
    """What a picture says of itself: JSON with name, unit, calibration, recipe and execution."""
    step, unit = _pixel(results, name)
    return json.dumps(
        {
            "name": name,
            "unit": results.specs[name].unit,
            "pixel_size": step,
            "pixel_unit": unit,
            "recipe": results.recipe,
            "execution": results.execution,
        }
    )


def write_tiff(results: Results, name: str, path: Path) -> None:
    """One result as float TIFF; its description is JSON with the recipe."""
    import tifffile

    tifffile.imwrite(
        path,
        values_of(results, name),
        description=TIFF_NOTE + description(results, name),
        metadata=None,
        software="ltdesk",
    )


def write_png(results: Results, name: str, path: Path) -> None:
    """One result as an 8-bit grey picture with robust contrast and a scale bar; what isn't valid is transparent."""
    from PIL import Image, PngImagePlugin

    values = values_of(results, name)
    factor = max(1, SMALLEST_SIDE // max(values.shape))
    grey, alpha = (np.kron(plane, np.ones((factor, factor), np.uint8)) for plane in _grey(values))
    picture = Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha)))
    step, unit = _pixel(results, name)
    _draw_bar(picture, step / factor, unit)
    info = PngImagePlugin.PngInfo()
    info.add_itxt("ltdesk", description(results, name))
    picture.save(path, pnginfo=info)


def _grey(values: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    known = np.isfinite(values)
    low, high = np.percentile(values[known], ROBUST) if known.any() else (0.0, 1.0)
    scaled = (np.where(known, values, low) - low) / ((high - low) or 1.0)
    return (np.clip(scaled, 0, 1) * 255).astype(np.uint8), (known * 255).astype(np.uint8)


def _pixel(results: Results, name: str) -> tuple[float, str]:
    calibration = results.calibration
    kind = results.specs[name].kind
    if kind == "single":  # a spectrum: a step is one period a picture
        return 1.0, "px"
    if kind == "frame":
        return (calibration.frame_pixel or 1.0), (calibration.frame_unit if calibration.frame_pixel else "px")
    return (calibration.scan_step or 1.0), (calibration.scan_unit if calibration.scan_step else "px")


def _draw_bar(picture: Any, pixel: float, unit: str) -> None:
    """A bar of round length in the lower left, on a plate, so that it reads on white and on black."""
    from PIL import ImageDraw, ImageFont

    width, height = picture.size
    length = bar_length(width * pixel / 4)
    label = f"{length:g} {unit}"
    font = ImageFont.load_default(max(10, height // 28))
    draw = ImageDraw.Draw(picture)
    _, _, right, bottom = draw.textbbox((0, 0), label, font=font)
    bar, margin = max(1, round(length / pixel)), max(4, height // 64)
    plate = max(bar, right) + 2 * margin
    y = height - margin
    draw.rectangle((margin, y - (bottom + 4 * margin), margin + plate, y), fill=(0, 255))
    draw.text((2 * margin, y - (bottom + 3.5 * margin)), label, fill=(255, 255), font=font)
    draw.rectangle((2 * margin, y - 2 * margin, 2 * margin + bar, y - margin), fill=(255, 255))
