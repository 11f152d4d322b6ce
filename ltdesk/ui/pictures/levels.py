"""Contrast: the values drawn darkest and brightest, not led astray by hot and dead pixels; and the histogram.

pyqtgraph's and most viewers' automatic levels are the extremes or percentiles of a sample: one hot pixel makes a
picture black, dead columns pass any percentile, and a sample misses the few pixels that hold anything at all
(pyqtgraph#1608). Here percentiles come from a sample, but what is bright over two by two pixels or more counts
however small it is, from all pixels; and what is narrower counts only as far as a few times that.
"""

from __future__ import annotations

from math import gcd
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.ui.pictures.display_scale import DisplayScale

SAMPLE = 1 << 16
TAIL, WIDE_TAIL = 0.001, 0.05
"""The part of the pixels at either end that may be outliers; and the part where one looks for what is wide."""
FEW = 256
"""A picture of fewer pixels has no percentiles to speak of: its extremes count."""
DEFECT_BLOCKS = 4
"""A defect of 3 by 3 pixels has four blocks of 2 by 2; a picture of `MANY` pixels may have one."""
MANY = 4096
NARROW = 8.0
"""What is one pixel wide (noise, atoms, but dead columns too) may reach this many times as far as what is wider."""
BINS = 128

Levels = tuple[float, float]
Bool2D = NDArray[np.bool_]


