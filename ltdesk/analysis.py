"""Analysis specs: what is computed from a dataset's frames, as frozen data.

A spec says which results it gives; how they are computed is found in `ltdesk.engine.kernels` by the spec's ``kind``.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import DTypeLike
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from ltdesk.errors import UsageError
from ltdesk.geometry import AnyShape, Disk, Ellipse, Finite, Ring, Sector, Size2D, Weighted
from ltdesk.validation import Frozen

NAME_PATTERN = r"^[A-Za-z0-9_.]+$"
RESERVED_NAMES = frozenset({"valid", "recipe", "execution", "program_name", "."})
"""What every result file has beside the results; and HDF5's word for the group itself."""
ResultKind = Literal["scan", "frame", "single"]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
FARTHEST = 1e6
"""Pixels that a centre may lie from the frame's corner: there is no such camera, and squares stay far from overflow."""
Coordinate = Annotated[float, Field(allow_inf_nan=False, ge=-FARTHEST, le=FARTHEST)]


class Axis(BaseModel):
    """What a further axis of a result is over.

    Attributes
    ----------
    name : in files
    places : of its entries, in pixels of the frame or positions of the scan; frequencies in periods over one of them
    of : which of the two, whose calibration it goes by
    is_frequency : it is over periods, not lengths
    """

    model_config = ConfigDict(frozen=True)
    name: str
    places: tuple[float, ...]
    of: Literal["frame", "scan"] = "frame"
    is_frequency: bool = False


class ResultSpec(BaseModel):
    """One array that an analysis gives.

    Attributes
    ----------
    name : key in results and files
    kind : ``scan`` (sy, sx, *extra), ``frame`` (ky, kx) or ``single`` (*extra)
    dtype : numpy's name of the result's type
    unit : ``counts``, ``px``, …
    extra : further axes after the scan's
    axes : what those are over, for files; none where it isn't known
    """

    model_config = ConfigDict(frozen=True)
    name: str
    kind: ResultKind
    dtype: str
    unit: str = "counts"
    extra: tuple[int, ...] = ()
    axes: tuple[Axis, ...] = ()

    def shape(self, scan_shape: Size2D, frame_shape: Size2D) -> tuple[int, ...]:
        """The array's shape for a dataset of these shapes."""
        base = {"scan": scan_shape, "frame": frame_shape, "single": ()}[self.kind]
        return (*base, *self.extra)


def sum_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """The type that sums of `dtype` are kept in: uint64 for unsigned and bool, int64 for signed, float64 for floats."""
    kind = np.dtype(dtype).kind
    return np.dtype({"u": np.uint64, "b": np.uint64, "i": np.int64}.get(kind, np.float64))


def frequency_axes(shape: Size2D, of: Literal["frame", "scan"]) -> tuple[Axis, Axis]:
    """The axes of the Fourier transform of a picture ``(height, width)``, frequency 0 in the middle."""
    y, x = (tuple(np.fft.fftshift(np.fft.fftfreq(size)).tolist()) for size in shape)
    return (
        Axis(name="frequency_y", places=y, of=of, is_frequency=True),
        Axis(name="frequency_x", places=x, of=of, is_frequency=True),
    )


def spectrum_spec(name: str, of: ResultSpec, shape: Size2D) -> ResultSpec:
    """The absolute Fourier transform of a picture ``(height, width)``, an image or a frame, as a result."""
    axes = () if of.kind == "single" else frequency_axes(shape, of.kind)
    return ResultSpec(name=name, kind="single", dtype="float64", unit=of.unit, extra=shape, axes=axes)


def split_list(value: Any) -> Any:
    """Text as the command line writes a list, its items joined by ``+`` or ``;``, as a list; all else as it is."""
    return re.split(r"(?<!\d[eE])\+|;", value) if isinstance(value, str) else value


class Analysis(Frozen):
    """Base of all specs. A plug-in's spec derives from this and fixes `kind`."""

    kind: str
    name: Name

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        """What this gives for frames ``(ky, kx)`` of `dtype`."""
        raise NotImplementedError

    def check(self, frame_shape: Size2D) -> None:
        """Raises UsageError where this makes no sense of frames ``(ky, kx)``; nothing is computed then."""

    def result_names(self) -> tuple[str, ...]:
        """Names of the results, which the dataset does not change."""
        return (self.name,)

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if name in RESERVED_NAMES:
            raise ValueError(f"'{name}' is a reserved name")
        return name


