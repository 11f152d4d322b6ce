"""What the status bar says in figures: rates, durations, what is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ltdesk.ui.look.sizes import grouped, size_text

if TYPE_CHECKING:
    from ltdesk.engine.dataset import Dataset


def rate_text(rate: float) -> str:
    """Bytes a second: ``18.2 GB/s``."""
    return f"{size_text(rate)}/s"


def time_text(seconds: float) -> str:
    """``0.1 s``, ``12 s``, ``3:05``, ``2:03:05``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"


def shape_text(dataset: Dataset) -> str:
    """``40×40 × 95×95 u16  29 MB``; the pixels' type is that of corrected ones, which it says"""
    sy, sx, ky, kx = dataset.shape
    kind = {"u": "u", "i": "i", "f": "f", "b": "bool"}.get(dataset.dtype.kind, dataset.dtype.name)
    bits = "" if kind == "bool" else str(8 * dataset.dtype.itemsize)
    corrected = "" if dataset.corrector is None else " corrected"
    return f"{sy}×{sx} × {ky}×{kx} {kind}{bits}{corrected}   {size_text(dataset.nbytes)}"


def damage_text(dataset: Dataset) -> str:
    """``4 091 of 4 096 frames``, empty where none is missing."""
    if dataset.frames_good >= dataset.frames_expected:
        return ""
    return f"{grouped(dataset.frames_good)} of {grouped(dataset.frames_expected)} frames"
