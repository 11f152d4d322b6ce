"""The demo's crystals against geometry worked out another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltdesk.engine.demo.crystal import LATTICE_NM, WAVELENGTH_NM, Crystal, euler_deg, spots_of
from ltdesk.engine.demo.specimen import CRYSTALS, TWIN_DEG

REACH = 11.0
zones = st.sampled_from([((0, 0, 1), (1, 0, 0)), ((1, 1, 0), (0, 0, 1)), ((1, 1, 1), (1, -1, 0))])
tilts = st.floats(-30, 30)


@given(zones, st.floats(-360, 360), tilts, tilts)
def test_orientation_is_a_rotation_that_its_euler_angles_give_back(
    zone: tuple[tuple[int, int, int], tuple[int, int, int]], azimuth: float, ty: float, tx: float
) -> None:
    matrix = Crystal(*zone, azimuth, (ty, tx)).matrix()
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)

    def about(axis: int, degrees: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        i, j = [(1, 2), (2, 0), (0, 1)][axis]
        turn = np.eye(3)
        turn[i, i], turn[i, j], turn[j, i], turn[j, j] = cos, -sin, sin, cos
        return turn

    phi1, tilt, phi2 = euler_deg(matrix)
    np.testing.assert_allclose(about(2, phi1) @ about(0, tilt) @ about(2, phi2), matrix, atol=1e-7)


@given(tilts, tilts)
def test_spots_lie_near_the_ewald_sphere(ty: float, tx: float) -> None:
    crystal = Crystal((1, 1, 0), (0, 0, 1), 20.0, (ty, tx))
    spots = spots_of(crystal, REACH)
    g = (spots.hkl / LATTICE_NM) @ crystal.matrix().T
    from_sphere_centre = np.linalg.norm(g + np.array([0, 0, 1 / WAVELENGTH_NM]), axis=1)
    np.testing.assert_allclose(spots.excitation, 1 / WAVELENGTH_NM - from_sphere_centre, atol=2e-3)
    np.testing.assert_allclose(spots.g, g[:, [1, 0]])


def test_zone_axis_pattern_of_gold_has_its_spacings() -> None:
    spots = spots_of(Crystal((0, 0, 1), (1, 0, 0), 90.0), REACH)
    assert (spots.hkl[:, 2] == 0).all()
    along = spots.g[(spots.hkl == [2, 0, 0]).all(1)][0]
    np.testing.assert_allclose(along, [2 / LATTICE_NM, 0], atol=1e-12)  # azimuth 90: along +y
    # every spot's opposite is there and, without tilt, as strong
    strength = dict(
        zip(map(tuple, spots.hkl.tolist()), spots.strength(np.array([20.0]), np.zeros((1, 2)))[0], strict=True)
    )
    for (h, k, l_), value in strength.items():
        assert strength[(-h, -k, -l_)] == pytest.approx(value)


def test_tilt_of_the_specimen_is_tilt_of_the_crystal() -> None:
    flat, tilted = Crystal((0, 0, 1), (1, 0, 0), 10.0), Crystal((0, 0, 1), (1, 0, 0), 10.0, (2.0, -3.0))
    a, b = spots_of(flat, REACH), spots_of(tilted, REACH)
    by_tilt = a.strength(np.array([17.0]), np.array([[2e-3, -3e-3]]))[0]
    itself = b.strength(np.array([17.0]), np.zeros((1, 2)))[0]
    both = {tuple(h): s for h, s in zip(b.hkl.tolist(), itself, strict=True)}
    for hkl, value in zip(a.hkl.tolist(), by_tilt, strict=True):
        assert both[tuple(hkl)] == pytest.approx(value, abs=5e-3)


def test_thickness_fringes_have_the_extinction_distance() -> None:
    spots = spots_of(Crystal((0, 0, 1), (1, 0, 0), 0.0), REACH)
    index = int(np.argmin(np.abs(spots.excitation)))
    exact = np.array([[*(-spots.excitation[index] * spots.g[index] / (spots.g[index] ** 2).sum())]])
    distance = spots.extinction[index]
    at = [spots.strength(np.array([t * distance]), exact)[0, index] for t in (0.0, 0.5, 1.0, 1.5)]
    np.testing.assert_allclose(at, [0, 0.5, 0, 0.5], atol=1e-9)


def test_lamella_is_the_mirror_image_of_its_matrix() -> None:
    """Twin planes stand upright, so the patterns are mirrored at the planes' trace."""
    matrix, lamella = (Crystal(c.zone, c.axis, c.azimuth_deg) for c in CRYSTALS[5:7])
    normal = np.array([math.sin(math.radians(TWIN_DEG)), math.cos(math.radians(TWIN_DEG))])
    g = spots_of(matrix, REACH).g
    mirrored = g - 2 * np.outer(g @ normal, normal)
    twin = spots_of(lamella, 20.0).g
    distance = np.linalg.norm(mirrored[:, None] - twin[None], axis=-1).min(1)
    assert distance.max() < 1e-9
    assert np.linalg.norm(mirrored[:, None] - g[None], axis=-1).min(1).max() > 1
