"""The window on real files, and on files of every format that it may be given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import Qt

from ltdesk.errors import LtdeskError
from ltdesk.geometry import Disk
from ltdesk.ui.dialogs.dataset_chooser import DatasetChooser
from ltdesk.ui.dialogs.error_dialog import ErrorDialog
from ltdesk.ui.dialogs.raw_open_dialog import RawOpenDialog
from tests.ui.user import User

pytestmark = pytest.mark.samples
COLUMNS = [(0, 0), (0, 20), (20, 0), (20, 20)]


def test_the_strontium_columns_are_bright_in_a_drawn_dark_field(user: User, samples: Path) -> None:
    user.open(samples / "simulated" / "srtio3_40x40x95x95.h5")
    beam = user.selected.shape
    assert isinstance(beam, Disk)
    assert beam.r == pytest.approx(21 / 1.6058, abs=1)
    user.trigger("tool_ring")
    centre, rim, inner = (47.0, 47.0), (47.0, 47.0 + 46.9), (47.0, 47.0 + 38.0)
    user.frame.hover(centre)
    user.frame.press(centre)
    user.frame.move(rim)
    user.frame.move(inner, keys=Qt.ControlModifier)
    user.frame.release(inner, keys=Qt.ControlModifier)
    user.wait_exact()
    image = user.shown()
    ring = user.selected.shape
    assert (ring.r_in, ring.r_out) == pytest.approx((38, 46.9), abs=0.3)
    assert min(image[column] for column in COLUMNS) > 60
    assert image[10, 0] < 15
    user.trigger("show_com")
    user.wait(lambda: user.image_view.prepared.wheel, "the vectors")
    user.wait_exact()
    _, along_y, along_x = (layer.values for layer in user.image_view.prepared.layers)
    assert along_y[18, 20] * along_y[22, 20] < 0  # away from the column or towards it, on either side
    assert along_x[20, 18] * along_x[20, 22] < 0
    assert np.isfinite(along_y).all()


def test_every_sample_opens_or_says_why_not(user: User, samples: Path) -> None:
    """Whatever is dropped, there is a picture or words with a way out, and the window lives on."""
    opened, refused = [], []
    for path in sorted(path for path in samples.rglob("*") if path.is_file()):
        before = user.desk.dataset
        user.drop(path)
        user.wait(lambda: not user.desk.opener.busy, path.name)
        dialog = user.dialog()
        if isinstance(dialog, ErrorDialog):
            assert isinstance(dialog.exception, LtdeskError), path
            assert path.name in dialog.copy_text, path
            refused.append(path.name)
        else:
            assert dialog is None or isinstance(dialog, DatasetChooser | RawOpenDialog), path
            opened.append(path.name) if dialog is None else None
            assert dialog is not None or user.desk.dataset is not before
        if dialog is not None:
            dialog.close()
        else:
            user.wait(lambda: user.image_view.prepared is not None, path.name)
    assert {"srtio3_40x40x95x95.h5", "py4DSTEM_size2x3x4x5.h5", "test1.blo"} <= set(opened)
    assert "COPYING.txt" in refused
