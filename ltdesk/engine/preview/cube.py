"""`PreviewCube`: a scan in bins of camera pixels, and the images that it gives at once."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.partial import Partial
from ltdesk.engine.preview.binned import BLOCK, SAMPLE, BinnedFrames
from ltdesk.engine.preview.bins import Bins, shares, typical_frame
from ltdesk.geometry import Float2D


class PreviewCube:
    """The sums in each bin at each scan position, as far as partitions of a pass have come in.

    Any thread may add partials while another one weighs. What the sums are kept in cannot overflow.

    bins : which pixels go together
    plan : the dataset's partitions
    """

    def __init__(self, dataset: Dataset, bins: Bins) -> None:
        self.bins, self.plan, self.scan_shape = bins, dataset.plan(), dataset.scan_shape
        self._counts = dataset.dtype.kind in "uib"
        self._blocks: dict[int, NDArray[Any]] = {}
        self._valid: dict[int, NDArray[np.bool_]] = {}
        self._sample = np.zeros(bins.frame_shape)
        self._typical: Float2D | None = None
        self._lock = threading.Lock()

    @property
    def analysis(self) -> BinnedFrames:
        """What a job computes beside its own for this cube."""
        return BinnedFrames(factor=self.bins.factor)

    @property
    def done(self) -> int:
        """Partitions that are in."""
        return len(self._blocks)

    @property
    def complete(self) -> bool:
        return len(self._blocks) == len(self.plan)

    @property
    def nbytes(self) -> int:
        return sum(block.nbytes for block in list(self._blocks.values()))

    def take(self, partial: Partial) -> bool:
        """Take the blocks out of a partial; False where the cube had them. A partition that a region cut is no use."""
        block = partial.buffers.pop(BLOCK, None)
        sample = partial.buffers.pop(SAMPLE, None)
        if block is None or sample is None:
            return False
        return self.put(partial.index, block, partial.valid, sample.reshape(self.bins.frame_shape))

    def put(self, index: int, block: NDArray[Any], valid: NDArray[np.bool_], sample: Float2D) -> bool:
        """Take partition `index`: its ``block (bins, positions)``, which positions are there, and a sum of frames."""
        with self._lock:
            if index in self._blocks:
                return False
            self._sample += sample
            self._typical = None
            self._valid[index] = valid.copy()
            self._blocks[index] = block
            return True

    def parts(self) -> dict[int, tuple[NDArray[Any], NDArray[np.bool_]]]:
        """What `put` took, by partition; not to be changed."""
        with self._lock:
            return {index: (block, self._valid[index]) for index, block in self._blocks.items()}

    @property
    def sample(self) -> Float2D:
        """The sum of some frames of the partitions that are in, ``(ky, kx)``, a copy."""
        with self._lock:
            return self._sample.copy()

    def valid(self) -> NDArray[np.bool_]:
        """Positions ``(sy, sx)`` that are in."""
        found = np.zeros(self.scan_shape, dtype=np.bool_)
        for index, (_, valid) in self.parts().items():
            found[self.plan[index].slices] = valid.reshape(self.plan[index].shape)
        return found

    def shares(self, weights: Float2D) -> NDArray[np.float64]:
        """What to weigh each bin with ``(bins,)`` for a mask of ``weights (ky, kx)``, by what a frame is like."""
        with self._lock:
            if self._typical is None:
                self._typical = typical_frame(self._sample, self._counts, self.bins)
            typical = self._typical
        return shares(weights, typical, self.bins)

    def areas(self, weights: Float2D) -> NDArray[np.float64]:
        """The mean ``(bins,)`` of ``weights (ky, kx)`` in each bin."""
        found: NDArray[np.float64] = self.bins.sums(weights) / self.bins.sums(np.ones(self.bins.frame_shape))
        return found

    def weigh(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Images ``(k, sy, sx)`` of the bins weighted by ``weights (k, bins)``, and which positions are in.

        Positions that are not are 0. Bins that no image weighs are not read.
        """
        from ltdesk.engine.kernels.blocks import weigh

        touched = np.flatnonzero((weights != 0.0).any(axis=0))
        images = np.zeros((len(weights), *self.scan_shape))
        inside = np.zeros(self.scan_shape, dtype=np.bool_)
        for index, (block, valid) in self.parts().items():
            partition = self.plan[index]
            out = np.empty((len(weights), partition.size))
            weigh(block, touched, weights, out)
            images[:, *partition.slices] = out.reshape(len(weights), *partition.shape)
            inside[partition.slices] = valid.reshape(partition.shape)
        return images, inside

    def bound(self, weights: Float2D) -> NDArray[np.float64]:
        """How far an image of `shares` may be from the exact one ``(sy, sx)``, for frames without negative pixels.

        All of a bin's counts may lie in the pixel whose weight differs most from the bin's.
        """
        per_bin = self.shares(weights)
        worst = self.bins.fold(np.maximum, np.abs(weights - self.bins.spread(per_bin)))
        images, _ = self.weigh(worst[None])
        bound: NDArray[np.float64] = images[0]
        return bound
