"""How a mask from a file travels inside a job: 0/1 masks as row runs, weights as a blob named by its hash."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

Runs = tuple[tuple[int, int, int], ...]
"""Row runs ``(y, x0, x1)``, half-open, sorted, disjoint."""


def runs_from_mask(mask: NDArray[np.bool_]) -> Runs:
    """The row runs of a mask ``(ky, kx) bool``."""
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    ys, starts = np.nonzero(edges == 1)
    _, stops = np.nonzero(edges == -1)
    return tuple(zip(ys.tolist(), starts.tolist(), stops.tolist(), strict=True))


def runs_to_mask(runs: Runs, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask ``(ky, kx) bool`` of row runs within it."""
    mask = np.zeros(size, dtype=np.bool_)
    for y, x0, x1 in runs:
        mask[y, x0:x1] = True
    return mask


def check_runs(runs: Runs, size: tuple[int, int]) -> None:
    """Raises ValueError for runs that are empty, outside ``(ky, kx)``, out of order or over one another."""
    last_y, last_x1 = -1, 0
    for y, x0, x1 in runs:
        if not (0 <= y < size[0] and 0 <= x0 < x1 <= size[1]):
            raise ValueError(f"the run {(y, x0, x1)} is not within a mask of {size[0]}x{size[1]}")
        if y < last_y or (y == last_y and x0 < last_x1):
            raise ValueError(f"the run {(y, x0, x1)} is out of order")
        last_y, last_x1 = y, x1


class WeightsBlob(BaseModel):
    """Weights ``<f8`` in C order, deflated, as base64 text, named by the SHA-256 of the raw bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sha256: str
    data: str
    _raw: bytes = PrivateAttr(b"")  # kept: a mask of 128x128 pixels takes 1.5 ms to unpack, each time a job begins

    @classmethod
    def from_array(cls, weights: NDArray[Any]) -> WeightsBlob:
        raw = np.ascontiguousarray(weights, dtype="<f8").tobytes()
        packed = base64.b64encode(zlib.compress(raw, 6)).decode("ascii")
        return cls(sha256=hashlib.sha256(raw).hexdigest(), data=packed)

    @model_validator(mode="after")
    def _matches_its_name(self) -> WeightsBlob:
        try:
            self._raw = zlib.decompress(base64.b64decode(self.data, validate=True))
        except (ValueError, zlib.error) as error:
            raise ValueError(f"the weights are damaged: {error}") from error
        if hashlib.sha256(self._raw).hexdigest() != self.sha256:
            raise ValueError("the weights do not match their hash")
        return self

    def array(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """The weights ``(ky, kx) float64``. Raises ValueError where they are not that many."""
        if len(self._raw) != 8 * size[0] * size[1]:
            raise ValueError(f"the weights are {len(self._raw)} bytes, not those of {size[0]}x{size[1]} pixels")
        return np.frombuffer(self._raw, dtype="<f8").reshape(size).astype(np.float64, copy=False)
