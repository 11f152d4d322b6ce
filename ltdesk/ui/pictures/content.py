"""What a picture view can show: a picture, vectors, layers of a composite, or work that makes one of these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from ltdesk.session import Display
from ltdesk.ui.pictures import colour_maps
from ltdesk.ui.pictures.composite import Layer, prepare_composite
from ltdesk.ui.pictures.levels import whole_turn
from ltdesk.ui.pictures.prepare import Picture, Prepared, Status, prepare
from ltdesk.ui.pictures.vectors import Vectors, prepare_vectors

ESTIMATE_COST, COMPOSITE_COST, VECTOR_COST = 4, 2, 6
"""How much longer a picture with estimated positions takes (256x256: 6 ms), a composite's layer, and vectors."""
WORK_COST = 16
"""How much longer working out a map, or a Fourier transform, takes than preparing a picture of it."""


@dataclass(eq=False)
class Work:
    """A picture, or vectors, that take work to make: done once, and in the thread where that takes long.

    cost : about how long, in pixels of a plain picture that is prepared
    """

    make: Callable[[], Picture | Vectors]
    cost: int

    @cached_property
    def made(self) -> Picture | Vectors:
        return self.make()


Content = Picture | Vectors | tuple[Layer, ...] | Work


def prepare_content(content: Content, display: Display, unit: str, status: Status) -> Prepared:
    """What is shown of it; not for the GUI thread where `cost_of` is high."""
    if isinstance(content, Work):
        return prepare_content(content.made, display, unit, status)
    if isinstance(content, Picture):
        return prepare(content, display)
    if isinstance(content, Vectors):
        return prepare_vectors(content, display)
    return prepare_composite(content, display, unit=unit, status=status)


def prepared_again(before: Prepared | None, content: Content, display: Display) -> Prepared | None:
    """`before`, where `content` is the same whole picture with other words; None: it has to be prepared."""
    if before is None or not isinstance(content, Picture) or before.wheel or before.colours:
        return None
    was = before.picture
    same = was.values is content.values and was.valid is content.valid and was.failed is content.failed
    if not same or before.display != display or content.done() is not None or was.unit != content.unit:
        return None
    return replace(before, layers=(content,))


def tells_angles(prepared: Prepared) -> bool:
    """Are the values angles, with a colour for each direction?"""
    if prepared.colours or prepared.levels is None or not colour_maps.is_cyclic(prepared.display.colour_map):
        return False
    return prepared.levels == whole_turn(prepared.levels, prepared.picture.unit) == (0.0, 360.0)


def cost_of(content: Content) -> int:
    """About how long preparing takes, in pixels of a plain picture."""
    if isinstance(content, Work):
        return cost_of(content.made) if "made" in vars(content) else content.cost
    if isinstance(content, Picture):
        estimated = content.estimated and content.done() is not None
        return content.values.size * (ESTIMATE_COST if estimated else 1)
    if isinstance(content, Vectors):
        return VECTOR_COST * content.y.size
    return COMPOSITE_COST * sum(layer.values.size for layer in content)


def content_of(prepared: Prepared) -> Content:
    """What `prepared` was made of, to be prepared again for another display."""
    picture = prepared.picture
    if prepared.wheel:
        _, y, x = prepared.layers
        return Vectors(y.values, x.values, picture.valid, picture.failed, picture.unit, picture.status, picture.missing)
    if not prepared.colours:
        return picture
    pairs = zip(prepared.layers, prepared.colours, strict=True)
    return tuple(Layer(p.values, p.valid, colour, p.name, p.failed, p.missing) for p, colour in pairs)
