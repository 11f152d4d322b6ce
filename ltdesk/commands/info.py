"""``ltdesk info``: what is in a file."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ltdesk.commands.requests import open_requested
from ltdesk.commands.say import say
from ltdesk.engine.dataset import Dataset
from ltdesk.ui.look.sizes import size_text


def main(args: argparse.Namespace) -> int:
    """Print what is in the file."""
    from ltdesk.engine.open import list_datasets

    with open_requested(args, args.file) as dataset:
        facts = describe(dataset)
        facts["datasets"] = [vars(entry) for entry in list_datasets(args.file)]
        if args.check:
            facts["frames_with_nan_or_inf"] = _non_finite(dataset)
    say(json.dumps(facts) if args.json else as_text(facts))
    return 0


def describe(dataset: Dataset) -> dict[str, Any]:
    """What there is to know of an open dataset, as JSON values."""
    return {
        "file": dataset.ref.uri,
        "format": dataset.format,
        "dataset": dataset.ref.dataset,
        "scan_shape": list(dataset.scan_shape),
        "frame_shape": list(dataset.frame_shape),
        "dtype": dataset.dtype.str,
        "bytes": dataset.nbytes,
        "frames_good": dataset.frames_good,
        "frames_expected": dataset.frames_expected,
        "partitions": len(dataset.plan()),
        "calibration": dataset.calibration.model_dump(),
        "note": dataset.note,
    }


def as_text(facts: dict[str, Any]) -> str:
    """The facts for a reader."""
    sy, sx = facts["scan_shape"]
    (ky, kx), count = facts["frame_shape"], facts["partitions"]
    lines = [
        ("file", facts["file"]),
        ("format", facts["format"]),
        ("dataset", facts["dataset"] or ""),
        ("scan", f"{sy} x {sx} positions"),
        ("frame", f"{ky} x {kx} pixels, {facts['dtype']}"),
        ("size", f"{size_text(facts['bytes'])} of frames, {count} partition{'' if count == 1 else 's'}"),
        ("frames", f"{facts['frames_good']} good of {facts['frames_expected']} expected"),
        ("calibration", _calibration_text(facts["calibration"])),
        ("NaN or inf", _count_text(facts)),
        ("note", facts["note"]),
    ]
    lines += [("also inside", _entry_text(entry)) for entry in facts["datasets"] if entry["path"] != facts["dataset"]]
    return "\n".join(f"{name:<12} {text}" for name, text in lines if text)


def _calibration_text(calibration: dict[str, Any]) -> str:
    known = []
    if calibration["scan_step"]:
        known.append(f"scan step {calibration['scan_step']:g} {calibration['scan_unit']}")
    if calibration["frame_pixel"]:
        known.append(f"camera pixel {calibration['frame_pixel']:g} {calibration['frame_unit']}")
    if calibration["energy_kev"]:
        known.append(f"{calibration['energy_kev']:g} keV")
    return ", ".join(known) or "none in the file"


def _entry_text(entry: dict[str, Any]) -> str:
    shape = " x ".join(str(n) for n in entry["shape"])
    return f"{entry['path']}  {shape}  {entry['dtype']}  {entry['compression'] or ''}".rstrip()


def _count_text(facts: dict[str, Any]) -> str:
    return f"in {facts['frames_with_nan_or_inf']} frames" if "frames_with_nan_or_inf" in facts else ""


def _non_finite(dataset: Dataset) -> int:
    from ltdesk.engine.non_finite import count_non_finite

    return count_non_finite(dataset).frames
