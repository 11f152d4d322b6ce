"""numpy, as someone who knows it would write it: blocks of frames that stay in the cache, BLAS where it helps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (registers filters)
import numpy as np
from protocol import NotOffered, Results, Work, one_after_the_other, serve

BLOCK = 1024
"""Frames that are converted at a time."""
FEW = 0.1
"""A mask of less than this share of the frame is faster by its pixels' numbers."""


class Numpy:
    """The scan is mapped where the file allows, else loaded. BLAS takes its threads from the environment."""

    version = f"numpy {version('numpy')}"

    def open(self, path: str, dataset: str, threads: int) -> None:
        with h5py.File(path, "r") as file:
            data = file[dataset]
            offset = data.id.get_offset()
            scan = data[()] if offset is None else np.memmap(path, data.dtype, "r", offset, data.shape)
        self.scan_shape, self.frame_shape = scan.shape[:2], scan.shape[2:]
        self.frames = scan.reshape(-1, scan.shape[2] * scan.shape[3])

    def prepare(self, analyses: list[dict[str, Any]], masks: np.ndarray | None) -> Work:
        detectors = [one for one in analyses if one["kind"] == "virtual_detector"]
        work = [self._other(one) for one in analyses if one["kind"] != "virtual_detector"]
        if detectors:
            work.append(self._detectors([one["name"] for one in detectors], masks[[one["mask"] for one in detectors]]))
        return one_after_the_other(work)

    def _blocks(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self.frames), BLOCK):
            yield self.frames[start : start + BLOCK]

    def _scan(self, of_a_block: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        found = np.concatenate([of_a_block(block) for block in self._blocks()])
        return found.reshape(*self.scan_shape, *found.shape[1:])

    def _detectors(self, names: list[str], masks: np.ndarray) -> Work:
        flat = masks.reshape(len(masks), -1)
        zero_or_one = bool(np.isin(flat, (0, 1)).all())
        if zero_or_one and len(flat) == 1 and flat.mean() < FEW:
            pixels = np.flatnonzero(flat[0])
            return lambda: {names[0]: self._scan(lambda block: block[:, pixels].sum(axis=1, dtype=np.uint32))}
        weights = flat.T.astype(np.float32)

        def run() -> Results:
            found = self._scan(lambda block: block.astype(np.float32) @ weights)
            return {name: found[..., number] for number, name in enumerate(names)}

        return run

    def _other(self, analysis: dict[str, Any]) -> Work:
        make = getattr(self, f"_{analysis['kind']}", None)
        if make is None:
            raise NotOffered(f"not written for numpy: {analysis['kind']}")
        return make(**{key: value for key, value in analysis.items() if key not in ("kind", "name")})

    def _sum_frame(self) -> Work:
        return lambda: {"sum_frame": self.frames.sum(axis=0, dtype=np.uint64).reshape(self.frame_shape)}

    def _max_frame(self) -> Work:
        return lambda: {"max_frame": self.frames.max(axis=0).reshape(self.frame_shape)}

    def _sum_signal(self) -> Work:
        return lambda: {"sum_signal": self.frames.sum(axis=1, dtype=np.uint64).reshape(self.scan_shape)}

    def _std_frame(self) -> Work:
        def run() -> Results:
            total, squares = np.zeros(self.frames.shape[1]), np.zeros(self.frames.shape[1])
            for block in self._blocks():
                wide = block.astype(np.float64)
                total += wide.sum(axis=0)
                squares += np.einsum("np,np->p", wide, wide)
            mean = total / len(self.frames)
            variance = np.maximum(squares / len(self.frames) - mean * mean, 0)
            return {"std_frame": np.sqrt(variance).reshape(self.frame_shape)}

        return run

    def _com(self, cy: float, cx: float) -> Work:
        y, x = np.indices(self.frame_shape).reshape(2, -1)
        moments = np.stack([np.ones(y.size), y - cy, x - cx], axis=1).astype(np.float32)

        def run() -> Results:
            total, along_y, along_x = np.moveaxis(self._scan(lambda block: block.astype(np.float32) @ moments), -1, 0)
            return {"com_y": along_y / total, "com_x": along_x / total}

        return run

    def _radial(self, cy: float, cx: float, nbins: int) -> Work:
        y, x = np.indices(self.frame_shape).reshape(2, -1)
        labels = np.floor(np.hypot(y - cy, x - cx) + 0.5).astype(int)
        members = (labels[:, None] == np.arange(nbins)).astype(np.float32)
        with np.errstate(invalid="ignore"):
            weights = (members / members.sum(axis=0)).astype(np.float32)
        return lambda: {"radial": self._scan(lambda block: block.astype(np.float32) @ weights)}


if __name__ == "__main__":
    serve(Numpy())
