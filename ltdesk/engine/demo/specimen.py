"""The specimen of the demo scan: gold particles on an amorphous carbon film with a hole, in nm.

The field is 128 nm wide at every size of the demo, so a larger demo shows the same specimen more finely. The
particles are those a microscopist knows: a five-fold twinned decahedron, a thin triangular plate with bend
contours, a rod with a twin lamella, a polycrystal of grown-together grains (one with a dislocation), and
small ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ltdesk.engine.demo.crystal import WAVELENGTH_NM, Crystal, Float

FIELD_NM = 128.0
TEXTURE_POINTS = 512  # the carbon's texture is drawn on this grid, so that it is the same at every size
EDGE_ROUNDING_NM = 0.8
HOLE_NM = (113.0, 67.0, 12.0)  # centre y, x and mean radius
MAX_SHIFT_FIELD_MRAD = 0.55
GOLD_RAD_PER_NM = 0.204  # phase of the mean inner potential, 28 V at 200 kV
VACUUM, CARBON = -1, 0


@dataclass(frozen=True)
class Body:
    """A convex piece of one grain.

    Attributes
    ----------
    grain : number of the grain it belongs to, from 1
    centre : ``(y, x)`` nm
    facets : free surfaces: (azimuth in degrees, distance from the centre in nm); the thickness falls
        towards them
    cuts : boundaries with a neighbour, the same way; they end the grain and leave the thickness alone
    slope, height : thickness in nm per nm from the nearest facet, and its limit in nm
    """

    grain: int
    centre: tuple[float, float]
    facets: tuple[tuple[float, float], ...]
    slope: float
    height: float
    cuts: tuple[tuple[float, float], ...] = ()

    def inside(self, y: Float, x: Float) -> Float:
        """Distance in nm from the nearest free surface, positive inside; -inf beyond a cut."""
        depth = np.stack([d - self._along(azimuth, y, x) for azimuth, d in self.facets])
        nearest = depth.min(0)
        rounded = nearest - EDGE_ROUNDING_NM * np.log(np.exp((nearest - depth) / EDGE_ROUNDING_NM).sum(0))
        beyond = [self._along(azimuth, y, x) > d for azimuth, d in self.cuts]
        return np.asarray(np.where(np.any(beyond, 0), -np.inf, rounded) if beyond else rounded)

    def thickness(self, depth: Float) -> Float:
        """Thickness in nm at a depth from the facets; it levels off smoothly towards `height`."""
        return np.asarray(self.height * np.tanh(self.slope * np.maximum(depth, 0) / self.height))

    def _along(self, azimuth_deg: float, y: Float, x: Float) -> Float:
        angle = np.radians(azimuth_deg)
        return np.asarray((x - self.centre[1]) * np.cos(angle) + (y - self.centre[0]) * np.sin(angle))


@dataclass(frozen=True)
class Specimen:
    """Maps over the scan, each ``(sy, sx)`` unless said otherwise.

    Attributes
    ----------
    crystals : crystal of each grain; grain ``n`` is ``crystals[n - 1]``
    grain : int16: 0 carbon only, -1 vacuum (the hole), else the grain
    thickness : of gold, nm
    carbon : thickness of the carbon film, relative to its mean
    tilt : ``(sy, sx, 2)`` local tilt of the lattice ``(y, x)``, rad: bending and the dislocation
    deflection : ``(sy, sx, 2)`` by which the specimen moves the whole pattern ``(y, x)``, mrad
    """

    crystals: tuple[Crystal, ...]
    grain: NDArray[np.int16]
    thickness: Float
    carbon: Float
    tilt: Float
    deflection: Float


def specimen(scan_shape: tuple[int, int], seed: int) -> Specimen:
    """The specimen sampled at `scan_shape` positions."""
    y, x = _positions(scan_shape)
    grain, thickness = _particles(y, x)
    carbon = _carbon(scan_shape, y, x, np.random.default_rng([seed, 1]))
    grain[(grain == CARBON) & (carbon < 0.05)] = VACUUM
    return Specimen(CRYSTALS, grain, thickness, carbon, _tilt(y, x, grain), _deflection(y, x, thickness))


def _positions(scan_shape: tuple[int, int]) -> tuple[Float, Float]:
    axes = [(np.arange(n) + 0.5) * FIELD_NM / n for n in scan_shape]
    y, x = np.meshgrid(*axes, indexing="ij")
    return y, x


def _particles(y: Float, x: Float) -> tuple[NDArray[np.int16], Float]:
    """Grain and gold thickness. Where bodies meet, the one whose surface is further away has the place."""
    grain = np.full(y.shape, CARBON, np.int16)
    thickness = np.zeros(y.shape)
    deepest = np.zeros(y.shape)
    for body in BODIES:
        depth = body.inside(y, x)
        owns = depth > deepest
        grain[owns] = body.grain
        thickness[owns] = body.thickness(depth[owns])
        deepest[owns] = depth[owns]
    return grain, thickness


def _carbon(scan_shape: tuple[int, int], y: Float, x: Float, rng: np.random.Generator) -> Float:
    """Film with fine grain and slow unevenness, and the hole with its ragged, thinning edge."""
    fine, slow, ragged = (_texture(rng, nm) for nm in (0.7, 9.0, 5.0))
    steps = [TEXTURE_POINTS // n for n in scan_shape]
    pick = tuple(slice(step // 2, None, step) for step in steps)
    cy, cx, radius = HOLE_NM
    outside = np.hypot(y - cy, x - cx) - radius - 2.0 * ragged[pick]
    film = 1 + 0.13 * fine[pick] + 0.10 * slow[pick]
    return np.clip(film, 0.3, None) * np.clip(0.5 + outside / 3.0, 0, 1)


def _texture(rng: np.random.Generator, correlation_nm: float) -> Float:
    """Smooth periodic noise over the field, mean 0 and variance 1."""
    noise = np.fft.rfft2(rng.standard_normal((TEXTURE_POINTS, TEXTURE_POINTS)))
    k = np.hypot(np.fft.fftfreq(TEXTURE_POINTS)[:, None], np.fft.rfftfreq(TEXTURE_POINTS)[None, :])
    noise *= np.exp(-2 * (np.pi * k * correlation_nm * TEXTURE_POINTS / FIELD_NM) ** 2)
    noise[0, 0] = 0
    smooth = np.fft.irfft2(noise, s=(TEXTURE_POINTS, TEXTURE_POINTS))
    return np.asarray(smooth / smooth.std())


def _tilt(y: Float, x: Float, grain: NDArray[np.int16]) -> Float:
    """Bending of the plate (a dome) and of the other grains (a little), and the dislocation's strain
    field."""
    tilt = np.zeros((*y.shape, 2))
    for number, (cy, cx, rad_per_nm) in BENDING.items():
        here = grain == number
        tilt[here] = np.stack([y[here] - cy, x[here] - cx], -1) * rad_per_nm
    (y0, x0), (y1, x1) = DISLOCATION_NM
    along = np.array([y1 - y0, x1 - x0])
    length = np.hypot(*along)
    along /= length
    run = (y - y0) * along[0] + (x - x0) * along[1]
    off = (x - x0) * along[0] - (y - y0) * along[1]
    ends = np.clip(np.minimum(run, length - run) / 3.0, 0, 1)
    strain = 0.012 * ends * 2 * off / (off**2 + 1.0)
    here = grain == DISLOCATED_GRAIN
    tilt[here] += strain[here][:, None] * np.array([-along[1], along[0]])
    return tilt


def _deflection(y: Float, x: Float, thickness: Float) -> Float:
    """The gradient of one phase, so without curl: the fields of two charged particles and a residual descan
    over the field, and the mean inner potential of the gold, which shows at the particles' edges."""
    field = np.stack([0.20 * (y / FIELD_NM - 0.5), 0.12 * (x / FIELD_NM - 0.5)], -1)
    for cy, cx, width, strength in CHARGES:
        distance2 = (y - cy) ** 2 + (x - cx) ** 2
        screened = strength * 2 * width / (distance2 + width**2) * np.exp(-np.sqrt(distance2) / SCREENING_NM)
        field += screened[..., None] * np.stack([y - cy, x - cx], -1)
    field *= MAX_SHIFT_FIELD_MRAD
    steps = [FIELD_NM / n for n in y.shape]
    slopes = (np.gradient(GOLD_RAD_PER_NM * thickness, step, axis=axis) for axis, step in enumerate(steps))
    inner = np.stack(list(slopes), -1)
    return field + inner * WAVELENGTH_NM / (2 * np.pi) * 1e3


