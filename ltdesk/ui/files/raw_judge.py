"""Which of several guessed shapes looks like diffraction: neighbouring pixels of a real frame are alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.formats.guess import ShapeGuess

FRAMES = 16
MOST_BYTES = 4 << 20
"""Read for each guess: enough to tell, and little on a slow disk."""
LARGEST = 1e15
"""No camera counts this far: numbers beyond come from reading integers as floats."""
CLEARLY = 0.05
"""A guess must look better than a likelier one by this much to take its place."""


def best_looking(path: str, guesses: Sequence[ShapeGuess]) -> int | None:
    """The place of the guess that looks most like frames, the likelier one where they look alike; None: none does.

    Raises OSError.
    """
    looks = [smoothness(path, guess) for guess in guesses]
    best = None
    for place, look in enumerate(looks):
        if look > CLEARLY and (best is None or look > looks[best] + CLEARLY):
            best = place
    return best


def smoothness(path: str, guess: ShapeGuess) -> float:
    """How alike neighbouring pixels are, against pixels taken at random: 1 very, 0 no more than by chance.

    Negative where the numbers cannot be what a camera gives. Raises OSError.
    """
    frames = _some_frames(Path(path), guess)
    if not len(frames) or not np.isfinite(frames).all() or np.abs(frames).max() > LARGEST:
        return -1.0
    mean = np.log1p(np.abs(frames.astype(np.float64))).mean(axis=0)
    shuffled = np.random.default_rng(0).permutation(mean.ravel()).reshape(mean.shape)
    by_chance = np.abs(shuffled - mean).mean()
    steps = [np.abs(np.diff(mean, axis=axis)) for axis in (0, 1) if mean.shape[axis] > 1]
    if not steps or by_chance == 0:
        return 0.0
    alike = 1 - np.mean([step.mean() for step in steps]) / by_chance
    return float(alike * (1 - _repeats(mean)))


def _repeats(mean: NDArray[np.float64]) -> float:
    """How alike the halves are, moved onto one another, 0 to 1: two frames read as one are their own repetition.

    A single frame is at most its own mirror image: its beam lies in the middle, at the inner edge of both halves.
    """
    halves = []
    for axis in (0, 1):
        half = mean.shape[axis] // 2
        first, second = np.take(mean, range(half), axis), np.take(mean, range(half, 2 * half), axis)
        if half and first.std() > 0 and second.std() > 0:
            halves.append(float(np.corrcoef(first.ravel(), second.ravel())[0, 1]))
    return max(0.0, *halves) if halves else 0.0


def _some_frames(path: Path, guess: ShapeGuess) -> NDArray[np.generic]:
    """Frames spread over the file, (n, ky, kx)."""
    dtype, pixels = np.dtype(guess.dtype), guess.frame_shape[0] * guess.frame_shape[1]
    count = max(1, min(FRAMES, guess.frames, MOST_BYTES // (pixels * dtype.itemsize)))
    found = []
    with path.open("rb") as file:
        for number in np.linspace(0, guess.frames - 1, count).astype(int):
            file.seek(guess.offset + int(number) * pixels * dtype.itemsize)
            frame = np.frombuffer(file.read(pixels * dtype.itemsize), dtype=dtype)
            if frame.size == pixels:
                found.append(frame.reshape(guess.frame_shape))
    return np.array(found)
