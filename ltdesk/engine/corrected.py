"""A scan whose frames are corrected: dark, gain and dead pixels, block by block while a partition is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.correction import Correction, FrameValues
from ltdesk.engine.dataset import Dataset, Identity, Tile
from ltdesk.errors import UsageError
from ltdesk.geometry import Bool2D, Size2D
from ltdesk.job import Partition, Plan

if TYPE_CHECKING:  # kernels load numba, which opening a file does not need
    from ltdesk.engine.kernels.frames import Frames

REACH = 3
"""Pixels between a dead pixel and the good ones that it is patched from, at most. Farther away nothing is known of it:
it counts as 0, and so adds nothing to any sum."""

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Patches:
    """Dead pixels and what each is patched from, as indexes into a flat frame.

    The neighbours of ``dead[i]`` are ``near[starts[i] : starts[i + 1]]``; none: it counts as 0.
    """

    dead: Integers
    starts: Integers
    near: Integers

    @property
    def unknown(self) -> int:
        """How many have no good pixel within reach."""
        return int((np.diff(self.starts) == 0).sum())

    def within(self, start: int, stop: int) -> Patches:
        """Those of the dead pixels ``[start, stop)``."""
        a, b = np.searchsorted(self.dead, (start, stop))
        first, last = self.starts[a], self.starts[b]
        return Patches(self.dead[a:b], self.starts[a : b + 1] - first, self.near[first:last])


def find_patches(dead: Bool2D) -> Patches:
    """What each dead pixel of ``dead (ky, kx)`` is patched from.

    They are the good pixels among its eight neighbours, as LiberTEM takes them; where all of these are dead too, among
    the next ring, and so on up to `REACH`.
    """
    ys, xs = np.nonzero(dead)
    order, found = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    left = np.arange(ys.size)
    for reach in range(1, REACH + 1):
        places, good = _window(dead, ys[left], xs[left], reach)
        order.append(np.repeat(left, good.sum(axis=1)))
        found.append(places[good])
        left = left[~good.any(axis=1)]
    owner, near = np.concatenate(order), np.concatenate(found)
    by_owner = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[by_owner], np.arange(ys.size + 1))
    return Patches(ys * dead.shape[1] + xs, starts.astype(np.int64), near[by_owner])


def _window(dead: Bool2D, ys: Integers, xs: Integers, reach: int) -> tuple[Integers, Bool2D]:
    """The pixels up to `reach` around each place, ``(places, pixels)``, and which of them are there and good."""
    dy, dx = (step.ravel() for step in np.mgrid[-reach : reach + 1, -reach : reach + 1])
    y, x = ys[:, None] + dy, xs[:, None] + dx
    ky, kx = dead.shape
    inside = (y >= 0) & (y < ky) & (x >= 0) & (x < kx)
    good = inside & ~dead[np.where(inside, y, 0), np.where(inside, x, 0)]
    return y * kx + x, good


@dataclass(frozen=True)
class Corrector:
    """A correction made ready for frames of one kind; several threads use it.

    Attributes
    ----------
    frame_shape, dtype : of corrected frames
    dark, gain : (ky * kx) float64; None: there is neither
    patches : the dead pixels
    rows : those of the frame that are corrected; the others are not to be looked at
    """

    frame_shape: Size2D
    dtype: np.dtype[Any]
    dark: NDArray[np.float64] | None
    gain: NDArray[np.float64] | None
    patches: Patches
    rows: tuple[int, int]

    @property
    def frame_bytes(self) -> int:
        return self.frame_shape[0] * self.frame_shape[1] * self.dtype.itemsize

    def for_rows(self, start: int, stop: int) -> Corrector:
        """One that corrects these rows alone, for those who look at no others."""
        kx = self.frame_shape[1]
        return replace(self, rows=(start, stop), patches=self.patches.within(start * kx, stop * kx))

    def space(self, frames: int) -> NDArray[Any]:
        """Memory for so many corrected frames, to be used again and again: fresh memory costs as much as correcting."""
        return np.empty((frames, self.frame_shape[0] * self.frame_shape[1]), _kernel_dtype(self.dtype))

    def correct(self, frames: Frames, space: NDArray[Any]) -> Frames:
        """Corrected frames, in `space`."""
        from ltdesk.engine.kernels.correct import copy_pixels, dark_and_gain, patch_floats, patch_integers

        out = space[: frames.n]
        ky, kx = self.frame_shape
        start, stop = max(0, self.rows[0] - REACH) * kx, min(ky, self.rows[1] + REACH) * kx
        if self.dark is None:
            copy_pixels(frames.flat, frames.stride, start, stop, out)
        else:
            dark_and_gain(frames.flat, frames.stride, (start, stop), self.dark, self.gain, out)
        if self.patches.dead.size:
            patch = patch_floats if out.dtype.kind == "f" else patch_integers
            patch(out, self.patches.dead, self.patches.starts, self.patches.near)
        flat = out.reshape(-1)
        flat.flags.writeable = False
        return frames._replace(flat=flat, stride=frames.pixels)

    def frame(self, frame: NDArray[Any]) -> NDArray[Any]:
        """One frame ``(ky, kx)``, corrected, a copy."""
        from ltdesk.engine.kernels.frames import as_frames

        corrected = self.correct(as_frames(frame[None]), self.space(1))
        return corrected.flat.reshape(self.frame_shape).astype(self.dtype)


def _kernel_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.uint8) if dtype == np.bool_ else dtype


class CorrectedDataset(Dataset):
    """A scan as its correction shows it. Tiles are what is stored; `corrector` makes corrected frames of them.

    inner : the scan as it is stored
    """

    def __init__(self, inner: Dataset, correction: Correction) -> None:
        """Raises UsageError where the correction does not fit the scan's frames."""
        check_sizes(inner, correction)
        super().__init__(
            ref=inner.ref.model_copy(update={"correction": correction}),
            scan_shape=inner.scan_shape,
            frame_shape=inner.frame_shape,
            dtype=correction.dtype(inner.dtype),
            format=inner.format,
            calibration=inner.calibration,
            chunk=inner.chunk,
            frames_good=inner.frames_good,
            frames_expected=inner.frames_expected,
        )
        self.inner = inner
        self._corrector = self.corrector = make_corrector(inner, correction)
        self.note = "; ".join(note for note in (inner.note, _note(correction, self._corrector.patches)) if note)

    @property
    def frame_bytes(self) -> int:
        """As it is stored."""
        return self.inner.frame_bytes

    @property
    def own_frames(self) -> dict[str, NDArray[Any]]:
        return self.inner.own_frames

    @property
    def shows_views(self) -> bool:
        return self.inner.shows_views

    def plan(self) -> Plan:
        return self.inner.plan()

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        return self.inner.tiles(partition)

    def tiles_of(self, partitions: Sequence[Partition]) -> Iterator[list[tuple[int, Tile]]]:
        return self.inner.tiles_of(partitions)

    def holders(self, partition: Partition) -> tuple[str, ...]:
        """Hosts that hold a partition, where the scan is in a storage."""
        ask: Any = getattr(self.inner, "holders", lambda _: ())
        return tuple(ask(partition))

    @cached_property
    def is_shared(self) -> bool:
        return self.inner.is_shared

    def identity(self) -> Identity:
        return self.inner.identity()

    def close(self) -> None:
        self.inner.close()

    def _read_frame(self, y: int, x: int) -> NDArray[Any]:
        return self._corrector.frame(self.inner.frame(y, x))