def _polygon(sides: int, first_deg: float, distance: float, spread: float = 0.0) -> tuple[tuple[float, float], ...]:
    """Facets of a polygon; `spread` makes every other one further out by that fraction."""
    return tuple((first_deg + 360.0 * i / sides, distance * (1 + spread * (i % 2))) for i in range(sides))


def _decahedron(first_grain: int, centre: tuple[float, float], azimuth: float, distance: float) -> list[Body]:
    """Five wedges about a common [1-10] axis, each 72 degrees wide, thickest in the middle."""
    return [
        Body(
            grain=first_grain + i,
            centre=centre,
            facets=((azimuth + 72.0 * i, distance),),
            cuts=((azimuth + 72.0 * i + 126.0, 0.0), (azimuth + 72.0 * i - 126.0, 0.0)),
            slope=1.7,
            height=28.0,
        )
        for i in range(5)
    ]


DECAHEDRON_DEG = 19.0
TWIN_DEG = 51.0  # normal of the twin planes
PLATE_DEG = 13.0  # normal of a side of the plate, along <112>
ROD_NM = (93.0, 30.0)
ROD_FACETS = (
    *((TWIN_DEG + turn, 20.0) for turn in (0.0, 180.0, 45.0, -45.0, 135.0, -135.0)),
    *((TWIN_DEG + turn, 12.0) for turn in (90.0, -90.0)),
)

