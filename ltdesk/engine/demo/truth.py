"""What is true of the demo scan, kept in its file under ``/truth`` beside ``/data``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.demo.camera import COM_MASK_MRAD, DEAD_PIXELS, HOT_PIXELS, Camera
from ltdesk.engine.demo.crystal import Float, euler_deg

if TYPE_CHECKING:
    from ltdesk.engine.demo.pattern import Patterns

Int = NDArray[np.int64]
SHIFT_MAPS = ("beam_shift_y", "beam_shift_x")


@dataclass(frozen=True)
class DemoTruth:
    """Ground truth of a demo scan. Camera places are in pixels; a vector is ``(y, x)``; the frame's centre is
    ``((ky - 1) / 2, (kx - 1) / 2)``.

    Centre of mass: within a disk of `com_mask_radius` about the frame's centre it is 0.97 to 1 times `beam_shift`
    (the part of the halo inside the mask hardly moves), and with its counting noise it stays within 0.05 px (root
    mean square) of it. Over the whole frame it follows the shift where there is carbon alone (`grain` 0): 0.9 to 1
    times, beside a constant from the hot pixels. In a grain it doesn't: Bragg disks on one side are the stronger.

    Attributes
    ----------
    grain : (sy, sx) int16: the grain's number from 1, 0 carbon only, -1 vacuum (the hole in the film)
    thickness : (sy, sx) float64, gold, nm; 0 outside grains
    beam_shift : (sy, sx, 2) float64: how far the whole pattern is moved from the frame's centre
    orientation : (grains, 3) float64: Bunge angles phi1, Phi, phi2 in degrees
    spot_grain : (spots,) int64: the grain that each spot belongs to
    spot_hkl : (spots, 3) int64
    spot_yx : (spots, 2) float64: g-vector, from the direct beam; only spots wholly inside every frame
    spot_electrons : (spots,) float64: mean number of electrons in the disk over the grain
    dark_field : (grains,) int64: index of the spot that shows the grain best, the others least
    bad_pixels : (pixels, 2) int64
    bad_pixel_counts : (pixels,) float64: 0 where dead, else what the hot pixel counts per frame on average
    disk_radius, com_mask_radius : float
    """

    grain: NDArray[np.int16]
    thickness: Float
    beam_shift: Float
    orientation: Float
    spot_grain: Int
    spot_hkl: Int
    spot_yx: Float
    spot_electrons: Float
    dark_field: Int
    bad_pixels: Int
    bad_pixel_counts: Float
    disk_radius: float
    com_mask_radius: float

    def save(self, group: h5py.Group) -> None:
        """Writes every field into `group`: arrays as datasets, numbers as attributes, the beam shift as one map
        per axis: a dataset of three dimensions would be offered as a scan."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "beam_shift":
                for axis, name in enumerate(SHIFT_MAPS):
                    group.create_dataset(name, data=value[..., axis])
            elif isinstance(value, np.ndarray):
                group.create_dataset(field.name, data=value)
            else:
                group.attrs[field.name] = value


def read_truth(path: Path | str) -> DemoTruth:
    """The truth kept in a demo scan. Raises what h5py raises where `path` isn't one."""
    with h5py.File(path, "r") as file:
        group = file["truth"]
        values: dict[str, Any] = {name: data[()] for name, data in group.items()}
        values |= {
            field.name: float(group.attrs[field.name]) for field in fields(DemoTruth) if field.name in group.attrs
        }
    return DemoTruth(beam_shift=np.stack([values.pop(name) for name in SHIFT_MAPS], -1), **values)


def truth_of(patterns: Patterns) -> DemoTruth:
    """What is true of the frames that `patterns` gives."""
    what, camera = patterns.specimen, patterns.camera
    spot_grain, hkl, yx, electrons = _spots(patterns)
    bad = [(*camera.pixel(y, x), 0.0) for y, x in DEAD_PIXELS]
    bad += [(*camera.pixel(y, x), counts) for y, x, counts in HOT_PIXELS]
    return DemoTruth(
        grain=what.grain,
        thickness=what.thickness,
        beam_shift=patterns.shift,
        orientation=np.array([euler_deg(crystal.matrix()) for crystal in what.crystals]),
        spot_grain=spot_grain,
        spot_hkl=hkl,
        spot_yx=yx,
        spot_electrons=electrons,
        dark_field=_dark_field_spots(spot_grain, yx, electrons, camera),
        bad_pixels=np.array([b[:2] for b in bad], np.int64),
        bad_pixel_counts=np.array([b[2] for b in bad]),
        disk_radius=camera.radius,
        com_mask_radius=COM_MASK_MRAD / camera.mrad,
    )


def _spots(patterns: Patterns) -> tuple[Int, Int, Float, Float]:
    """Grain, hkl, place and strength of all spots that stay inside the frame wherever the beam is."""
    camera, rows = patterns.camera, []
    limit = (camera.frame_shape[0] - 1) / 2 - camera.radius - 1 - np.abs(patterns.shift).max()
    for number, spots in enumerate(patterns.spots, start=1):
        yx = spots.g * camera.pixels_per_g
        inside = np.abs(yx).max(1) < limit
        electrons = patterns.electrons_in_spots(number, patterns.specimen.grain == number)
        grain = np.full(int(inside.sum()), number, np.int64)
        rows.append((grain, spots.hkl[inside], yx[inside], electrons[inside]))
    grain, hkl, yx, electrons = (np.concatenate(column) for column in zip(*rows, strict=True))
    return grain, hkl, yx, electrons


def _dark_field_spots(spot_grain: Int, yx: Float, electrons: Float, camera: Camera) -> Int:
    """Per grain the spot with most electrons against what the other grains' spots and the halo put in its
    place."""
    apart = np.linalg.norm(yx[:, None] - yx[None], axis=-1) / (2 * camera.radius)
    other = spot_grain[:, None] != spot_grain[None]
    foreign = np.where(other, np.clip(1 - apart, 0, 1) * electrons[None], 0).max(1)
    score: Callable[[np.intp], float] = (electrons / (foreign + 0.005 * camera.electrons)).__getitem__
    return np.array([max(np.flatnonzero(spot_grain == n), key=score) for n in np.unique(spot_grain)], np.int64)