def corrected(dataset: Dataset, correction: Correction | None) -> Dataset:
    """The scan with this correction in the place of any it had. It shares the file: close one of them.

    Raises UsageError where the correction does not fit the scan's frames.
    """
    stored = dataset.inner if isinstance(dataset, CorrectedDataset) else dataset
    if correction is None or correction.is_empty:
        return stored
    return CorrectedDataset(stored, correction)


def make_corrector(inner: Dataset, correction: Correction) -> Corrector:
    """Raises UsageError where no good pixel is left."""
    shape, dead = inner.frame_shape, correction.dead(inner.frame_shape)
    if dead.all():
        raise UsageError(f"{inner.ref.uri}: every camera pixel is marked dead", "Check what the dead pixels are.")
    dark = gain = None
    if correction.dark is not None or correction.gain is not None:
        dark, gain = _filled(correction.dark, dead, 0.0), _filled(correction.gain, dead, 1.0)
    return Corrector(shape, correction.dtype(inner.dtype), dark, gain, find_patches(dead), (0, shape[0]))


def _filled(part: FrameValues | None, dead: Bool2D, plain: float) -> NDArray[np.float64]:
    """A dark or gain, flat, with a number that changes nothing where there is none."""
    return np.where(dead, plain, plain if part is None else part.array()).ravel()


def check_sizes(dataset: Dataset, correction: Correction) -> None:
    """Raises UsageError naming what has another size than the scan's frames."""
    ky, kx = dataset.frame_shape
    for name, part in (("dark frame", correction.dark), ("gain map", correction.gain)):
        if part is not None and part.size != (ky, kx):
            raise UsageError(
                f"{part.source or name}: the {name} has {part.size[0]}x{part.size[1]} pixels, "
                f"the frames of {dataset.ref.uri} {ky}x{kx}",
                "Give one of the same camera and binning.",
            )
    try:
        correction.dead((ky, kx))
    except ValueError as error:
        raise UsageError(
            f"{dataset.ref.uri}: dead pixels: {error} as the frame", "Give a mask of the frame's size."
        ) from error


def _note(correction: Correction, patches: Patches) -> str:
    """What is odd about a correction."""
    shape = correction.dead_pixels
    ky_kx = next((part.size for part in (correction.dark, correction.gain) if part is not None), None)
    notes = []
    if ky_kx is not None:
        marked = 0 if shape is None else int(shape.mask(ky_kx).sum())
        if patches.dead.size > marked:
            notes.append(f"taken as dead for want of a finite dark or gain: {_pixels(patches.dead.size - marked)}")
    if patches.unknown:
        notes.append(f"counted as 0, more than {REACH} pixels from any good one: {_pixels(patches.unknown)}")
    return "; ".join(notes)


def _pixels(count: int) -> str:
    return f"{count} pixel{'' if count == 1 else 's'}"
