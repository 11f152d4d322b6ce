"""An analysis and a format for ltdesk, in a package of their own: copy this folder, rename, ``pip install -e .``.

ltdesk run scan.exmp -o result.npz --analysis peak:floor=2
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray
from pydantic import Field

from ltdesk.analysis import Analysis, Name, ResultSpec
from ltdesk.engine.analyses.base import Buffer
from ltdesk.engine.formats.arranged import Source
from ltdesk.engine.formats.files import read_head
from ltdesk.engine.formats.format import Format
from ltdesk.engine.formats.frames_file import Frames, FramesFile
from ltdesk.errors import OpenError
from ltdesk.geometry import Size2D
from ltdesk.job import DatasetRef


class Peak(Analysis):
    """The brightest pixel of each frame, over the mean of the frame.

    Attributes
    ----------
    floor : counts that are taken off every pixel first
    """

    kind: Literal["peak"] = "peak"
    name: Name = "peak"
    floor: float = Field(0.0, ge=0, json_schema_extra={"unit": "counts"})
    kernel: ClassVar[str] = "ltdesk_example:PeakKernel"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return (ResultSpec(name=self.name, kind="scan", dtype="float64", unit=""),)


class PeakKernel:
    """Computes `Peak`; one object serves all threads, so it keeps nothing between calls."""

    def __init__(self, spec: Peak, frame_shape: Size2D, dtype: DTypeLike) -> None:
        self._spec = spec
        self.buffers = (Buffer(spec.name, "scan", np.dtype(np.float64)),)

    def process(self, frames: Any, at: slice, buffers: Mapping[str, NDArray[Any]]) -> None:
        """Frame i is ``frames.flat[i * stride : i * stride + pixels]``; its number goes to ``out[i]``."""
        out = buffers[self._spec.name][at]
        for i in range(frames.n):
            frame = frames.flat[i * frames.stride : i * frames.stride + frames.pixels].astype(np.float64)
            frame -= self._spec.floor
            out[i] = frame.max() / frame.mean()

    def finish(
        self, buffers: dict[str, NDArray[Any]], valid: NDArray[np.bool_], frames: int
    ) -> dict[str, NDArray[Any]]:
        """`valid` positions have been computed; the others are NaN already."""
        return {self._spec.name: buffers[self._spec.name]}


MAGIC = b"EXMP"
HEADER = 12


def recognises(path: str, head: bytes) -> bool:
    return head.startswith(MAGIC)


def open_example(path: str, ref: DatasetRef) -> FramesFile:
    """``EXMP``, then sy, sx, ky, kx as u16, then the frames as u16, all little endian."""
    head = read_head(path, HEADER)
    if len(head) < HEADER:
        raise OpenError(f"{path}: its header is cut short", "Copy it again from where it was made.")
    sy, sx, ky, kx = (int(n) for n in np.frombuffer(head, "<u2", count=4, offset=len(MAGIC)))
    dtype, frame_shape = np.dtype("<u2"), (ky, kx)
    source = Source(path, "example", (sy, sx), frame_shape, dtype, good=())
    return FramesFile(ref, source, [Frames(path, HEADER, ky * kx * 2, dtype, frame_shape, sy * sx)])


EXAMPLE = Format("example", (".exmp",), recognises, open_example)
