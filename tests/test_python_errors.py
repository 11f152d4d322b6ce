"""What Python refuses: always an `LtdeskError`, a ValueError too where it is about a value, and one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

import ltdesk
from ltdesk.engine.dataset import Dataset
from ltdesk.errors import InvalidValue
from ltdesk.geometry import AnyShape

SCAN, FRAME = (4, 5), (16, 20)
api: Any = ltdesk  # what isn't of the right type is the matter here
DISK = ltdesk.Disk(cy=8, cx=9, r=5)


@pytest.fixture
def dataset(tmp_path: Path) -> Iterator[Dataset]:
    np.save(tmp_path / "scan.npy", np.random.default_rng(3).poisson(20, SCAN + FRAME).astype("<u2"))
    with ltdesk.open(tmp_path / "scan.npy") as dataset:
        yield dataset


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ltdesk.RadialProfile(nbins=-1), "RadialProfile: nbins: must be more than 0, not -1."),
        (lambda: ltdesk.CenterOfMass(rotation="fit"), "rotation: 'fit' is not a number."),
        (lambda: ltdesk.CenterOfMass(maps=["q"]), "maps: 'q' is not one of 'y', 'x'"),
        (lambda: ltdesk.CenterOfMass(mask="bf"), "mask: 'bf' is neither a shape nor an array."),
        (lambda: ltdesk.RadialFourier(orders=4), "orders: '4' is no list."),
        (lambda: ltdesk.RadialProfile().about(ltdesk.Disk(cy=1e300, cx=0, r=1)), "cy: must be at most 1,000,000"),
        (lambda: ltdesk.Disk(cy=1, cx=1, r=-1), "Disk: r: must be at least 0, not -1."),
        (lambda: DISK * np.nan, "Weighted: weight: must be a finite number."),
        (lambda: ltdesk.PixelMask.from_array(np.ones(3)), "a mask is a 2D array"),
        (lambda: ltdesk.Correction(dark=5), "Correction: dark: '5' is"),
    ],
)
def test_a_value_that_makes_no_sense_is_one_line(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        make()
    assert isinstance(caught.value, ltdesk.LtdeskError)
    assert isinstance(caught.value, ValueError)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_within_other_models_pydantic_still_says_where() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(AnyShape).validate_python({"kind": "disk", "cy": 1, "cx": 1, "r": -1})
    assert caught.value.errors()[0]["loc"][-1] == "r"


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda ds: api.run(ds, api.SumFrame), "SumFrame is a class: give SumFrame()"),
        (lambda ds: api.run(ds, [api.SumFrame]), "SumFrame is a class: give SumFrame()"),
        (lambda ds: api.run(ds, "sum_frame"), "'sum_frame' is no Analysis"),
        (lambda ds: api.run(ds, 5), "'5' is no Analysis"),
        (lambda ds: api.run(ds, api.SumFrame(), region="rect:0,0,4,4"), "region: 'rect:0,0,4,4' is neither"),
        (lambda ds: api.run(ds, api.SumFrame(), region=np.ones(4)), "a mask is a 2D array"),
        (lambda ds: api.suggest_detector(ds, "a", "b"), "region: 'a' is neither a shape nor an array"),
        (
            lambda ds: api.RadialProfile().about(ltdesk.Rectangle(y0=0, x0=0, y1=3, x1=4)),
            "a Rectangle has no centre",
        ),
        (lambda ds: api.fft_magnitude(np.zeros(4)), "(4,) and type float64 is no picture"),
        (lambda ds: api.fit_ring(np.zeros(40), 3, 9), "is no picture"),
        (lambda ds: api.fit_direct_beam(np.zeros((3, 4, 5))), "is no picture"),
        (lambda ds: api.fit_descan(np.zeros(4), np.zeros(4)), "is no picture"),
        (lambda ds: api.rotation_by_minimal_curl(np.zeros(4), np.zeros(4)), "is no picture"),
    ],
)
def test_a_request_that_makes_no_sense_is_one_line(dataset: Dataset, ask: Callable[[Dataset], Any], said: str) -> None:
    with pytest.raises(ltdesk.LtdeskError) as caught:
        ask(dataset)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_array_will_do_for_a_mask(dataset: Dataset) -> None:
    region, mask = np.zeros(SCAN, bool), DISK.mask(FRAME)
    region[1:3, 2:] = True
    of_array = ltdesk.run(dataset, ltdesk.CenterOfMass(mask=mask), region=region)
    inside = ltdesk.Rectangle(y0=1, x0=2, y1=3, x1=5)
    of_shapes = ltdesk.run(dataset, ltdesk.CenterOfMass(mask=DISK), region=inside)
    np.testing.assert_array_equal(of_array.valid, region)
    assert of_array["com_y"].tobytes() == of_shapes["com_y"].tobytes()


def test_a_weight_comes_with_its_shape_by_whatever_name() -> None:
    assert ltdesk.VirtualDetector(shape=DISK * 2) == ltdesk.VirtualDetector(DISK * 2)
    assert ltdesk.VirtualDetector(shape=DISK * 2).weight == 2
    assert ltdesk.SignalToNoise(mask=DISK * 2) == ltdesk.SignalToNoise(DISK, weight=2)
    assert ltdesk.SignalToNoise(mask=DISK * 2, weight=3).weight == 3
    assert ltdesk.CenterOfMass(mask=DISK * 2) == ltdesk.CenterOfMass(mask=DISK), "of no matter where all weigh the same"
