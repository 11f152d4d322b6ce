"""What a case must give on a whole scan, by numpy in float64, and its description for peers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import Analysis, CenterOfMass, VirtualDetector
from ltdesk.engine.bench import Case
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import LtdeskError
from ltdesk.geometry import Disk, Ring, Size2D
from ltdesk.polar import RadialProfile

Arrays = Mapping[str, NDArray[Any]]
_FRAMES = 512
"""How many are converted to float64 at a time."""


def described(case: Case, frame_shape: Size2D) -> tuple[dict[str, Any], NDArray[np.float64] | None]:
    """A case as JSON for a peer, without "masks", and its masks ``(n, ky, kx)``, None where it has none."""
    analyses, masks = list[dict[str, Any]](), list[NDArray[np.float64]]()
    for spec in case.analyses:
        one: dict[str, Any] = {"kind": spec.kind, "name": spec.name}
        if isinstance(spec, VirtualDetector):
            one |= {"mask": len(masks), "ring": _as_ring(spec)}
            masks.append(_weights(spec, frame_shape))
        elif isinstance(spec, CenterOfMass):
            one |= dict(zip(("cy", "cx"), spec.centre(frame_shape), strict=True))
        elif isinstance(spec, RadialProfile):
            one |= dict(zip(("cy", "cx"), spec.centre(frame_shape), strict=True)) | {"nbins": spec.bins(frame_shape)}
        analyses.append(one)
    return {"name": case.name, "analyses": analyses}, np.stack(masks) if masks else None


def expected(dataset: Dataset, todo: Iterable[Case]) -> dict[str, Arrays]:
    """The results of each case by their names. Raises LtdeskError for an analysis that isn't computed here."""
    specs = {spec.name: spec for case in todo for spec in case.analyses}
    columns = {name: weights for spec in specs.values() for name, weights in _columns(spec, dataset).items()}
    flat = np.stack([np.ones(_pixels(dataset)), *columns.values()], axis=1)
    folds = _Folds(_pixels(dataset))
    linear = np.concatenate([folds.take(block) @ flat for block in _blocks(dataset)])
    total, *others = np.moveaxis(linear.reshape(*dataset.scan_shape, -1), -1, 0)
    sums = {"sum_signal": total, **dict(zip(columns, others, strict=True))}
    return {
        case.name: {
            name: result
            for spec in case.analyses
            for name, result in _results(spec, sums, folds, dataset.frame_shape).items()
        }
        for case in todo
    }


def difference(found: Arrays, wanted: Arrays) -> float:
    """The largest one, in parts of the largest value; infinite where something is missing or has another shape."""
    worst = 0.0
    for name, right in wanted.items():
        if name not in found or found[name].shape != right.shape:
            return np.inf
        known = np.isfinite(right)
        apart, largest = np.abs(found[name] - right)[known].max(), np.abs(right[known]).max()
        if not np.isfinite(apart):
            return np.inf
        worst = max(worst, float(apart / (largest or 1.0)))
    return worst


def _pixels(dataset: Dataset) -> int:
    """Pixels of a frame."""
    return dataset.frame_shape[0] * dataset.frame_shape[1]


class _Folds:
    """Sums over the scan that numpy gathers on the way."""

    def __init__(self, pixels: int) -> None:
        self.frames, self.total, self.squares = 0, np.zeros(pixels), np.zeros(pixels)
        self.highest = np.full(pixels, -np.inf)

    def take(self, block: NDArray[Any]) -> NDArray[np.float64]:
        wide = block.astype(np.float64)
        self.frames += len(wide)
        self.total += wide.sum(axis=0)
        self.squares += np.einsum("np,np->p", wide, wide)
        np.maximum(self.highest, block.max(axis=0), out=self.highest)
        return wide


def _blocks(dataset: Dataset) -> Iterable[NDArray[Any]]:
    """Frames in the scan's order, one row of the matrix each."""
    sy, sx = dataset.scan_shape
    places = [divmod(number, sx) for number in range(sy * sx)]
    for start in range(0, len(places), _FRAMES):
        frames = [dataset.frame(y, x) for y, x in places[start : start + _FRAMES]]
        yield np.stack(frames).reshape(len(frames), -1)


def _columns(spec: Analysis, dataset: Dataset) -> dict[str, NDArray[np.float64]]:
    """The weights of the sums over a frame that an analysis needs, besides that of 1."""
    y, x = np.indices(dataset.frame_shape).reshape(2, -1)
    if isinstance(spec, VirtualDetector):
        return {spec.name: _weights(spec, dataset.frame_shape).ravel()}
    if isinstance(spec, CenterOfMass):
        cy, cx = spec.centre(dataset.frame_shape)
        return {f"{spec.name}_y": (y - cy).astype(np.float64), f"{spec.name}_x": (x - cx).astype(np.float64)}
    if isinstance(spec, RadialProfile):
        cy, cx = spec.centre(dataset.frame_shape)
        distance, bins = np.hypot(y - cy, x - cx), range(spec.bins(dataset.frame_shape))
        return {f"{spec.name} {k}": ((k - 0.5 <= distance) & (distance < k + 0.5)).astype(float) for k in bins}
    return {}


def _results(spec: Analysis, sums: Arrays, folds: _Folds, frame_shape: Size2D) -> dict[str, NDArray[Any]]:
    if isinstance(spec, VirtualDetector):
        return {spec.name: sums[spec.name]}
    if isinstance(spec, CenterOfMass):
        with np.errstate(invalid="ignore", divide="ignore"):
            return {name: sums[name] / sums["sum_signal"] for name in (f"{spec.name}_y", f"{spec.name}_x")}
    if isinstance(spec, RadialProfile):
        y, x = np.indices(frame_shape)
        cy, cx = spec.centre(frame_shape)
        bins = spec.bins(frame_shape)
        sizes: NDArray[Any] = np.bincount((np.hypot(y - cy, x - cx) + 0.5).astype(int).ravel(), minlength=bins)[:bins]
        with np.errstate(invalid="ignore"):  # where a bin has no pixel
            return {spec.name: np.stack([sums[f"{spec.name} {k}"] / sizes[k] for k in range(bins)], axis=-1)}
    if spec.kind == "sum_signal":
        return {spec.name: sums["sum_signal"]}
    mean = folds.total / folds.frames
    by_kind = {
        "sum_frame": folds.total,
        "max_frame": folds.highest,
        "std_frame": np.sqrt(np.maximum(folds.squares / folds.frames - mean * mean, 0)),
    }
    if spec.kind not in by_kind:
        raise LtdeskError(f"{spec.name}: is not known to the comparison with peers", "This is a bug.")
    return {spec.name: by_kind[spec.kind].reshape(frame_shape)}


def _weights(spec: VirtualDetector, frame_shape: Size2D) -> NDArray[np.float64]:
    weights = spec.shape.weights(frame_shape)
    mask = spec.shape.mask(frame_shape).astype(np.float64)
    return spec.weight * (mask if weights is None else np.where(mask, weights, 0.0))


def _as_ring(spec: VirtualDetector) -> list[float] | None:
    shape = spec.shape
    if isinstance(shape, Ring):
        return [shape.cy, shape.cx, shape.r_in, shape.r_out]
    return [shape.cy, shape.cx, 0.0, shape.r] if isinstance(shape, Disk) else None
