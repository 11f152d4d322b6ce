"""Contrast: the values drawn darkest and brightest, not led astray by hot and dead pixels; and the histogram.

pyqtgraph's and most viewers' automatic levels are the extremes or percentiles of a sample: one hot pixel makes a
picture black, dead columns pass any percentile, and a sample misses the few pixels that hold anything at all
(pyqtgraph#1608). Here percentiles come from a sample, but what is bright over two by two pixels or more always
counts, and so does what stands alone on an empty ground, both from all pixels.
"""

from __future__ import annotations

from math import gcd
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.ui.display_scale import DisplayScale

SAMPLE = 1 << 17
TAIL = 0.001
"""The part of the pixels at either end that may be outliers."""
FEW = 256
"""A picture of fewer pixels has no percentiles to speak of: its extremes count."""
DEFECT_BLOCKS = 4
"""A defect of 3 by 3 pixels has four blocks of 2 by 2; a picture of `MANY` pixels may have one."""
MANY = 4096
BINS = 128

Levels = tuple[float, float]
Bool2D = NDArray[np.bool_]


class Histogram(NamedTuple):
    """How often values occur, between two places on the display scale.

    start, stop : ends of the bins, on the scale (`DisplayScale.forward` of values)
    counts : (bins,) pixels, extrapolated where they were sampled
    colour : ``#rrggbb`` of a composite's layer, else empty
    """

    start: float
    stop: float
    counts: NDArray[np.float64]
    colour: str = ""


def sample_of(values: NDArray[Any], shown: Bool2D | None) -> NDArray[Any]:
    """Up to about 131 000 of the pixels that are `shown`, spread over the whole picture, flat."""
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
    low, high = _percentiles(sample)
    if sample.size >= FEW:
        high = max(high, _supported(values, shown, marker, high, brightest=True))
        low = min(low, _supported(values, shown, None, low, brightest=False))
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
    start, stop = _span(scale, sample, levels)
    if not sample.size:
        return Histogram(start, stop, np.zeros(BINS))
    bins = BINS
    if scale.name == "linear" and sample.dtype.kind in "iu":  # no gaps between whole numbers
        start, stop = np.floor(start) - 0.5, np.ceil(stop) + 0.5
        width = np.ceil((stop - start) / BINS)
        bins = max(1, int(np.ceil((stop - start) / width)))
        stop = start + bins * width
    places = scale.forward(sample.astype(np.float64))
    index = np.floor((places - start) * (bins / (stop - start)))
    inside = index[(index >= 0) & (index < bins)].astype(np.intp)
    return Histogram(start, stop, np.bincount(inside, minlength=bins) * (total / sample.size))


def _span(scale: DisplayScale, sample: NDArray[Any], levels: Levels) -> Levels:
    low, high = scale.place(levels[0]), scale.place(levels[1])
    room = 0.15 * (high - low)
    start, stop = low - room, high + room
    if sample.size:  # no empty room beyond the data's own extremes
        first, last = scale.place(float(sample.min())), scale.place(float(sample.max()))
        start, stop = min(low, max(start, first)), max(high, min(stop, last))
    return (start, stop) if stop > start else (start - 0.5, stop + 0.5)


def _percentiles(sample: NDArray[Any]) -> Levels:
    out = int(np.ceil(TAIL * sample.size)) if sample.size >= FEW else 0
    ranks = (out, sample.size - 1 - out)
    ordered = np.partition(sample, ranks)
    return float(ordered[ranks[0]]), float(ordered[ranks[1]])


def _supported(
    values: NDArray[Any], shown: Bool2D | None, marker: Any, bound: float, *, brightest: bool
) -> float:
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
