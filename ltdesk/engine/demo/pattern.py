"""The expected frames of the demo scan: disks, amorphous halo, diffuse scattering, bad pixels.

Every frame is the sum of a direct disk and the Bragg disks of its grain, each with the rocking curve across
it, of the halo of the carbon film with its speckle, and of the diffuse scattering of the gold; all of it
moved by the beam shift. The direct disk has no structure of its own, so that its centre is the shift exactly.
"""

from __future__ import annotations

from math import pi

import numba
import numpy as np
from numpy.typing import NDArray

import ltdesk.engine.kernels  # noqa: F401  it says where compiled code is kept
from ltdesk.engine.demo.camera import CAMERA_MRAD, DEAD_PIXELS, HOT_PIXELS, SEMIANGLE_MRAD, Camera
from ltdesk.engine.demo.crystal import MANY_BEAMS, WAVELENGTH_NM, Float, Spots, spots_of
from ltdesk.engine.demo.specimen import Specimen

EDGE_PIXELS = 0.35  # blur of a disk's edge by the camera
CARBON_FRACTION = 0.13  # of the electrons, scattered by the film into the camera and beyond
GOLD_DIFFUSE_PER_NM = 0.0035
GOLD_ABSORPTION_NM = 220.0  # thickness after which 1/e of the electrons are left within the camera
SPECKLE_CONTRAST = 0.3
RADIAL_STEPS = 4096  # steps of the halo's tables, in distance squared
EDGE_STEPS = 32  # steps per pixel of the disk's edge table


class Patterns:
    """Expected electrons per pixel of any position of a specimen.

    `shift` is the beam shift in pixels ``(sy, sx, 2)``, `spots` the Bragg spots of each grain.
    """

    def __init__(self, what: Specimen, camera: Camera, seed: int) -> None:
        self.camera, self.specimen = camera, what
        self.shift: Float = what.deflection / camera.mrad
        reach = (CAMERA_MRAD / 2 + SEMIANGLE_MRAD) / (WAVELENGTH_NM * 1e3)
        self.spots: list[Spots] = [spots_of(crystal, reach) for crystal in what.crystals]
        self._edge = _edge_table(camera.radius)
        self._halos, self._per_distance2 = _halo_tables(camera)
        self._speckle = _speckle(camera, np.random.default_rng([seed, 2]))
        self._no_spots = np.zeros((0, 6))

    def expected(self, y: int, x: int, speckle_at: tuple[int, int], out: Float) -> None:
        """Writes the expected frame ``(ky, kx)`` float64 of scan position ``(y, x)`` into `out`."""
        what, number = self.specimen, int(self.specimen.grain[y, x])
        gold, film = float(what.thickness[y, x]), float(what.carbon[y, x])
        spots = self._disks(number, gold, what.tilt[y, x]) if number > 0 else self._no_spots
        elastic = self.camera.electrons * np.exp(-gold / GOLD_ABSORPTION_NM - CARBON_FRACTION * film)
        halo = self.camera.electrons * CARBON_FRACTION * film * np.exp(-gold / GOLD_ABSORPTION_NM)
        diffuse = self.camera.electrons * GOLD_DIFFUSE_PER_NM * gold
        sy, sx = self.shift[y, x]
        _background(out, sy, sx, self._halos, self._per_distance2, halo, diffuse, self._speckle, *speckle_at)
        _disks(out, sy, sx, spots, gold, elastic, self.camera.radius, self._edge)
        self._bad_pixels(out)

    def electrons_in_spots(self, number: int, positions: NDArray[np.bool_]) -> Float:
        """Mean number of electrons in each spot of grain `number` over `positions` ``(sy, sx) bool``."""
        what = self.specimen
        gold, film = what.thickness[positions], what.carbon[positions]
        strength = self.spots[number - 1].strength(gold, what.tilt[positions])
        elastic = np.exp(-gold / GOLD_ABSORPTION_NM - CARBON_FRACTION * film)
        share = elastic[:, None] * strength / (1 + strength.sum(1, keepdims=True))
        return np.asarray(self.camera.electrons * share.mean(0))

    def _disks(self, number: int, gold: float, tilt: Float) -> Float:
        """Per spot: y, x in pixels, s, its change per pixel along y and x, 1 / extinction distance. ``(n,
        6)``"""
        spots, scale = self.spots[number - 1], self.camera.pixels_per_g
        # A beam that enters tilted by one pixel's angle sees the lattice tilted the other way.
        lever = -spots.g * (self.camera.mrad * 1e-3)
        s = spots.excitation + spots.g @ tilt
        return np.column_stack([spots.g * scale, s, lever, 1 / spots.extinction])

    def _bad_pixels(self, frame: Float) -> None:
        for fy, fx in DEAD_PIXELS:
            frame[self.camera.pixel(fy, fx)] = 0
        for fy, fx, counts in HOT_PIXELS:
            frame[self.camera.pixel(fy, fx)] = counts


def _edge_table(radius: float) -> Float:
    """A disk's profile over distance: 1 inside, 0 outside, blurred at the edge."""
    distance = np.arange(int((radius + 8 * EDGE_PIXELS + 2) * EDGE_STEPS)) / EDGE_STEPS
    return 0.5 - 0.5 * np.tanh((distance - radius) / EDGE_PIXELS)


