"""`PreviewCube`: a scan in bins of camera pixels, and the images that it gives at once."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.partial import Partial
from ltdesk.engine.preview.binned import BLOCK, SAMPLE, BinnedFrames
from ltdesk.engine.preview.bins import Bins, block_dtype, shares, typical_frame
from ltdesk.geometry import Float2D

NARROW = np.iinfo(np.uint16).max
SHARE_KEPT = 8
"""The last sums are kept where they take at most this part of the bins' memory."""
CHANGED = 2
"""The changes alone are weighed where this many times them are still fewer than all: they are no counts."""


class _Weighed(NamedTuple):
    """Weights ``(k, bins)`` and their sums ``(k, positions)``."""

    weights: NDArray[np.float64]
    sums: NDArray[np.float64]


class PreviewCube:
    """The sums in each bin at each scan position, as far as partitions of a pass have come in.

    Any thread may add partials while another one weighs. What the sums are kept in cannot overflow: 16 bits as long
    as all of them fit, else what `block_dtype` says.

    bins : which pixels go together
    plan : the dataset's partitions
    """

    def __init__(self, dataset: Dataset, bins: Bins) -> None:
        self.bins, self.plan, self.scan_shape = bins, dataset.plan(), dataset.scan_shape
        self._counts = dataset.dtype.kind in "uib"
        self._dtype = block_dtype(dataset.dtype, bins.factor)
        self._starts = np.cumsum([0, *(partition.size for partition in self.plan)])
        self._store: NDArray[Any] = np.empty(0, np.uint16 if self._counts else self._dtype)
        self._present = np.zeros(len(self.plan), dtype=np.bool_)
        self._valid = np.zeros(self.scan_shape, dtype=np.bool_)
        self._sample = np.zeros(bins.frame_shape)
        self._typical: tuple[Float2D, NDArray[np.float64]] | None = None
        self._weighed: dict[int, _Weighed] = {}
        self._lock = threading.Lock()

    @property
    def analysis(self) -> BinnedFrames:
        """What a job computes beside its own for this cube."""
        return BinnedFrames(factor=self.bins.factor)

    @property
    def done(self) -> int:
        """Partitions that are in."""
        return int(np.count_nonzero(self._present))

    @property
    def complete(self) -> bool:
        return bool(self._present.all())

    @property
    def nbytes(self) -> int:
        """Bytes of the sums that are in."""
        sizes = np.diff(self._starts)[self._present]
        return int(sizes.sum()) * self.bins.count * self._store.itemsize

    def has(self, index: int) -> bool:
        """Is partition `index` in?"""
        return bool(self._present[index])

    def take(self, partial: Partial) -> bool:
        """Take the blocks out of a partial; False where the cube had them."""
        block = partial.buffers.pop(BLOCK, None)
        sample = partial.buffers.pop(SAMPLE, None)
        if block is None or sample is None:
            return False
        return self.put(partial.index, block, partial.valid, sample.reshape(self.bins.frame_shape))

    def put(self, index: int, block: NDArray[Any], valid: NDArray[np.bool_], sample: Float2D) -> bool:
        """Take partition `index`: its ``block (bins, positions)``, which positions are there, and a sum of frames."""
        narrow = self._counts and fits(block)
        with self._lock:
            if self._present[index]:
                return False
            self._make_room(narrow)
            np.copyto(self._part(self._store, index), block, casting="unsafe")
            self._valid[self.plan[index].slices] = valid.reshape(self.plan[index].shape)
            self._sample += sample
            self._typical = None
            self._weighed = {}
            self._present[index] = True
            return True

    def part(self, index: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """What `put` took of a partition that is in: ``(bins, positions)`` and ``(positions)``; not to be changed."""
        with self._lock:
            return self._part(self._store, index), self._valid[self.plan[index].slices].ravel()

    @property
    def sample(self) -> Float2D:
        """The sum of some frames of the partitions that are in, ``(ky, kx)``, a copy."""
        with self._lock:
            return self._sample.copy()

    def valid(self) -> NDArray[np.bool_]:
        """Positions ``(sy, sx)`` that are in, a copy."""
        with self._lock:
            return self._valid.copy()

    def shares(self, weights: Float2D) -> NDArray[np.float64]:
        """What to weigh each bin with ``(bins,)`` for a mask of ``weights (ky, kx)``, by what a frame is like."""
        return shares(weights, self._typical_frame()[0], self.bins)

    def shares_of_mask(self, mask: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """`shares` of a 0/1 ``mask (ky, kx)``, and which bins it cuts through ``(bins,)``."""
        from ltdesk.engine.kernels.under_masks import under_mask

        typical, sums = self._typical_frame()
        under, whole = under_mask(mask, typical, self.bins.factor), self.bins.sizes
        cut = (under.pixels > 0) & (under.pixels < whole)
        return np.where(cut, np.minimum(under.values / sums, 1.0), under.pixels == whole), cut

    def moments_of_mask(
        self, mask: NDArray[np.bool_], origin: tuple[float, float]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The share ``(3, bins)`` of each bin that is inside a mask, and that times the mean distance along y, and
        along x, of what is inside from an origin; and which bins are cut through ``(bins,)``."""
        from ltdesk.engine.kernels.under_masks import under_mask

        under, whole = under_mask(mask, self._typical_frame()[0], self.bins.factor), self.bins.sizes
        moments = [under.pixels, under.y - origin[0] * under.pixels, under.x - origin[1] * under.pixels]
        return np.stack(moments) / whole, (under.pixels > 0) & (under.pixels < whole)

    def _typical_frame(self) -> tuple[Float2D, NDArray[np.float64]]:
        """What a frame is like ``(ky, kx)``, and its sum in each bin ``(bins,)``."""
        with self._lock:
            if self._typical is None:
                frame = typical_frame(self._sample, self._counts, self.bins)
                self._typical = frame, self.bins.sums(frame)
            return self._typical

    def weigh(
        self, weights: NDArray[np.float64], cut: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Images ``(k, sy, sx)`` of the bins weighted by ``weights (k, bins)``, and which positions are in.

        Positions that are not are 0. Bins that no image weighs are not read, and where few weights of whole numbers are
        other than they were the last time, only these are: what the hand moves changes at its edges. Of bins that
        a mask cuts through, ``cut (bins,)``, sums that are not finite are left out: the pixel that is not may lie
        outside the mask.
        """
        cut = np.zeros(self.bins.count, dtype=np.bool_) if cut is None else cut
        with self._lock:
            store, present, valid = self._store, self._present.copy(), self._valid.copy()
            before = self._weighed.get(len(weights))
        images = np.zeros((len(weights), *self.scan_shape))
        if present.any():
            found = _weigh(store, self._starts, present, weights, cut, before)
            with self._lock:
                if SHARE_KEPT * found.nbytes <= store.nbytes and self._present.sum() == present.sum():
                    self._weighed[len(weights)] = _Weighed(weights, found)
            for index in np.flatnonzero(present):
                partition, (start, stop) = self.plan[index], self._starts[index : index + 2]
                images[:, *partition.slices] = found[:, start:stop].reshape(len(weights), *partition.shape)
        return images, valid

    def bound(self, weights: Float2D) -> NDArray[np.float64]:
        """How far an image of `shares` may be from the exact one ``(sy, sx)``, for frames without negative pixels.

        All of a bin's counts may lie in the pixel whose weight differs most from the bin's.
        """
        per_bin = self.shares(weights)
        worst = self.bins.fold(np.maximum, np.abs(weights - self.bins.spread(per_bin)))
        images, _ = self.weigh(worst[None])
        bound: NDArray[np.float64] = images[0]
        return bound

    def _part(self, store: NDArray[Any], index: int) -> NDArray[Any]:
        start, stop = self._starts[index : index + 2]
        return store[self.bins.count * start : self.bins.count * stop].reshape(self.bins.count, stop - start)

    def _make_room(self, narrow: bool) -> None:
        """Have a store that takes the next block. One that is weighed just now stays as it is. Call with the lock."""
        dtype = self._store.dtype if narrow else self._dtype
        if self._store.size and self._store.dtype == dtype:
            return
        before, self._store = self._store, np.empty(self.bins.count * int(self._starts[-1]), dtype)
        for index in np.flatnonzero(self._present):
            np.copyto(self._part(self._store, int(index)), self._part(before, int(index)), casting="unsafe")


def _weigh(
    store: NDArray[Any],
    starts: NDArray[np.int64],
    present: NDArray[np.bool_],
    weights: NDArray[np.float64],
    cut: NDArray[np.bool_],
    before: _Weighed | None,
) -> NDArray[np.float64]:
    """`weigh`, or the sums that were there `before` and what has changed. Never of floats: what is not finite in a bin
    would not leave the sum with it."""
    from ltdesk.engine.kernels.weigh_bins import weigh

    if before is not None and store.dtype.kind in "ui":
        change = weights - before.weights
        if CHANGED * np.count_nonzero(change.any(axis=0)) < np.count_nonzero(weights.any(axis=0)):
            sums: NDArray[np.float64] = before.sums + weigh(store, starts, present, change, cut)
            return sums
    return weigh(store, starts, present, weights, cut)


def fits(block: NDArray[Any]) -> bool:
    """Are these sums of whole numbers all within 16 bits? (As float32 they are exact up to 24.)"""
    return bool(block.dtype == np.uint16 or (block.max(initial=0) <= NARROW and block.min(initial=0) >= 0))
