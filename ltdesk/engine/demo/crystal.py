"""Gold crystals of the demo scan: which Bragg spots an orientation gives, and how strong they are.

Kinematic geometry (every reciprocal lattice point near the Ewald sphere) with two-beam intensities: enough
for thickness fringes, bend contours and twins that look and move as they do in a microscope. Lengths are in
nm, their inverses in 1/nm. Camera axes are ``(y, x)``, the beam runs along ``z``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

WAVELENGTH_NM = 0.0025079  # 200 kV
LATTICE_NM = 0.4078  # gold
# Share of its two-beam intensity that a spot has where many draw on the same electrons.
MANY_BEAMS = 0.5
MAX_EXCITATION_ERROR = 0.12  # 1/nm: beyond it a spot of a crystal this thick is too weak to see
# Extinction distances of gold at 200 kV by h²+k²+l², nm.
EXTINCTION_NM = {3: 20.2, 4: 22.7, 8: 31.5, 11: 37.8, 12: 39.5, 16: 46.5, 19: 51.0, 20: 52.5, 24: 58.0}


@dataclass(frozen=True)
class Crystal:
    """One orientation: the zone axis along the beam, then tilted by a few mrad.

    Attributes
    ----------
    zone : direction [uvw] along the beam before the tilt
    axis : direction [uvw] at right angles to `zone` that points along `azimuth_deg`
    azimuth_deg : 0 along +x of the camera, growing towards +y
    tilt_mrad : tilt ``(y, x)`` away from the zone axis; it makes one side of the pattern brighter
    """

    zone: tuple[int, int, int]
    axis: tuple[int, int, int]
    azimuth_deg: float
    tilt_mrad: tuple[float, float] = (0.0, 0.0)

    def matrix(self) -> Float:
        """Rotation ``(3, 3)`` from crystal to laboratory ``(x, y, z)``."""
        z = _unit(self.zone)
        x = _unit(self.axis)
        frame = np.stack([x, np.cross(z, x), z])
        return _rotation(self.tilt_mrad) @ _turn(np.radians(self.azimuth_deg)) @ frame


@dataclass(frozen=True)
class Spots:
    """The Bragg spots of one crystal (the direct beam is not among them).

    Attributes
    ----------
    hkl : (n, 3) int64
    g : (n, 2) reciprocal vector in the camera plane ``(y, x)``, 1/nm
    excitation : (n,) excitation error s, 1/nm
    extinction : (n,) extinction distance, nm
    """

    hkl: NDArray[np.int64]
    g: Float
    excitation: Float
    extinction: Float

    def strength(self, thickness: Float, tilt: Float) -> Float:
        """Intensity of every spot, with the direct beam at 1 before normalisation, ``(positions, n)``.

        `thickness` is ``(positions,)`` in nm, `tilt` ``(positions, 2)``: the local tilt ``(y, x)`` in rad.
        """
        s = self.excitation + tilt @ self.g.T
        effective = np.sqrt(s**2 + self.extinction**-2.0)
        amplitude = np.sin(np.pi * thickness[:, None] * effective) / (effective * self.extinction)
        return MANY_BEAMS * amplitude**2


def spots_of(crystal: Crystal, reach: float) -> Spots:
    """The spots of `crystal` near the Ewald sphere with both ``|g_y|`` and ``|g_x|`` below `reach` (1/nm)."""
    hkl = _reflections()
    lab = (hkl / LATTICE_NM) @ crystal.matrix().T
    excitation = -lab[:, 2] - (lab**2).sum(1) * WAVELENGTH_NM / 2
    seen = (np.abs(excitation) < MAX_EXCITATION_ERROR) & (np.abs(lab[:, :2]).max(1) < reach)
    extinction = np.array([EXTINCTION_NM[int(n)] for n in (hkl[seen] ** 2).sum(1)])
    return Spots(hkl[seen], lab[seen][:, 1::-1], excitation[seen], extinction)


def euler_deg(matrix: Float) -> tuple[float, float, float]:
    """Bunge angles (phi1, Phi, phi2) in degrees of a rotation ``(3, 3)`` from crystal to laboratory."""
    tilt = np.arctan2(np.hypot(matrix[0, 2], matrix[1, 2]), matrix[2, 2])
    if np.sin(tilt) < 1e-9:  # then phi1 and phi2 turn about the same axis
        return float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0]))), float(np.degrees(tilt)), 0.0
    phi1 = np.arctan2(matrix[0, 2], -matrix[1, 2])
    phi2 = np.arctan2(matrix[2, 0], matrix[2, 1])
    return float(np.degrees(phi1)), float(np.degrees(tilt)), float(np.degrees(phi2))


@cache
def _reflections() -> NDArray[np.int64]:
    """All hkl that face-centred cubic allows (all odd or all even) and that have an extinction distance."""
    hkl = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3, indexing="ij"), -1).reshape(-1, 3)
    same_parity = (hkl % 2 == hkl[:, :1] % 2).all(1)
    listed = np.isin((hkl**2).sum(1), list(EXTINCTION_NM))
    return np.asarray(hkl[same_parity & listed], np.int64)


def _unit(direction: tuple[int, int, int]) -> Float:
    vector = np.asarray(direction, np.float64)
    return np.asarray(vector / np.linalg.norm(vector))


def _turn(angle: float) -> Float:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _rotation(tilt_mrad: tuple[float, float]) -> Float:
    """Adds ``g · tilt`` to the excitation error, exactly a rotation (Rodrigues) for any angle."""
    ty, tx = np.asarray(tilt_mrad) * 1e-3
    cross = np.array([[0.0, 0.0, tx], [0.0, 0.0, ty], [-tx, -ty, 0.0]])
    angle = np.hypot(ty, tx)
    sine, versine = np.sinc(angle / np.pi), np.sinc(angle / (2 * np.pi)) ** 2 / 2  # over angle, over angle²
    return np.asarray(np.eye(3) + sine * cross + versine * cross @ cross)