class Histogram(NamedTuple):
    """How often values occur, between two places on the display scale.

    edges : (bins + 1,) of the bins, on the scale (`DisplayScale.forward` of values)
    counts : (bins,) pixels, extrapolated where they were sampled
    colour : ``#rrggbb`` of a composite's layer, else empty
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.float64]
    colour: str = ""


def sample_of(values: NDArray[Any], shown: Bool2D | None) -> NDArray[Any]:
    """Up to about 65 000 of the pixels that are `shown`, spread over the whole picture, flat."""
    flat = values.reshape(-1)
    step = max(1, flat.size // SAMPLE)
    while step > 1 and gcd(step, values.shape[-1]) > 1:  # or the same columns would be met again and again
        step += 1
    return flat[::step] if shown is None else flat[::step][shown.reshape(-1)[::step]]


def auto_levels(values: NDArray[Any], shown: Bool2D | None, sample: NDArray[Any]) -> Levels:
    """Levels that show what is there: values ``(h, w)``, `shown` those that count, `sample` from `sample_of`."""
    marker = dead_marker(values.dtype)
    if marker is not None:
        sample = sample[sample != marker]
    if not sample.size:
        return _sparse_levels(values, shown, marker)
    low, low_end, middle, high_end, high = _percentiles(sample)
    if sample.size >= FEW:
        high_end = _supported(values, shown, marker, high_end, brightest=True)
        low_end = _supported(values, shown, None, low_end, brightest=False)
        high = _bounded(high, middle, high_end, sample)
        low = -_bounded(-low, -middle, -low_end, np.negative(sample, dtype=np.float64))
    return (low, high) if high > low else _sparse_levels(values, shown, marker)


def about_zero(levels: Levels) -> Levels:
    """Levels widened to lie evenly about zero."""
    reach = max(abs(levels[0]), abs(levels[1])) or 1.0
    return -reach, reach


def whole_turn(levels: Levels, unit: str) -> Levels:
    """The levels of an angle in `unit` (``rad``, ``°``, ``deg``): one turn; any other unit leaves them."""
    half = {"rad": float(np.pi), "°": 180.0, "deg": 180.0}.get(unit)
    if half is None:
        return levels
    return (0.0, 2 * half) if levels[0] >= 0 and levels[1] > half else (-half, half)


def dead_marker(dtype: np.dtype[Any]) -> Any:
    """The value that cameras write for a dead or saturated pixel: the largest that the dtype holds; floats: None.

    Left out of the contrast it does no harm where it is real: such a pixel is drawn brightest all the same.
    """
    return np.iinfo(dtype).max if dtype.kind in "iu" and 1 < dtype.itemsize <= 4 else None


def histogram(scale: DisplayScale, sample: NDArray[Any], levels: Levels, total: int) -> Histogram:
    """The histogram of `sample` on `scale`, about `levels` with room to drag them; `total` pixels in all."""
    edges = np.linspace(*_span(scale, sample, levels), BINS + 1)
    if not sample.size:
        return Histogram(edges, np.zeros(BINS))
    borders = scale.inverse(edges)
    if sample.dtype.kind in "iu":  # bins between whole numbers, so that there are no gaps
        borders = _between_whole_numbers(borders)
        edges = scale.forward(borders)
    if scale.name == "linear":
        places = np.floor((sample - edges[0]) * ((edges.size - 1) / (edges[-1] - edges[0]))).astype(np.intp)
    else:
        places = np.searchsorted(borders, sample.astype(np.float64), side="right") - 1
    inside = places[(places >= 0) & (places < edges.size - 1)]
    return Histogram(edges, np.bincount(inside, minlength=edges.size - 1) * (total / sample.size))


def _between_whole_numbers(borders: NDArray[np.float64]) -> NDArray[np.float64]:
    """About the same borders, halfway between whole numbers; on a linear scale evenly spaced."""
    steps = np.diff(borders)
    if np.allclose(steps, steps[0]):
        start, width = np.round(borders[0]) - 0.5, np.ceil(steps[0])
        count = int(np.ceil((np.ceil(borders[-1]) + 0.5 - start) / width))
        return np.asarray(start + width * np.arange(count + 1))
    return np.unique(np.append(np.floor(borders) - 0.5, np.ceil(borders[-1]) + 0.5))


def _span(scale: DisplayScale, sample: NDArray[Any], levels: Levels) -> Levels:
    low, high = scale.place(levels[0]), scale.place(levels[1])
    room = 0.15 * (high - low)
    start, stop = low - room, high + room
    if sample.size:  # no empty room beyond the data's own extremes
        first, last = scale.place(float(sample.min())), scale.place(float(sample.max()))
        start, stop = min(low, max(start, first)), max(high, min(stop, last))
    if stop <= start:
        return start - 0.5, stop + 0.5
    # So that the extremes themselves lie inside; bins of whole numbers reach half a number further anyway.
    rim = 1e-6 * (stop - start) if sample.dtype.kind == "f" else 0.0
    return start - rim, stop + rim


def _percentiles(sample: NDArray[Any]) -> tuple[float, ...]:
    """The levels by rank alone, the ends of the middle part, and the median: from dark to bright."""
    last = sample.size - 1
    out = int(np.ceil(TAIL * sample.size)) if sample.size >= FEW else 0
    end = int(WIDE_TAIL * sample.size)
    ranks = (out, end, last // 2, last - end, last - out)
    ordered = np.partition(sample, sorted(set(ranks)))
    return tuple(float(ordered[rank]) for rank in ranks)


def _bounded(percentile: float, middle: float, supported: float, sample: NDArray[Any]) -> float:
    """The upper level: what is wide counts in full, what is narrow up to `NARROW` times as far from the middle."""
    if supported <= middle:  # nothing is wide: half of what there is says how far the rest may reach
        above = sample[sample > middle]
        reach = float(np.median(above)) - middle if above.size else 0.0
    else:
        reach = supported - middle
    limit = middle + NARROW * reach
    if percentile > limit:
        percentile = float(sample[sample <= limit].max())
    return max(percentile, supported)


def _supported(values: NDArray[Any], shown: Bool2D | None, marker: Any, bound: float, *, brightest: bool) -> float:
    """The brightest value that fills two by two pixels, or `bound` where none does beyond it (darkest likewise)."""
    if min(values.shape) < 2:
        return bound
    worse, better = (np.minimum, np.maximum) if brightest else (np.maximum, np.minimum)
    values = _without(values, shown, marker, brightest)
    rows = worse(values[1:], values[:-1])
    blocks = worse(rows[:, 1:], rows[:, :-1])
    beyond = blocks[blocks > bound] if brightest else blocks[blocks < bound]
    beyond = beyond[np.isfinite(beyond)] if values.dtype.kind == "f" else beyond
    skip = DEFECT_BLOCKS if values.size >= MANY else 0
    if beyond.size <= skip:
        return bound
    rank = beyond.size - 1 - skip if brightest else skip
    return float(better(bound, np.partition(beyond, rank)[rank]))


def _without(values: NDArray[Any], shown: Bool2D | None, marker: Any, brightest: bool) -> NDArray[Any]:
    """`values` where they count, elsewhere what no extreme is made of."""
    counts = shown
    if marker is not None and values.max() == marker:
        counts = values != marker if shown is None else shown & (values != marker)
    if counts is None:
        return values
    if values.dtype.kind == "f":
        return np.where(counts, values, values.dtype.type(-np.inf if brightest else np.inf))
    limits = np.iinfo(values.dtype)
    return np.where(counts, values, values.dtype.type(limits.min if brightest else limits.max))


def _sparse_levels(values: NDArray[Any], shown: Bool2D | None, marker: Any) -> Levels:
    """Levels where (almost) all pixels have one value: the others decide, by their median, since one may be hot."""
    kept = values.reshape(-1) if shown is None else values[shown]
    if marker is not None and (kept != marker).any():
        kept = kept[kept != marker]
    if not kept.size:
        return 0.0, 1.0
    common = float(np.median(kept))
    above, below = kept[kept > common], kept[kept < common]
    if above.size:
        return common, float(np.median(above))
    if below.size:
        return float(np.median(below)), common
    return (0.0, 1.0) if common == 0 else (common - abs(common) / 2, common + abs(common) / 2)
