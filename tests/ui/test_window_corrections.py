"""Correcting frames in the window: what is shown is corrected, undo takes it back, the session keeps it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ltdesk.correction import Correction
from ltdesk.engine.open import open_dataset
from ltdesk.ui.dialogs.correction_dialog import CorrectionDialog, look
from ltdesk.ui.files.session_file import load_session, save_session
from tests.ui.fakes import counts
from tests.ui.user import User, write_scan

FRAMES = counts((8, 6), (24, 20))
DARK = np.full((24, 20), 1.5)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    np.save(tmp_path / "dark.npy", DARK)
    np.save(tmp_path / "small.npy", np.zeros((3, 4)))
    dead = np.zeros((24, 20), bool)
    dead[3, 4] = True
    np.save(tmp_path / "dead.npy", dead)
    return write_scan(tmp_path / "scan.h5", FRAMES)


def ask(user: User) -> CorrectionDialog:
    """Open the dialog by its action, and wait for what it shows first."""
    user.window.actions_by_name["correct"].trigger()
    dialog = user.window.findChild(CorrectionDialog)
    assert dialog is not None
    assert dialog.reader.wait()
    return dialog


def take(dialog: CorrectionDialog, **paths: Path) -> None:
    for part, path in paths.items():
        dialog.take(part, str(path))
    assert dialog.reader.wait()


def image(frames: NDArray[np.float64], user: User) -> NDArray[np.float64]:
    mask = user.selected.shape.mask((24, 20))
    return np.asarray(frames[..., mask].sum(axis=-1))


def frame_shown(user: User) -> NDArray[np.float64]:
    prepared = user.frame_view.prepared
    return np.zeros(1) if prepared is None else np.asarray(prepared.picture.values, np.float64)


def wait_for(user: User, frames: NDArray[np.float64]) -> None:
    """Until the image on the right is that of these frames, exactly."""
    wanted = image(frames, user)
    user.wait(lambda: user.image_view.status == "exact" and np.allclose(user.shown(), wanted), "the corrected image")


def test_a_correction_is_one_edit_that_undo_takes_back(user: User, scan: Path) -> None:
    user.open(scan)
    user.wait(lambda: np.allclose(user.shown(), image(FRAMES, user)))
    dialog = ask(user)
    assert not dialog.apply.isEnabled(), "nothing is chosen yet"
    take(dialog, dark=scan.parent / "dark.npy", dead_pixels=scan.parent / "dead.npy")
    assert dialog.words["dark"].text() == "dark.npy: 1.5 … 1.5, mean 1.5"
    assert dialog.words["dead_pixels"].text() == "1 pixel"
    assert dialog.apply.isEnabled()
    dialog.accept()
    expected = FRAMES - 1.5
    square = expected[..., 2:5, 3:6].reshape(8, 6, 9)
    expected[..., 3, 4] = np.delete(square, 4, axis=-1).mean(axis=-1)
    wait_for(user, expected)
    assert user.desk.model.undo_stack.undoText() == "Correct Frames"
    assert "f32 corrected" in user.window.job_bar.dataset.text()
    user.desk.model.undo_stack.undo()
    wait_for(user, FRAMES)
    assert "corrected" not in user.window.job_bar.dataset.text()
    user.desk.model.undo_stack.redo()
    wait_for(user, expected)
    user.window.actions_by_name["frame_cursor"].trigger()
    cursor = user.session.cursor
    user.wait(lambda: np.allclose(frame_shown(user), expected[cursor]))


def test_what_does_not_fit_is_said_and_not_applied(user: User, scan: Path) -> None:
    user.open(scan)
    dialog = ask(user)
    take(dialog, gain=scan.parent / "small.npy", dark=scan.parent / "dark.npy")
    assert "the gain map has 3x4 pixels" in dialog.words["gain"].text().replace("\N{ZERO WIDTH SPACE}", "")
    assert dialog.words["dark"].text().startswith("dark.npy"), "the other is read all the same"
    assert not dialog.apply.isEnabled()
    take(dialog, gain=scan.parent / "no.npy")
    assert "does not exist" in dialog.words["gain"].text()
    dialog.buttons_of["gain"]["none"].click()
    assert dialog.reader.wait()
    assert dialog.words["gain"].text() == "none"
    assert dialog.apply.isEnabled()
    dialog.reject()
    assert user.session.dataset is not None
    assert user.session.dataset.correction is None


def test_a_session_opens_as_it_was_corrected(user: User, scan: Path, tmp_path: Path) -> None:
    user.open(scan)
    dialog = ask(user)
    take(dialog, dark=scan.parent / "dark.npy")
    dialog.accept()
    wait_for(user, FRAMES - 1.5)
    save_session(user.session, str(tmp_path / "s.ltdesk"))
    (tmp_path / "dark.npy").unlink()
    assert load_session(str(tmp_path / "s.ltdesk")).dataset == user.session.dataset
    user.desk.close_scan()
    user.open(tmp_path / "s.ltdesk")
    wait_for(user, FRAMES - 1.5)
    dialog = ask(user)
    assert dialog.words["dark"].text().startswith("dark.npy: 1.5")
    dialog.reject()


def test_pictures_before_and_after_come_with_what_to_know(scan: Path) -> None:
    gain = np.ones((24, 20))
    gain[0, 0] = np.nan
    with open_dataset(scan) as dataset:
        looked = look(dataset, Correction(gain=gain), {}, (0, 0))
        assert "for want of a finite dark or gain: 1 pixel" in looked.note
        assert looked.before is not None
        assert looked.after is not None
        assert looked.before[1].startswith(f"{FRAMES[0, 0].min():.4g} …")
        assert looked.words["gain"].startswith("an array: 1 … 1")
