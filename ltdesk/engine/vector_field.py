"""Fields of vectors over a scan, as centres of mass are: corrections, and the maps derived from them.

Components are ``y, x (sy, sx) float64``, NaN where nothing is known. Derivatives are per scan position.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import CenterOfMass
from ltdesk.engine.pixels import picture_of
from ltdesk.errors import UsageError

Map = NDArray[np.float64]
PLANE, PARABOLOID = 3, 6
"""Coefficients of 1, y, x and of 1, y, x, y*y, y*x, x*x."""


def terms(shape: tuple[int, int], count: int) -> Map:
    """The functions that a descan correction is made of, ``(count, sy, sx)``."""
    y, x = np.indices(shape, dtype=np.float64)
    return np.stack((np.ones(shape), y, x, y * y, y * x, x * x)[:count])


def without_descan(y: Map, x: Map, coefficients: Sequence[float]) -> tuple[Map, Map]:
    """The field without the plane or paraboloid of `coefficients`: first those of y, then those of x."""
    each = np.reshape(coefficients, (2, -1))
    surface_y, surface_x = np.tensordot(each, terms((y.shape[0], y.shape[1]), each.shape[1]), axes=1)
    return y - surface_y, x - surface_x


def fit_descan(com_y: Map, com_x: Map, paraboloid: bool = False) -> tuple[float, ...]:
    """The plane (or paraboloid) nearest to a centre of mass, as ``CenterOfMass(descan=...)`` takes it away.

    Parameters
    ----------
    com_y, com_x : (sy, sx) in pixels; positions with NaN are left out
    paraboloid : fit a paraboloid

    Returns
    -------
    coefficients : of 1, y, x (y*y, y*x, x*x) for the y component, then for the x component; y and x count positions

    Raises UsageError where too few positions are known.
    """
    count = PARABOLOID if paraboloid else PLANE
    com_y, com_x = picture_of(com_y), picture_of(com_x)
    known = _known(com_y, com_x)
    functions = terms((com_y.shape[0], com_y.shape[1]), count)[:, known].T
    scale = np.abs(functions).max(axis=0, initial=1e-300)
    found, _, rank, _ = np.linalg.lstsq(functions / scale, np.stack((com_y[known], com_x[known]), axis=1), rcond=None)
    if rank < count:
        what = f"{int(known.sum())} scan positions, or all of them in a line, are too few for a descan fit"
        raise UsageError(what, "Fit over a larger region, or a scan with two axes.")
    return tuple(float(value) for value in (found / scale[:, None]).T.ravel())


def _known(y: Map, x: Map) -> NDArray[np.bool_]:
    """Where there is a vector. Raises UsageError where there is none at all."""
    known = np.isfinite(y) & np.isfinite(x)
    if not known.any():
        raise UsageError(
            "the centre of mass is known nowhere: no frame has counts",
            "See that its mask, if any, holds the direct beam.",
        )
    return known


def rotated(y: Map, x: Map, deg: float, flip: bool) -> tuple[Map, Map]:
    """The field with y turned round if `flip`, then turned by `deg` from +x towards +y."""
    if flip:
        y = -y
    if deg % 360.0 == 0:
        return y, x
    cos, sin = np.cos(np.radians(deg)), np.sin(np.radians(deg))
    return x * sin + y * cos, x * cos - y * sin


def magnitude(y: Map, x: Map) -> Map:
    """The vectors' lengths."""
    return np.hypot(y, x)


def direction(y: Map, x: Map) -> Map:
    """The vectors' angles in degrees, 0 <= angle < 360, 0 along +x and growing towards +y; NaN for no length."""
    angle = np.degrees(np.arctan2(y, x)) % 360.0
    return np.where((y == 0) & (x == 0), np.nan, np.where(angle == 360.0, 0.0, angle))


def divergence(y: Map, x: Map) -> Map:
    """dy/dy + dx/dx by central differences (one-sided on the scan's edge); NaN beside what is not known."""
    return _derivative(y, 0) + _derivative(x, 1)


def curl(y: Map, x: Map) -> Map:
    """dy/dx - dx/dy, as `divergence`."""
    return _derivative(y, 1) - _derivative(x, 0)


def _derivative(field: Map, axis: int) -> Map:
    if field.shape[axis] < 2:
        return np.full_like(field, np.nan)
    with np.errstate(invalid="ignore"):
        slope = np.asarray(np.gradient(field, axis=axis))
    slope[~np.isfinite(field)] = np.nan
    return slope


