"""Where the direct beam is in a frame: the centre and radius of the bright-field disk.

Only numpy: scipy and scikit-image have labels and circle fits, but neither is a dependency, and the few lines
that are needed here are quicker than importing them.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.pixels import picture_of
from ltdesk.geometry import Bool2D, Disk, Float2D

LARGEST_SIDE = 256
"""Larger frames are binned first: the fit stays well below a pixel of the binned frame."""
ANGLES = 72
FEWEST_POINTS = 12
SMALLEST_RADIUS = 1.0
ROUND = 1.04
"""A square has 1.047, a half disk 1.28 times the spread of a disk of the same area."""


def fit_direct_beam(frame: NDArray[np.generic]) -> Disk:
    """The disk that the direct beam fills, in camera pixels.

    Parameters
    ----------
    frame : (ky, kx) of any real dtype, best a mean over positions. Hot pixels, NaN, a beam stop over less
        than half of the edge, structure inside the disk and weaker diffracted disks do no harm.

    Returns
    -------
    disk : centre and radius. Where nothing stands out (all zeros, all NaN): an eighth of the frame, centred.

    Raises UsageError where it is no frame.
    """
    return find_direct_beam(frame) or middle_disk(*np.shape(frame))


def find_direct_beam(frame: NDArray[np.generic]) -> Disk | None:
    """The same, but None where nothing stands out."""
    values, step = _binned(picture_of(frame))
    values = _without_hot_pixels(values)
    inside = _beam(values)
    if inside is None:
        return None
    cy, cx, radius = _circle(inside)
    shift = (step - 1) / 2
    return Disk(
        cy=round(cy * step + shift, 2),
        cx=round(cx * step + shift, 2),
        r=round(max(radius * step, SMALLEST_RADIUS), 2),
    )


def middle_disk(ky: int, kx: int) -> Disk:
    """What stands in for a direct beam that was not found."""
    return Disk(cy=(ky - 1) / 2, cx=(kx - 1) / 2, r=max(min(ky, kx) / 8, SMALLEST_RADIUS))


def _binned(frame: NDArray[np.generic]) -> tuple[Float2D, int]:
    """The frame as float64, not finite as 0, binned to at most `LARGEST_SIDE`; and the pixels to a bin."""
    values = np.where(np.isfinite(frame), frame, 0).astype(np.float64)
    step = -(-max(values.shape) // LARGEST_SIDE)
    if step == 1:
        return values, 1
    ky, kx = (side // step for side in values.shape)
    if not ky or not kx:
        return values, 1
    return values[: ky * step, : kx * step].reshape(ky, step, kx, step).mean(axis=(1, 3)), step


def _without_hot_pixels(values: Float2D) -> Float2D:
    """No pixel above the second highest of its neighbours: two hot ones vanish, a spot of three stays."""
    padded = np.pad(values, 1, mode="edge")
    ky, kx = values.shape
    around = [padded[dy : dy + ky, dx : dx + kx] for dy in range(3) for dx in range(3) if (dy, dx) != (1, 1)]
    highest, second = np.maximum(around[0], around[1]), np.minimum(around[0], around[1])
    for other in around[2:]:
        second = np.maximum(second, np.minimum(highest, other))
        highest = np.maximum(highest, other)
    return np.minimum(values, second)


def _beam(values: Float2D) -> Bool2D | None:
    """The connected pixels above half of the beam's own level, or None where no beam stands out."""
    seed = _brightest_place(values)
    background = float(np.median(values))
    level = float(values[seed])
    inside = None
    for _ in range(8):
        if not level > background:
            return inside
        grown = _connected(values >= background + (level - background) / 2, seed)
        if inside is not None and (grown == inside).all():
            break
        inside = grown
        level = float(np.median(values[inside]))
    return inside