BODIES: tuple[Body, ...] = (
    *_decahedron(1, (40.0, 38.0), DECAHEDRON_DEG, 22.0),
    # the rod: matrix, lamella, matrix
    Body(6, ROD_NM, ROD_FACETS, slope=1.6, height=22.0, cuts=((TWIN_DEG, -4.0),)),
    Body(7, ROD_NM, ROD_FACETS, slope=1.6, height=22.0, cuts=((TWIN_DEG, 2.5), (TWIN_DEG + 180, 4.0))),
    Body(6, ROD_NM, ROD_FACETS, slope=1.6, height=22.0, cuts=((TWIN_DEG + 180, -2.5),)),
    # the triangular plate, its corners cut off
    Body(
        8, (92.0, 99.0), (*_polygon(3, PLATE_DEG, 14.5), *_polygon(3, PLATE_DEG + 60.0, 23.0)), slope=3.0, height=15.0
    ),
    # grown-together grains
    Body(9, (30.0, 92.0), _polygon(8, 8.0, 15.0, 0.12), slope=1.8, height=30.0),
    Body(10, (22.0, 110.0), _polygon(6, 25.0, 11.5, 0.10), slope=1.8, height=26.0),
    Body(11, (44.0, 108.0), _polygon(6, 0.0, 13.0, 0.15), slope=1.8, height=28.0),
    Body(12, (50.0, 89.0), _polygon(6, 15.0, 8.5, 0.10), slope=1.8, height=24.0),
    # small ones
    Body(13, (71.0, 62.0), _polygon(6, 10.0, 6.0, 0.10), slope=1.9, height=16.0),
    Body(14, (13.0, 66.0), _polygon(8, 5.0, 5.0, 0.10), slope=1.9, height=14.0),
    Body(15, (67.0, 10.0), _polygon(6, 20.0, 5.5, 0.10), slope=1.9, height=15.0),
    Body(16, (118.0, 48.0), _polygon(8, 0.0, 5.0, 0.05), slope=1.9, height=15.0),
)

# Azimuths and tilts were searched for so that every grain has a strong spot which no other grain's spot covers.
CRYSTALS: tuple[Crystal, ...] = (
    *(Crystal((1, -1, 0), (0, 0, 1), DECAHEDRON_DEG + 72.0 * i, (26.0, 1.0)) for i in range(5)),
    Crystal((1, -1, 0), (1, 1, 1), TWIN_DEG, (-7.0, 25.0)),
    Crystal((-1, 1, 0), (1, 1, 1), TWIN_DEG, (-7.0, 25.0)),  # mirrored at the twin plane
    Crystal((1, 1, 1), (1, -1, 0), PLATE_DEG + 90.0, (1.0, -2.0)),
    Crystal((0, 0, 1), (1, 0, 0), 158.0, (1.0, 21.0)),
    Crystal((1, 1, 2), (1, -1, 0), 144.0, (11.0, 16.0)),
    Crystal((1, 1, 0), (0, 0, 1), 273.0, (10.0, 13.0)),
    Crystal((0, 1, 3), (1, 0, 0), 172.0, (-17.0, 12.0)),
    Crystal((0, 0, 1), (1, 0, 0), 301.0, (9.0, -19.0)),
    Crystal((1, 1, 0), (0, 0, 1), 309.0, (2.0, -21.0)),
    Crystal((1, 1, 2), (1, -1, 0), 231.0, (-17.0, -6.0)),
    Crystal((1, 1, 1), (1, -1, 0), 247.0, (19.0, 9.0)),
)

# grain: centre y, x of the bending in nm and its curvature in rad/nm
BENDING = {
    6: (93.0, 30.0, 0.0004),
    7: (93.0, 30.0, 0.0004),
    8: (91.0, 98.0, 0.0016),
    9: (32.0, 90.0, 0.0005),
    10: (22.0, 110.0, -0.0004),
    11: (44.0, 108.0, 0.0006),
    12: (50.0, 89.0, 0.0005),
}
DISLOCATED_GRAIN = 9
DISLOCATION_NM = ((21.0, 84.0), (37.0, 97.0))
# charged particles: y, x, width of the charge in nm and the sign with the strength of its field
CHARGES = ((40.0, 38.0, 20.0, 1.7), (90.0, 96.0, 18.0, -1.6))
SCREENING_NM = 35.0
