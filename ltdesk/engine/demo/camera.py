"""Sizes, camera and dose of the demo scan."""

from __future__ import annotations

from dataclasses import dataclass

from ltdesk.engine.demo.crystal import WAVELENGTH_NM

CAMERA_MRAD = 51.84  # full width of the camera
SEMIANGLE_MRAD = 3.0
COM_MASK_MRAD = 5.3  # halfway between the direct disk and the nearest Bragg disk, with room for the shift

# Places as fractions of the frame, with what the pixel counts per frame on average.
DEAD_PIXELS = ((0.22, 0.31), (0.71, 0.85), (0.83, 0.17))
HOT_PIXELS = ((0.13, 0.68, 260.0), (0.87, 0.39, 400.0), (0.45, 0.05, 150.0))


@dataclass(frozen=True)
class Camera:
    """Geometry and dose of a demo's frames; `frame_shape` is ``(ky, kx)`` pixels, square."""

    frame_shape: tuple[int, int]
    electrons: int

    @property
    def mrad(self) -> float:
        """Width of a pixel in mrad."""
        return CAMERA_MRAD / self.frame_shape[0]

    @property
    def radius(self) -> float:
        """Radius of the disks in pixels."""
        return SEMIANGLE_MRAD / self.mrad

    @property
    def pixels_per_g(self) -> float:
        """Pixels per 1/nm of a reciprocal vector."""
        return WAVELENGTH_NM * 1e3 / self.mrad

    def pixel(self, fraction_y: float, fraction_x: float) -> tuple[int, int]:
        """The pixel at a place given as fractions of the frame."""
        return int(fraction_y * self.frame_shape[0]), int(fraction_x * self.frame_shape[1])


@dataclass(frozen=True)
class DemoSize:
    """Scan shape ``(sy, sx)`` and camera of one size of the demo."""

    scan_shape: tuple[int, int]
    camera: Camera

    @property
    def frames(self) -> int:
        return self.scan_shape[0] * self.scan_shape[1]

    @property
    def frame_bytes(self) -> int:
        return 2 * self.camera.frame_shape[0] * self.camera.frame_shape[1]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        return (*self.scan_shape, *self.camera.frame_shape)


SIZES = {
    "small": DemoSize((64, 64), Camera((96, 96), 30_000)),
    "medium": DemoSize((256, 256), Camera((128, 128), 40_000)),
    "large": DemoSize((512, 512), Camera((256, 256), 60_000)),
}
