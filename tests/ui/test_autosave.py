"""The session survives a crash, and only a crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ltdesk.geometry import Disk
from ltdesk.job import DatasetRef
from ltdesk.session import Detector, Session
from ltdesk.ui.files import autosave as module
from ltdesk.ui.files.autosave import Autosave, left_behind
from ltdesk.ui.session_model import SessionModel


def session(radius: float = 3) -> Session:
    detector = Detector(name="BF", colour="#E69F00", shape=Disk(cy=1, cx=2, r=radius))
    return Session(dataset=DatasetRef(uri="/data/scan.h5"), detectors=(detector,))


@pytest.fixture
def model(qapp) -> SessionModel:
    return SessionModel()


@pytest.fixture
def autosave(model: SessionModel, tmp_path: Path):
    autosave = Autosave(model, tmp_path / "state")
    yield autosave
    autosave.close()


def saved(autosave: Autosave) -> Session:
    assert autosave.wait()
    return Session.model_validate_json(autosave.path.read_text(encoding="utf-8"))


def test_saved_soon_after_the_last_change(autosave: Autosave, model: SessionModel, qtbot, monkeypatch) -> None:
    autosave._timer.setInterval(1)
    model.edit("Open", session())
    qtbot.waitUntil(autosave.path.exists)
    assert saved(autosave) == model.session


def test_changes_that_never_pause_are_saved_all_the_same(autosave: Autosave, model, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(module, "LONGEST_MS", 0)
    autosave._timer.setInterval(40)  # longer than waitUntil waits between two looks
    radii = iter(range(1, 10_000))

    def edit_and_look() -> bool:
        model.edit("Resize", session(next(radii)))
        return autosave.path.exists()

    qtbot.waitUntil(edit_and_look)


def test_it_waits_for_a_second_without_changes(autosave: Autosave, model: SessionModel) -> None:
    assert not autosave._timer.isActive()
    model.edit("Open", session())
    assert autosave._timer.isActive()
    assert autosave._timer.interval() == 1000


def test_a_window_that_lives_is_not_offered(autosave: Autosave, model: SessionModel, tmp_path: Path) -> None:
    model.edit("Open", session())
    autosave.save()
    assert autosave.wait()
    assert left_behind(tmp_path / "state") == []
    assert autosave.path.exists()


def test_nothing_is_left_after_a_normal_end(autosave: Autosave, model: SessionModel, tmp_path: Path) -> None:
    model.edit("Open", session())
    autosave.save()
    autosave.wait()
    autosave.close()
    assert list((tmp_path / "state").iterdir()) == []


def test_an_empty_session_is_not_kept(autosave: Autosave, model: SessionModel) -> None:
    model.edit("Open", session())
    autosave.save()
    assert autosave.wait()
    model.open(Session())
    autosave.save()
    assert autosave.wait()
    assert not autosave.path.exists()


def crash(folder: Path) -> None:
    """A process that saves and is gone without closing anything."""
    code = f"""
import os
from pathlib import Path
from PyQt5.QtCore import QCoreApplication
from ltdesk.session import Session
from ltdesk.ui.files.autosave import Autosave
from ltdesk.ui.session_model import SessionModel
from ltdesk.job import DatasetRef
from PyQt5.QtWidgets import QApplication
app = QApplication([])
model = SessionModel()
autosave = Autosave(model, Path({str(folder)!r}))
model.edit("Open", Session(dataset=DatasetRef(uri="/data/crashed.h5")))
autosave.save()
assert autosave.wait()
os._exit(1)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=250).returncode == 1


def test_what_a_crash_left_is_offered_and_can_be_discarded(tmp_path: Path) -> None:
    crash(tmp_path)
    (found,) = left_behind(tmp_path)
    assert found.session.dataset == DatasetRef(uri="/data/crashed.h5")
    assert found.saved_at > 1e9
    (again,) = left_behind(tmp_path)  # looking does not take it
    again.discard()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_read_is_deleted(tmp_path: Path, qapp) -> None:
    for number, content in enumerate([b"", b"{", b'{"version": 99}', b"\xff\xfe"]):
        (tmp_path / f"{number}{module.SUFFIX}").write_bytes(content)
    assert left_behind(tmp_path) == []
    assert list(tmp_path.glob(f"*{module.SUFFIX}")) == []


def test_a_folder_that_is_not_there(tmp_path: Path, qapp) -> None:
    assert left_behind(tmp_path / "none") == []


def test_a_disk_that_refuses_is_no_reason_to_stop(model: SessionModel, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    autosave = Autosave(model, in_the_way / "state")
    model.edit("Open", session())
    autosave.save()
    assert autosave.wait()
    autosave.close()


def test_the_folder_can_be_chosen(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LTDESK_STATE_DIR", str(tmp_path))
    assert module.autosave_folder() == tmp_path