def with_weight(field: str, given: Any, data: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an analysis with a `weight` that is about a shape, `given` or by its `field`: the shape may have
    that weight."""
    shape = data.get(field) if given is None else given
    if isinstance(shape, Weighted):
        data = {"weight": shape.weight, **data}
        shape = shape.shape
    return data if shape is None else {**data, field: shape}


class VirtualDetector(Analysis):
    """The sum of each frame inside a shape, times a weight: one image.

    Integer data with weight 1 and a 0/1 mask give exact integer sums; else float64. Pixels outside are never read.
    """

    kind: Literal["virtual_detector"] = "virtual_detector"
    name: Name = "detector"
    shape: AnyShape
    weight: Finite = 1.0

    def __init__(self, shape: AnyShape | Weighted | None = None, /, **data: Any) -> None:
        super().__init__(**with_weight("shape", shape, data))

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        exact = self.weight == 1.0 and self.shape.weights(frame_shape) is None
        out = sum_dtype(dtype) if exact else np.dtype(np.float64)
        return (ResultSpec(name=self.name, kind="scan", dtype=out.name),)


class Centred(Analysis):
    """An analysis about a point.

    Attributes
    ----------
    cy, cx : the point in pixels, by default the frame's centre ``((ky-1)/2, (kx-1)/2)``
    """

    cy: Coordinate | None = None
    cx: Coordinate | None = None

    def centre(self, frame_shape: Size2D) -> tuple[float, float]:
        """The point ``(cy, cx)``."""
        cy = (frame_shape[0] - 1) / 2 if self.cy is None else self.cy
        cx = (frame_shape[1] - 1) / 2 if self.cx is None else self.cx
        return cy, cx

    def about(self, shape: AnyShape) -> Self:
        """The same about the centre of a shape, such as `fit_direct_beam` and `fit_ring` find.

        Raises UsageError where it is none that is drawn about a centre.
        """
        if not isinstance(shape, Disk | Ring | Sector | Ellipse):
            what = f"a {type(shape).__name__} has no centre"
            raise UsageError(what, "Give a Disk, Ring, Sector or Ellipse, or cy and cx.")
        return type(self)(**{**dict(self), "cy": shape.cy, "cx": shape.cx})


COM_UNITS = {
    "y": "px",
    "x": "px",
    "magnitude": "px",
    "direction": "deg",
    "divergence": "px/step",
    "curl": "px/step",
    "icom": "px·step",
}
"""The maps that a centre of mass may give."""
ComMap = Literal["y", "x", "magnitude", "direction", "divergence", "curl", "icom"]


def _without_weight(given: Any) -> Any:
    return given.shape if isinstance(given, Weighted) else given


class CenterOfMass(Centred):
    """First moments of each frame in camera pixels, relative to ``(cy, cx)``, by default the frame's centre
    ``((ky-1)/2, (kx-1)/2)``; within `mask` alone where one is given. NaN where the frame's sum is 0.

    Attributes
    ----------
    maps : results ``NAME_MAP (sy, sx) float64``: ``y`` and ``x`` by default; ``magnitude``; ``direction`` in degrees, 0
        along +x and growing towards +y; ``divergence`` and ``curl`` (central differences, NaN beside what is not
        known); ``icom`` (integrated by Fourier transform). As text joined by ``+``
    mask : where the moments are taken, by default in the whole frame; weights count as inside or, where 0, outside
    descan : coefficients of a plane (of 1, y, x for the y component, then for x: 6 numbers) or paraboloid (of 1, y, x,
        y*y, y*x, x*x: 12 numbers) over scan positions, taken away first; `fit_descan` finds them
    flip : turn y round, for a camera whose first row is the lowest
    rotation : degrees by which the vectors are then turned from +x towards +y, into the scan's axes;
        `rotation_by_minimal_curl` finds it and `flip`
    """

    kind: Literal["com"] = "com"
    name: Name = "com"
    mask: Annotated[AnyShape | None, BeforeValidator(_without_weight)] = None
    maps: Annotated[tuple[ComMap, ...], BeforeValidator(split_list), Field(min_length=1)] = ("y", "x")
    descan: Annotated[tuple[Finite, ...], BeforeValidator(split_list)] | None = None
    flip: bool = False
    rotation: Finite = 0.0

    @field_validator("maps")
    @classmethod
    def _each_once(cls, maps: tuple[ComMap, ...]) -> tuple[ComMap, ...]:
        if len(set(maps)) < len(maps):
            raise ValueError("each map can be asked for once")
        return maps

    @field_validator("descan")
    @classmethod
    def _plane_or_paraboloid(cls, descan: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if descan is not None and len(descan) not in (6, 12):
            raise ValueError("descan takes 6 numbers for a plane, 12 for a paraboloid")
        return descan

    def result_names(self) -> tuple[str, ...]:
        return tuple(f"{self.name}_{which}" for which in self.maps)

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return tuple(
            ResultSpec(name=f"{self.name}_{which}", kind="scan", dtype="float64", unit=COM_UNITS[which])
            for which in self.maps
        )


class SumFrame(Analysis):
    """The sum of all frames ``(ky, kx)``, exact for integers."""

    kind: Literal["sum_frame"] = "sum_frame"
    name: Name = "sum_frame"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return (ResultSpec(name=self.name, kind="frame", dtype=sum_dtype(dtype).name),)


class MeanFrame(Analysis):
    """The mean of all frames ``(ky, kx) float64``: their exact sum over their number; NaN where there is none."""

    kind: Literal["mean_frame"] = "mean_frame"
    name: Name = "mean_frame"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return (ResultSpec(name=self.name, kind="frame", dtype="float64"),)


class MaxFrame(Analysis):
    """The largest value of each camera pixel over all frames ``(ky, kx)``, in the file's type; a NaN stays a NaN."""

    kind: Literal["max_frame"] = "max_frame"
    name: Name = "max_frame"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return (ResultSpec(name=self.name, kind="frame", dtype=np.dtype(dtype).newbyteorder("=").name),)


class FftFrame(Analysis):
    """The absolute value of the Fourier transform of the mean frame ``(ky, kx) float64``, frequency 0 in the middle at
    ``(ky // 2, kx // 2)``; NaN where there is no frame.

    Attributes
    ----------
    window : a Hann window first, against the cross that the frame's edges make
    """

    kind: Literal["fft_frame"] = "fft_frame"
    name: Name = "fft_frame"
    window: bool = False

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        axes = frequency_axes(frame_shape, "frame")
        return (ResultSpec(name=self.name, kind="single", dtype="float64", extra=frame_shape, axes=axes),)


class StdFrame(Analysis):
    """The standard deviation of each camera pixel over all frames ``(ky, kx) float64``, over their number (ddof 0); NaN
    where there is none. Integers are summed exactly, floats by running deviations: nothing cancels or wraps.
    """

    kind: Literal["std_frame"] = "std_frame"
    name: Name = "std_frame"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return (ResultSpec(name=self.name, kind="frame", dtype="float64"),)


class VarFrame(Analysis):
    """The variance of each camera pixel over all frames ``(ky, kx) float64``: the square of `StdFrame`."""

    kind: Literal["var_frame"] = "var_frame"
    name: Name = "var_frame"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return (ResultSpec(name=self.name, kind="frame", dtype="float64", unit="counts²"),)


class SumSignal(Analysis):
    """The sum of each whole frame ``(sy, sx)``, exact for integers."""

    kind: Literal["sum_signal"] = "sum_signal"
    name: Name = "sum_signal"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return (ResultSpec(name=self.name, kind="scan", dtype=sum_dtype(dtype).name),)


class MeanSignal(Analysis):
    """The mean of each frame's pixels ``(sy, sx) float64``."""

    kind: Literal["mean_signal"] = "mean_signal"
    name: Name = "mean_signal"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return (ResultSpec(name=self.name, kind="scan", dtype="float64"),)


class StdSignal(Analysis):
    """The standard deviation of each frame's pixels ``(sy, sx) float64`` (ddof 0), from exact sums for integers."""

    kind: Literal["std_signal"] = "std_signal"
    name: Name = "std_signal"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return (ResultSpec(name=self.name, kind="scan", dtype="float64"),)


class MaxSignal(Analysis):
    """The largest pixel of each frame ``(sy, sx)``, in the file's type; NaN where the frame holds one."""

    kind: Literal["max_signal"] = "max_signal"
    name: Name = "max_signal"

    def results(self, frame_shape: Size2D, dtype: DTypeLike) -> tuple[ResultSpec, ...]:
        return (ResultSpec(name=self.name, kind="scan", dtype=np.dtype(dtype).newbyteorder("=").name),)


def kind_of(spec: type[Analysis]) -> str:
    """The ``kind`` that a spec class fixes."""
    return str(spec.model_fields["kind"].default)