def _halo_tables(camera: Camera) -> tuple[Float, float]:
    """Electrons per pixel over distance squared: amorphous carbon (rings at 0.21 and 0.12 nm) and gold's
    diffuse scattering ``(2, RADIAL_STEPS)``, each for one scattered electron in all, and table steps per
    pixel²."""
    furthest = (1.5 * CAMERA_MRAD / camera.mrad) ** 2
    mrad = np.sqrt(np.arange(RADIAL_STEPS) * furthest / RADIAL_STEPS) * camera.mrad
    background = 0.55 * np.exp(-mrad / 8.0) + 0.03
    rings = 0.30 * np.exp(-(((mrad - 12.0) / 1.9) ** 2)) + 0.11 * np.exp(-(((mrad - 21.0) / 2.6) ** 2))
    carbon = background * (1 - 0.8 * np.exp(-((mrad / 7.0) ** 2))) + rings
    diffuse = np.exp(-((mrad / 15.0) ** 2)) + 0.6 * np.exp(-mrad / 5.0)
    tables = np.stack([carbon, diffuse])
    tables /= tables.sum(1, keepdims=True) * np.pi * furthest / RADIAL_STEPS
    return tables, RADIAL_STEPS / furthest


def _speckle(camera: Camera, rng: np.random.Generator) -> Float:
    """A periodic field of speckles as large as the disk, mean 1, twice the frame's size."""
    shape = (2 * camera.frame_shape[0], 2 * camera.frame_shape[1])
    k = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :])
    wave = np.fft.ifft2(np.fft.fft2(rng.standard_normal((*shape, 2)) @ [1, 1j]) * (k < 0.35 / camera.radius))
    intensity = np.abs(wave) ** 2
    return np.asarray(1 + SPECKLE_CONTRAST * (intensity / intensity.mean() - 1))


@numba.njit(cache=True, nogil=True)
def _background(
    out: Float, sy: float, sx: float, tables: Float, per_distance2: float,
    carbon: float, diffuse: float, speckle: Float, at_y: int, at_x: int,
) -> None:  # fmt: skip
    ky, kx = out.shape
    cy, cx = (ky - 1) / 2 + sy, (kx - 1) / 2 + sx
    for j in range(ky):
        dy2 = (j - cy) ** 2
        grain = speckle[at_y + j, at_x : at_x + kx]
        for i in range(kx):
            place = (dy2 + (i - cx) ** 2) * per_distance2
            n = np.uint64(place)  # an index that can't be negative: else the loop isn't vectorised
            f = place - n
            ring = tables[0, n] * (1 - f) + tables[0, n + np.uint64(1)] * f
            wide = tables[1, n] * (1 - f) + tables[1, n + np.uint64(1)] * f
            out[j, i] = carbon * ring * grain[i] + diffuse * wide


@numba.njit(cache=True, nogil=True)
def _disks(
    out: Float, sy: float, sx: float, spots: Float, gold: float, electrons: float,
    radius: float, edge: Float,
) -> None:  # fmt: skip
    total = 1.0
    for n in range(len(spots)):
        total += _two_beam(spots[n, 2], spots[n, 5], gold)
    per_pixel = electrons / total / (pi * radius * radius)
    cy, cx = (out.shape[0] - 1) / 2 + sy, (out.shape[1] - 1) / 2 + sx
    _disk(out, cy, cx, per_pixel, 0.0, 0.0, 0.0, 0.0, 0.0, edge)
    for n in range(len(spots)):
        y, x, s, along_y, along_x, extinction = spots[n]
        _disk(out, cy + y, cx + x, per_pixel, s, along_y, along_x, extinction, gold, edge)


@numba.njit(cache=True, nogil=True)
def _disk(
    out: Float, cy: float, cx: float, per_pixel: float, s: float, along_y: float, along_x: float,
    extinction: float, gold: float, edge: Float,
) -> None:  # fmt: skip
    reach = (len(edge) - 2) / EDGE_STEPS
    for j in range(max(0, int(np.ceil(cy - reach))), min(out.shape[0], int(np.floor(cy + reach)) + 1)):
        for i in range(max(0, int(np.ceil(cx - reach))), min(out.shape[1], int(np.floor(cx + reach)) + 1)):
            dy, dx = j - cy, i - cx
            place = np.sqrt(dy * dy + dx * dx) * EDGE_STEPS
            n = int(place)
            if n + 1 >= len(edge):
                continue
            value = per_pixel * (edge[n] + (place - n) * (edge[n + 1] - edge[n]))
            if extinction > 0:
                value *= _two_beam(s + dy * along_y + dx * along_x, extinction, gold)
            out[j, i] += value


@numba.njit(cache=True, nogil=True)
def _two_beam(s: float, per_extinction: float, gold: float) -> float:
    effective = np.sqrt(s * s + per_extinction * per_extinction)
    amplitude = per_extinction * np.sin(pi * gold * effective) / effective
    return float(MANY_BEAMS * amplitude * amplitude)
