"""Results with a value a bin at each position (radial profile, rings, orders): the bins, and curves of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import Analysis
from ltdesk.engine.dataset import Calibration
from ltdesk.geometry import Size2D
from ltdesk.polar import AnnularSeries, RadialFourier, RadialProfile
from ltdesk.ui.analyses.kinds import kind_of_result
from ltdesk.ui.analyses.results import arrays_of
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.pictures.readout import short_text

Curve = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Bins:
    """What a profile is over.

    Attributes
    ----------
    places : (n,) where each bin is, in `unit`
    edges : (n + 1,) where one bin ends and the next begins; None: bins are points
    quantity, unit : of the places
    value, value_unit : of what is in the bins
    noun : what one bin is called
    words : of each bin, more than its place
    """

    places: Curve
    edges: Curve | None
    quantity: str
    unit: str
    value: str
    value_unit: str
    noun: str
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Means:
    """Means of a profile over positions, NaN where nothing is known: ``(n,)`` each.

    scan : over all valid positions; region : over those in the region, None where there is no region
    positions : how many took part, in the scan and in the region
    """

    scan: Curve
    region: Curve | None
    positions: tuple[int, int]


def bins_of(analysis: Analysis, frame_shape: Size2D, dtype: Any, calibration: Calibration) -> Bins | None:
    """The bins of an analysis whose results have some; None for others."""
    if kind_of_result(analysis) != "profile":
        return None
    if isinstance(analysis, RadialFourier):
        orders = plain_orders(analysis)
        words = tuple(f"order {n}" for n in orders)
        return Bins(np.array(orders, float), None, "order", "", "strength", "", "order", words)
    pixel = calibration.frame_pixel or 1.0
    unit = calibration.frame_unit if calibration.frame_pixel else "px"
    if isinstance(analysis, AnnularSeries):
        radii = np.array(analysis.edges(frame_shape))
        words = tuple(f"ring {i}: {short_text(a)} to {short_text(b)} px" for i, (a, b) in enumerate(pairwise(radii)))
        middles = (radii[:-1] + radii[1:]) / 2
        return Bins(middles * pixel, radii * pixel, "distance", unit, "sum", "counts", "ring", words)
    if isinstance(analysis, RadialProfile):
        distances = np.arange(analysis.bins(frame_shape), dtype=float)
        words = tuple(f"distance {k:.0f} px" for k in distances)
        return Bins(distances * pixel, None, "distance", unit, "mean", "counts", "distance", words)
    spec = analysis.results(frame_shape, dtype)[0]
    count = int(np.prod(spec.extra))
    numbers = np.arange(count, dtype=float)
    words = tuple(f"bin {k}" for k in range(count))
    return Bins(numbers, None, "bin", "", spec.name, spec.unit, "bin", words)


def plain_orders(analysis: RadialFourier) -> tuple[int, ...]:
    """The orders that have a strength: 0 is the ring's sum."""
    return tuple(n for n in analysis.orders if n)


def curves_of(answer: Answer, analysis: Analysis) -> tuple[NDArray[Any], ...]:
    """What profiles are taken from: arrays ``(sy, sx, n)``, or one ``(sy, sx, 1)`` a bin; none where the answer is of
    another analysis. Nothing is copied.
    """
    arrays = arrays_of(answer, analysis)
    if not arrays:
        return ()
    if isinstance(analysis, RadialFourier):
        return tuple(arrays[f"{analysis.name}_{n}"][..., None] for n in plain_orders(analysis))
    first = next(iter(arrays.values()))
    return (first.reshape(*first.shape[:2], -1),) if first.ndim > 2 else ()


def curve_at(curves: tuple[NDArray[Any], ...], y: int, x: int) -> NDArray[Any]:
    """The profile ``(n,)`` of one position."""
    return np.concatenate([array[y, x] for array in curves])


def means_of(curves: tuple[NDArray[Any], ...], valid: NDArray[np.bool_], region: NDArray[np.bool_] | None) -> Means:
    """The means over the scan and over the region ``(sy, sx) bool``. Not for the GUI thread."""
    inside = None if region is None else valid & region
    scan = mean_curve(curves, valid)
    own = None if inside is None else mean_curve(curves, inside)
    return Means(scan, own, (int(valid.sum()), 0 if inside is None else int(inside.sum())))


def mean_curve(curves: tuple[NDArray[Any], ...], where: NDArray[np.bool_]) -> Curve:
    """The mean profile of the positions `where`; NaN takes no part, and is the mean of nothing.

    Row by row of the scan: a large stack is not copied.
    """
    size = sum(array.shape[-1] for array in curves)
    sums, counts = np.zeros(size), np.zeros(size, dtype=np.int64)
    for row in np.flatnonzero(where.any(axis=1)):
        values = np.concatenate([array[row][where[row]] for array in curves], axis=-1).astype(np.float64, copy=False)
        known = np.isfinite(values)
        counts += known.sum(axis=0)
        sums += np.where(known, values, 0.0).sum(axis=0)
    return np.divide(sums, counts, out=np.full(size, np.nan), where=counts > 0)


def slice_shown(analysis: Analysis, shown: str, index: int) -> int:
    """Which slice the image shown is."""
    if not isinstance(analysis, RadialFourier):
        return index
    order = shown.removeprefix(f"{analysis.name}_").removesuffix("_phase")
    orders = [str(n) for n in plain_orders(analysis)]
    return orders.index(order) if order in orders else 0


def showing_slice(analysis: Analysis, shown: str, index: int) -> dict[str, Any]:
    """The fields of a session that shows slice `index`: of a symmetry, strength or phase as before."""
    if not isinstance(analysis, RadialFourier):
        return {"shown": analysis.name, "shown_slice": index}
    phase = "_phase" if shown.endswith("_phase") else ""
    return {"shown": f"{analysis.name}_{plain_orders(analysis)[index]}{phase}"}
