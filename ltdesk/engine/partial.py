"""Partial: one partition's contribution to a job's results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Partial:
    """What `run_partition` gives back.

    Attributes
    ----------
    index : the partition's place in the plan
    buffers : accumulators by name; scan ones ``(h * w, *extra)`` over the partition's positions in row-major order,
        frame ones ``(ky, kx)``, single ones ``(*extra)``
    valid : (h * w) bool, positions whose frame took part
    bytes_mapped, bytes_read, bytes_network : frames seen through a map, copied from a file, fetched over a network
    bytes_checked : compared with their checksum first, since they had not been mapped there before
    not_mapped : why they were not mapped, where they might have been
    seconds : time it took
    host : where it was done
    """

    index: int
    buffers: dict[str, NDArray[Any]]
    valid: NDArray[np.bool_]
    bytes_mapped: int = 0
    bytes_read: int = 0
    bytes_network: int = 0
    bytes_checked: int = 0
    not_mapped: str = ""
    seconds: float = 0.0
    host: str = field(default="")
