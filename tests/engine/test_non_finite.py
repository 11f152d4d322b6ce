"""NaN and infinite pixels, counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ltdesk.engine.non_finite import NonFinite, count_non_finite
from ltdesk.engine.open import open_dataset
from ltdesk.errors import JobCancelled


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "<f2"])
def test_they_are_counted(tmp_path: Path, dtype: str) -> None:
    array = np.zeros((5, 6, 7, 8), dtype)
    array[0, 0, 0, :3] = np.nan
    array[0, 0, 1, 0] = np.inf
    array[4, 5, 6, 7] = -np.inf
    array[2, 3, 4, 5] = np.nan
    np.save(tmp_path / "a.npy", array)
    with open_dataset(tmp_path / "a.npy") as dataset:
        assert count_non_finite(dataset) == NonFinite(nan=4, inf=2, frames=3)
        with pytest.raises(JobCancelled):
            count_non_finite(dataset, cancelled=lambda: True)


def test_integers_have_none(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 3, 4, 5), "u2"))
    with open_dataset(tmp_path / "a.npy") as dataset:
        assert count_non_finite(dataset, cancelled=lambda: True) == NonFinite()