def integrated(y: Map, x: Map) -> Map:
    """The potential whose gradient is nearest to the field, by Fourier transform (iCoM: Lazić, Bosch and Lazar 2016,
    doi:10.1016/j.ultramic.2015.10.011), with mean 0; the scan counts as periodic and the field's mean as no part of it.

    What is not known counts as the mean, and stays NaN.
    """
    known = np.isfinite(y) & np.isfinite(x)
    if not known.any():
        return np.full_like(y, np.nan)
    (fy, fx) = (np.fft.rfft2(np.where(known, part - part[known].mean(), 0.0)) for part in (y, x))
    ky, kx = _wave_numbers(np.fft.fftfreq(y.shape[0]))[:, None], _wave_numbers(np.fft.rfftfreq(y.shape[1]))[None, :]
    square = ky * ky + kx * kx
    square[square == 0] = np.inf
    potential = np.fft.irfft2(-1j * (ky * fy + kx * fx) / square, s=y.shape)
    return np.where(known, potential - potential[known].mean(), np.nan)


def _wave_numbers(frequencies: NDArray[Any]) -> Map:
    """Times 2 pi; the highest of an even number has no sign, so that it has no derivative."""
    return np.where(np.abs(frequencies) == 0.5, 0.0, 2 * np.pi * frequencies)


def rotation_by_minimal_curl(com_y: Map, com_x: Map) -> tuple[float, bool]:
    """The scan rotation, and whether y is flipped, that leave a centre of mass least curl.

    A centre of mass is a gradient, and so has none. The `opposite` rotation leaves as little: of the two it is the one
    whose field points towards places rather than away from them (sharp negative divergence), as a probe's electrons do
    towards atoms. Within a mask around the direct beam that can be relied on; of whole frames diffracted beams, which
    move the other way, may decide.

    Parameters
    ----------
    com_y, com_x : (sy, sx), as `CenterOfMass` gives them without rotation and flip

    Returns
    -------
    deg, flip : for ``CenterOfMass(rotation=deg, flip=flip)``, -180 < deg <= 180

    Raises UsageError where too few positions are known, or all vectors are the same.
    """
    com_y, com_x = picture_of(com_y), picture_of(com_x)
    _known(com_y, com_x)
    plain, flipped = (_least_curl(-com_y if flip else com_y, com_x) for flip in (False, True))
    flip = flipped[1] < plain[1] * (1 - 1e-9)
    return (flipped if flip else plain)[0], flip


def opposite(deg: float) -> float:
    """The rotation half a turn away, -180 < opposite <= 180."""
    return deg - 180.0 if deg > 0 else deg + 180.0


def _least_curl(y: Map, x: Map) -> tuple[float, float]:
    """The rotation of least squared curl, and that sum: turning by t gives a curl of cos t * curl + sin t * div."""
    curls, divergences = curl(y, x), divergence(y, x)
    known = np.isfinite(curls) & np.isfinite(divergences)
    if not known.any():
        raise UsageError("no position is known with its neighbours", "Use a scan of at least 2x2 positions.")
    c, d = curls[known], divergences[known]
    if not (c.any() or d.any()):
        raise UsageError("the centre of mass is the same everywhere: any rotation fits", "Use a scan of a specimen.")
    sums, vectors = np.linalg.eigh(np.array([[c @ c, c @ d], [c @ d, d @ d]]))
    cos, sin = vectors[:, 0]
    if ((cos * d - sin * c) ** 3).sum() > 0:
        cos, sin = -cos, -sin
    deg = float(np.degrees(np.arctan2(sin, cos)))
    return (180.0 if deg == -180.0 else deg), float(sums[0])


MAPS: dict[str, Any] = {
    "y": lambda y, x: y,
    "x": lambda y, x: x,
    "magnitude": magnitude,
    "direction": direction,
    "divergence": divergence,
    "curl": curl,
    "icom": integrated,
}
"""What `CenterOfMass` may give, by the names in its ``maps``."""


def corrected(spec: CenterOfMass, y: Map, x: Map) -> tuple[Map, Map]:
    """Centres of mass as they are in the frames, without the descan of `spec`, flipped and rotated as it says."""
    if spec.descan is not None:
        y, x = without_descan(y, x, spec.descan)
    return rotated(y, x, spec.rotation, spec.flip)


def maps_of(spec: CenterOfMass, y: Map, x: Map) -> dict[str, Map]:
    """The results of `spec`, by name, from centres of mass as they are in the frames."""
    with np.errstate(over="ignore", invalid="ignore"):  # a surface beyond all measure gives infinity
        y, x = corrected(spec, y, x)
        return {f"{spec.name}_{which}": MAPS[which](y, x) for which in spec.maps}