def _brightest_place(values: Float2D) -> tuple[int, int]:
    """The brightest pixel within the window of a sixteenth of the frame that holds the most intensity."""
    half = max(1, min(values.shape) // 32)
    sums = np.pad(np.cumsum(np.cumsum(np.pad(values, half), 0), 1), ((1, 0), (1, 0)))
    size = 2 * half + 1
    boxes = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    y, x = np.unravel_index(int(np.argmax(boxes)), boxes.shape)
    y0, x0 = max(int(y) - half, 0), max(int(x) - half, 0)
    window = values[y0 : int(y) + half + 1, x0 : int(x) + half + 1]
    dy, dx = np.unravel_index(int(np.argmax(window)), window.shape)
    return y0 + int(dy), x0 + int(dx)


def _connected(mask: Bool2D, seed: tuple[int, int]) -> Bool2D:
    """The pixels of `mask` that touch one another, from `seed` on (four neighbours)."""
    reached = np.zeros_like(mask)
    reached[seed] = True
    count = 0
    while count != (count := int(reached.sum())):
        for _ in range(4):
            grown = reached.copy()
            grown[1:] |= reached[:-1]
            grown[:-1] |= reached[1:]
            grown[:, 1:] |= reached[:, :-1]
            grown[:, :-1] |= reached[:, 1:]
            reached = grown & mask
            reached[seed] = True
    return reached


def _circle(inside: Bool2D) -> tuple[float, float, float]:
    """Centre and radius: centroid and area of a whole disk, else a circle through the outline."""
    ys, xs = np.nonzero(inside)
    cy, cx, radius = float(ys.mean()), float(xs.mean()), math.sqrt(len(ys) / math.pi)
    fitted = None if _fills_a_disk(ys, xs, inside.shape) else _trimmed_fit(_outline(inside, cy, cx))
    if fitted is None or not 0.7 < fitted[2] / radius < 3.0:
        return cy, cx, radius
    return fitted


def _fills_a_disk(ys: NDArray[np.intp], xs: NDArray[np.intp], size: tuple[int, int]) -> bool:
    """No pixel at the frame's edge, and the mean squared distance from the centre of a disk of this area."""
    if 0 in (ys.min(), xs.min()) or ys.max() == size[0] - 1 or xs.max() == size[1] - 1:
        return False
    return float(ys.var() + xs.var()) < ROUND * len(ys) / (2 * math.pi)


def _outline(inside: Bool2D, cy: float, cx: float) -> Float2D:
    """The farthest pixel in each direction from the centre, (n, 2), as places on the edge between in and out.

    Where the disk leaves the frame there is no edge.
    """
    ys, xs = np.nonzero(inside)
    angle = np.arctan2(ys - cy, xs - cx)
    distance = np.hypot(ys - cy, xs - cx)
    sector = np.floor((angle + math.pi) / (2 * math.pi) * ANGLES).astype(int) % ANGLES
    order = np.lexsort((distance, sector))
    last = order[np.flatnonzero(np.diff(sector[order], append=ANGLES))]
    ky, kx = inside.shape
    free = (ys[last] > 0) & (ys[last] < ky - 1) & (xs[last] > 0) & (xs[last] < kx - 1)
    last = last[free & (distance[last] > 0)]
    reach = (distance[last] + 0.25) / distance[last]
    return np.stack([cy + (ys[last] - cy) * reach, cx + (xs[last] - cx) * reach], axis=1)


def _trimmed_fit(points: Float2D) -> tuple[float, float, float] | None:
    """A circle (Kåsa's least squares) through the points but those off it; None where too few lie on one."""
    kept = points
    if len(points) < FEWEST_POINTS:
        return None
    for _ in range(6):
        cy, cx, radius = _kasa(kept)
        off = np.abs(np.hypot(points[:, 0] - cy, points[:, 1] - cx) - radius)
        near = points[off <= max(1.0, 2.0 * float(np.median(off)))]
        if len(near) == len(kept):
            break
        kept = near
    return (cy, cx, radius) if len(kept) >= max(FEWEST_POINTS, len(points) // 2) else None


def _kasa(points: Float2D) -> tuple[float, float, float]:
    """``y² + x² = 2 cy y + 2 cx x + c`` in the least-squares sense."""
    columns = np.column_stack([2 * points, np.ones(len(points))])
    (cy, cx, c), *_ = np.linalg.lstsq(columns, (points**2).sum(axis=1), rcond=None)
    return float(cy), float(cx), math.sqrt(max(float(c + cy * cy + cx * cx), 0.0))
