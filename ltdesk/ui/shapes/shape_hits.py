"""What of the detectors lies under the pointer. Distances are in screen pixels, so that zoom changes no handling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ltdesk.geometry import AnyShape, PixelMask, terms_of
from ltdesk.session import Detector
from ltdesk.shape_bounds import bounds
from ltdesk.ui.shapes import shape_parts
from ltdesk.ui.shapes.shape_moves import BODY, YX
from ltdesk.ui.shapes.shape_parts import Grip, Outline, Points

TOLERANCE = 8.0
"""Screen pixels from a grip or an outline within which a press takes it."""


@dataclass(frozen=True)
class Screen:
    """From frame ``(y, x)`` to screen ``(x, y)`` pixels: ``x * column + y * row + origin``."""

    column: YX
    row: YX
    origin: YX

    def points(self, at: Points) -> NDArray[np.float64]:
        """``(n, 2)`` of ``(y, x)`` in frame pixels to ``(n, 2)`` of ``(x, y)`` in screen pixels."""
        return at[:, 1:] * np.array(self.column) + at[:, :1] * np.array(self.row) + np.array(self.origin)

    def point(self, at: YX) -> tuple[float, float]:
        y, x = at
        return (
            x * self.column[0] + y * self.row[0] + self.origin[0],
            x * self.column[1] + y * self.row[1] + self.origin[1],
        )

    def grip(self, grip: Grip) -> tuple[float, float]:
        """Where a grip sits, its reach included."""
        x, y = self.point(grip.at)
        if grip.pull is None or not grip.reach:
            return x, y
        dx, dy = self.heading(grip.pull)
        return x + dx * grip.reach, y + dy * grip.reach

    def heading(self, deg: float) -> tuple[float, float]:
        """The direction `deg` on the frame, as a screen vector of length 1."""
        cos, sin = math.cos(math.radians(deg)), math.sin(math.radians(deg))
        dx, dy = (self.column[i] * cos + self.row[i] * sin for i in (0, 1))
        length = math.hypot(dx, dy) or 1.0
        return dx / length, dy / length

    @property
    def scale(self) -> float:
        """Screen pixels to a frame pixel, in the tighter direction."""
        return min(math.hypot(*self.column), math.hypot(*self.row))


@dataclass(frozen=True)
class Hit:
    """What a press would take: a part of a term of detector `id`; `term` None: the detector as a whole."""

    id: str
    term: int | None
    part: str
    pull: float | None = None


def hits(detectors: Sequence[Detector], selected: str | None, term: int | None, at: YX, screen: Screen) -> list[Hit]:
    """What is under `at`, one hit a detector: the selected one first, then from the smallest to the largest."""
    near = [d for d in detectors if d.visible and _near(d.shape, at, screen)]
    near.sort(key=lambda d: (d.id != selected, shape_parts.area(d.shape)))
    found = (hit_of(d, at, screen, d.id == selected, term if d.id == selected else None) for d in near)
    return [hit for hit in found if hit is not None]


def hit_of(detector: Detector, at: YX, screen: Screen, selected: bool, term: int | None) -> Hit | None:
    """What of one detector is under `at`. Grips count on the selected one; a chosen `term` comes first."""
    terms = terms_of(detector.shape)
    order = sorted(range(len(terms)), key=lambda i: i != term)
    pointer = np.array(screen.point(at))
    for find in (_grip_at, _outline_at) if selected else (_outline_at,):
        best = [find(terms[i].shape, at, pointer, screen) for i in order]
        near = [(i != term, hit[0], i, hit) for i, hit in zip(order, best, strict=True) if hit is not None]
        if near:
            _, _, i, (_, part, pull) = min(near, key=lambda found: found[:3])
            return Hit(detector.id, i, part, pull)
    if term is not None and term < len(terms) and shape_parts.contains(terms[term].shape, at):
        return Hit(detector.id, term, BODY)
    return Hit(detector.id, None, BODY) if shape_parts.contains(detector.shape, at) else None


Found = tuple[float, str, float | None]


def _grip_at(shape: AnyShape, at: YX, pointer: NDArray[np.float64], screen: Screen) -> Found | None:
    grips = shape_parts.grips(shape)
    if not grips:
        return None
    places = np.array([screen.grip(grip) for grip in grips])
    distances = np.hypot(*(places - pointer).T)
    nearest = int(np.argmin(distances))
    if distances[nearest] > _tolerance(shape, at, screen):
        return None
    return float(distances[nearest]), grips[nearest].part, grips[nearest].pull


def _outline_at(shape: AnyShape, at: YX, pointer: NDArray[np.float64], screen: Screen) -> Found | None:
    tolerance = _tolerance(shape, at, screen)
    found = [_on_outline(outline, pointer, screen) for outline in shape_parts.outlines(shape)]
    near = [hit for hit in found if hit[0] <= tolerance]
    return min(near, key=lambda hit: hit[0]) if near else None


def _on_outline(outline: Outline, pointer: NDArray[np.float64], screen: Screen) -> Found:
    points = screen.points(outline.points)
    starts, steps = points[:-1], np.diff(points, axis=0)
    lengths = np.maximum((steps**2).sum(axis=1), 1e-12)
    along = np.clip(((pointer - starts) * steps).sum(axis=1) / lengths, 0.0, 1.0)
    away = starts + along[:, None] * steps - pointer
    distances = np.hypot(away[:, 0], away[:, 1])
    nearest = int(np.argmin(distances))
    part = f"{outline.part}:{nearest}" if outline.numbered else outline.part
    return (
        float(distances[nearest]),
        part,
        outline.pull if outline.pull is not None else _across(steps[nearest], screen),
    )


def _across(step: NDArray[np.float64], screen: Screen) -> float:
    """The direction across a segment, in degrees on the frame."""
    flip = 1.0 if screen.column[0] * screen.row[1] > 0 else -1.0
    return math.degrees(math.atan2(step[1] * flip, step[0])) + 90.0


def _tolerance(shape: AnyShape, at: YX, screen: Screen) -> float:
    """Within a shape half of its way to the middle stays body, however small it is on the screen."""
    if not shape_parts.contains(shape, at):
        return TOLERANCE
    return min(TOLERANCE, shape_parts.inradius(shape) * screen.scale / 2)


def _near(shape: AnyShape, at: YX, screen: Screen) -> bool:
    """A quick look at bounding boxes, grips that stand off included."""
    slack = (TOLERANCE + 24.0) / max(screen.scale, 1e-12) + 0.5
    boxes = [bounds(term.shape) for term in terms_of(shape)]
    return any(y0 - slack <= at[0] <= y1 + slack and x0 - slack <= at[1] <= x1 + slack for y0, x0, y1, x1 in boxes)


def movable(shape: AnyShape) -> bool:
    """Does dragging the shape move anything? A pixel mask stays where the file put it."""
    return any(not isinstance(term.shape, PixelMask) for term in terms_of(shape))
