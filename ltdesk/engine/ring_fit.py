"""The ellipse on which a diffraction ring lies: centre, axes, direction; for profiles that distortions don't blur.

Only numpy, as for the direct beam. py4DSTEM's ``fit_ellipse_1D`` weighs every pixel between two radii by its counts,
so that what the ring stands on pulls at the fit; here the ring's radius is found in each direction first.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.bright_field import fit_direct_beam
from ltdesk.engine.pixels import picture_of
from ltdesk.errors import UsageError
from ltdesk.geometry import Ellipse, Float2D

SECTORS, RAYS = 72, 8
"""Directions in which the ring is looked for, each the mean over so many rays."""
STEP = 0.25
"""Pixels between samples along a ray."""
FEWEST_POINTS = 12
FAINT = 0.2
"""A direction in which the ring has less than this part of its usual contrast is left out: a gap, a beam stop."""
EDGE = 0.1
"""Of the way between the radii: what is found nearer to one of them is the slope of something else."""
ROUNDS = 12
SCATTER = 1 / 16
"""Of the way between the radii: places in noise are a quarter of it away from their mean, usually."""
NEAR = 0.75
"""Pixels within which a point counts as on the ellipse, at least; beyond it, 3 times the usual distance."""

Line = NDArray[np.float64]


def fit_ring(
    frame: NDArray[np.generic], r_in: float, r_out: float, cy: float | None = None, cx: float | None = None
) -> Ellipse:
    """The ellipse through the brightest places between two radii, its longer axis `rx` along `deg`, -90 < deg <= 90.

    Parameters
    ----------
    frame : (ky, kx) of any real dtype, best a mean over positions; NaN and infinity count as 0
    r_in, r_out : pixels; one ring and no other lies between them in every direction
    cy, cx : about where they are measured from, by default the centre of the direct beam

    Raises UsageError where there is no ring, or not in enough directions.
    """
    if not 0 <= r_in < r_out:
        raise UsageError(f"a ring between {r_in:g} and {r_out:g} pixels makes no sense", "Give 0 <= r_in < r_out.")
    frame = picture_of(frame)
    if cy is None or cx is None:
        beam = fit_direct_beam(frame)
        cy, cx = beam.cy, beam.cx
    values = np.where(np.isfinite(frame), frame, 0).astype(np.float64)
    points = _ridge(values, r_in, r_out, cy, cx)
    ellipse = _ellipse_through(points - (cy, cx), SCATTER * (r_out - r_in))
    if ellipse is None:
        raise UsageError(
            f"there is no ring between {r_in:g} and {r_out:g} pixels", "Give radii just inside and outside."
        )
    return ellipse.model_copy(update={"cy": ellipse.cy + cy, "cx": ellipse.cx + cx})


def _ridge(values: Float2D, r_in: float, r_out: float, cy: float, cx: float) -> Float2D:
    """Where the ring is brightest in each direction, ``(points, 2)``, for directions in which it is seen."""
    radii = np.arange(r_in, r_out + STEP / 2, STEP)
    angles = (np.arange(SECTORS * RAYS) + 0.5) * 2 * math.pi / (SECTORS * RAYS)
    rays = _sampled(values, cy + np.outer(np.sin(angles), radii), cx + np.outer(np.cos(angles), radii))
    profiles = rays.reshape(SECTORS, RAYS, -1).mean(axis=1)  # NaN where one of the rays leaves the frame
    middle = angles.reshape(SECTORS, RAYS).mean(axis=1)
    found = [
        (radius, contrast, angle) for angle, p in zip(middle, profiles, strict=True) for radius, contrast in _peak(p)
    ]
    if not found:
        return np.zeros((0, 2))
    place, contrast, angle = np.array(found).T
    seen = contrast > FAINT * np.median(contrast)
    radius, angle = r_in + place[seen] * STEP, angle[seen]
    return np.stack((cy + radius * np.sin(angle), cx + radius * np.cos(angle)), axis=1)


def _peak(profile: Line) -> list[tuple[float, float]]:
    """The middle of what is above half of the highest place of a profile, and its height above the slope that it stands
    on; none at either end."""
    if not np.isfinite(profile).all():
        return []
    raised = profile - _slope(profile, int(np.argmax(profile - np.linspace(profile[0], profile[-1], profile.size))))
    top = int(np.argmax(raised))
    above = raised - raised[top] / 2
    outside = np.flatnonzero(above <= 0)
    before, after = outside[outside < top], outside[outside > top]
    if not raised[top] > 0 or not before.size or not after.size:
        return []
    part = slice(int(before[-1]) + 1, int(after[0]))
    weights = above[part]
    return [(float(weights @ np.arange(part.start, part.stop) / weights.sum()), float(raised[top]))]


def _slope(profile: Line, top: int) -> Line:
    """The line through the lowest places on either side of one."""
    left, right = int(np.argmin(profile[: top + 1])), top + int(np.argmin(profile[top:]))
    if left == right:
        return np.full(profile.size, profile[top])
    rise = (profile[right] - profile[left]) / (right - left)
    return np.asarray(profile[left] + rise * (np.arange(profile.size) - left))


def _sampled(values: Float2D, ys: Float2D, xs: Float2D) -> Float2D:
    """Between pixels, by their four neighbours; NaN outside."""
    ky, kx = values.shape
    inside = (ys >= 0) & (ys <= ky - 1) & (xs >= 0) & (xs <= kx - 1)
    y, x = np.where(inside, ys, 0.0), np.where(inside, xs, 0.0)
    y0, x0 = np.minimum(y.astype(int), max(ky - 2, 0)), np.minimum(x.astype(int), max(kx - 2, 0))
    y1, x1 = np.minimum(y0 + 1, ky - 1), np.minimum(x0 + 1, kx - 1)
    fy, fx = y - y0, x - x0
    upper = values[y0, x0] * (1 - fx) + values[y0, x1] * fx
    lower = values[y1, x0] * (1 - fx) + values[y1, x1] * fx
    return np.where(inside, upper * (1 - fy) + lower * fy, np.nan)


def _ellipse_through(points: Float2D, most: float) -> Ellipse | None:
    """An ellipse through points about (0, 0) but those off it; None where too few lie on one, or half of them more than
    `most` pixels away."""
    kept = points
    ellipse: Ellipse | None = None
    for _ in range(ROUNDS):
        ellipse = _conic(kept) if len(kept) >= FEWEST_POINTS else None
        if ellipse is None:
            return None
        off = _distances(points, ellipse)
        near = points[off <= max(NEAR, 3.0 * float(np.median(off)))]
        if len(near) == len(kept):
            break
        kept = near
    if ellipse is None or len(kept) < len(points) // 2 or float(np.median(_distances(points, ellipse))) > most:
        return None
    return ellipse


def _conic(points: Float2D) -> Ellipse | None:
    """``a y² + b y x + c x² + d y + e x = 1`` in the least-squares sense; None where it is no ellipse."""
    scale = float(np.abs(points).max())
    y, x = points.T / scale
    (a, b, c, d, e), *_ = np.linalg.lstsq(np.column_stack((y * y, y * x, x * x, y, x)), np.ones(len(y)), rcond=None)
    form = np.array([[a, b / 2], [b / 2, c]])
    if not 4 * a * c > b * b:
        return None
    centre = -np.linalg.solve(form, (d, e)) / 2
    squares, axes = np.linalg.eigh(form / (1 + centre @ form @ centre))
    if not squares[0] > 0:
        return None
    along, across = scale / np.sqrt(squares)  # the smallest square belongs to the longest axis
    deg = math.degrees(math.atan2(axes[0, 0], axes[1, 0]))
    turned = deg + 180.0 if deg <= -90.0 else deg - 180.0 if deg > 90.0 else deg
    return Ellipse(cy=centre[0] * scale, cx=centre[1] * scale, ry=across, rx=along, deg=turned)


def _distances(points: Float2D, ellipse: Ellipse) -> Line:
    """About how far points are off an ellipse, in pixels."""
    y, x = points[:, 0] - ellipse.cy, points[:, 1] - ellipse.cx
    cos, sin = math.cos(math.radians(ellipse.deg)), math.sin(math.radians(ellipse.deg))
    reach = np.hypot((y * cos - x * sin) / ellipse.ry, (x * cos + y * sin) / ellipse.rx)
    return np.asarray(np.abs(reach - 1) * np.hypot(y, x))
