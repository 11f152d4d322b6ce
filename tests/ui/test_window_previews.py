"""While the hand drags, the picture is a preview and says so; it is exact once the hand rests, and after."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PyQt5.QtCore import Qt

from ltdesk.analysis import CenterOfMass, MeanFrame, VirtualDetector
from ltdesk.engine.group import Group
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset
from ltdesk.engine.preview import bins as bins_module
from ltdesk.engine.preview import previews as previews_module
from ltdesk.geometry import Disk, Rectangle
from ltdesk.job import Job
from ltdesk.ui import app as app_module
from ltdesk.ui.live import keeper as keeper_module
from ltdesk.ui.live import running_job as running_job_module
from ltdesk.ui.live.answers import Answer
from tests.ui.fakes import counts
from tests.ui.user import User, write_scan

FRAMES = counts((30, 26), (40, 44))
ForEver = Callable[[], None]


def image(shape: Any, frames: NDArray[Any] = FRAMES) -> NDArray[Any]:
    """By definition, straight from the frames."""
    return frames[..., shape.mask(frames.shape[2:])].sum(axis=-1, dtype=np.uint64)


@pytest.fixture
def never_rests(monkeypatch: pytest.MonkeyPatch) -> ForEver:
    """The hand counts as moving until it lets go, so that a slow machine sees the same as a quick one."""
    return lambda: monkeypatch.setattr(keeper_module, "REST", 600.0)


@pytest.fixture
def user(qapp: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    """In front of a window in which even small scans have previews."""
    monkeypatch.setattr(previews_module, "QUICK", -1.0)
    monkeypatch.setattr(previews_module, "SETTLED", 0.0)
    monkeypatch.setattr(app_module, "Previews", functools.partial(previews_module.Previews, smallest=0))
    user = User()
    user.answers = []
    user.desk.live.answered.connect(user.answers.append)
    yield user
    user.close()


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = write_scan(tmp_path / "scan.h5", FRAMES)
    compile_kernels(path)
    return path


def compile_kernels(path: Path) -> None:
    """Where no kernels of this type are cached yet, that takes longer than a user waits."""
    with open_dataset(str(path)) as dataset, LocalExecutor(2) as executor:
        previews = previews_module.Previews(executor, smallest=0)
        previews.open(dataset)
        disk = VirtualDetector(Disk(cy=19, cx=21, r=8), name="disk")
        analyses = (disk, MeanFrame(), CenterOfMass(mask=disk.shape))
        previews.submit(Job(dataset=dataset.ref, analyses=analyses), dataset).result(300)
        for spec in (disk, analyses[2]):
            assert previews.images(dataset, spec) is not None
        previews.close()


def shown_as(user: User, status: str) -> bool:
    """Is a picture of this status on the screen, of where the selected detector is now?"""
    latest = [a for a in user.answers if a.wish.owner == user.session.selected]
    return (
        bool(latest)
        and latest[-1].wish.analysis == user.selected.analysis()
        and user.image_view.status == status
        and user.shown() is not None
    )


def near(found: NDArray[Any], exact: NDArray[Any], part: float) -> bool:
    """Within a part of the brightest position."""
    return bool((np.abs(found.astype(float) - exact.astype(float)) <= part * exact.max()).all())


def grab(user: User) -> tuple[float, float]:
    start = user.selected.shape
    at = (start.cy, start.cx)
    user.frame.hover(at)
    user.frame.press(at)
    return at


def test_a_drag_shows_previews_says_so_and_is_exact_after(user: User, scan: Path, never_rests: ForEver) -> None:
    user.open(scan)
    never_rests()
    at = grab(user)
    for step in range(1, 5):
        user.frame.move((at[0] + step, at[1] + 2 * step))
        user.wait(lambda: shown_as(user, "preview"), "a preview")
        assert near(user.shown(), image(user.selected.shape), 0.2)
    assert not np.array_equal(user.shown(), image(user.selected.shape))  # it would be no preview
    assert not [a for a in user.answers if a.state == "exact" and a.wish.analysis == user.selected.analysis()]
    user.frame.release((at[0] + 4, at[1] + 8))
    user.wait(lambda: shown_as(user, "exact"), "the exact image")
    np.testing.assert_array_equal(user.shown(), image(user.selected.shape))


def test_a_hand_that_rests_sees_the_exact_image_without_letting_go(user: User, scan: Path) -> None:
    user.open(scan)
    at = grab(user)
    user.frame.move((at[0] + 3, at[1] + 5))
    user.wait(lambda: shown_as(user, "exact"), "the exact image")
    assert user.desk.model.dragging
    np.testing.assert_array_equal(user.shown(), image(user.selected.shape))
    user.frame.move((at[0] + 4, at[1] + 6))  # and on: nothing false is said
    assert user.image_view.status in ("", "preview")
    user.frame.release((at[0] + 4, at[1] + 6))
    user.wait(lambda: shown_as(user, "exact"), "the exact image")
    np.testing.assert_array_equal(user.shown(), image(user.selected.shape))


@pytest.mark.parametrize(("soon", "made"), [(600.0, False), (-1.0, True)])
def test_a_preview_is_made_beside_an_exact_image_only_if_that_takes_long(
    user: User, scan: Path, monkeypatch: pytest.MonkeyPatch, soon: float, made: bool
) -> None:
    user.open(scan)
    calls, preview = [], previews_module.preview

    def counted(*asked: Any) -> Any:
        calls.append(asked)
        return preview(*asked)

    monkeypatch.setattr(previews_module, "preview", counted)
    monkeypatch.setattr(previews_module, "SOON", soon)
    monkeypatch.setattr(keeper_module, "REST", 0.0)
    at = grab(user)
    user.frame.move((at[0] + 3, at[1] + 5))
    user.wait(lambda: shown_as(user, "exact"), "the exact image")
    assert user.desk.live.keeper.wait_idle(30)
    assert bool(calls) == made
    user.frame.release((at[0] + 3, at[1] + 5))


def held_up(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """From now on jobs wait until this is set."""
    event, go_on = threading.Event(), Group.go_on

    def held(group: Group) -> Any:
        assert event.wait(60)
        return go_on(group)

    monkeypatch.setattr(Group, "go_on", held)
    return event


def test_an_exact_image_that_does_not_come_as_soon_as_it_should_gets_a_preview(
    user: User, scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a cluster that hangs."""
    user.open(scan)
    go_on = held_up(monkeypatch)
    monkeypatch.setattr(previews_module, "SOON", 600.0)
    monkeypatch.setattr(keeper_module, "REST", 0.0)
    at = grab(user)
    user.frame.move((at[0] + 3, at[1] + 5))
    user.wait(lambda: shown_as(user, "preview"), "a preview")
    go_on.set()
    user.wait(lambda: shown_as(user, "exact"), "the exact image")
    user.frame.release((at[0] + 3, at[1] + 5))


def test_an_exact_image_is_shown_though_its_preview_was_asked_for_later(
    user: User, scan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame is picked while the job runs; the preview that is made then must not pass for something newer."""
    user.open(scan)
    go_on = held_up(monkeypatch)
    monkeypatch.setattr(previews_module, "SOON", 600.0)
    monkeypatch.setattr(keeper_module, "REST", 0.0)
    monkeypatch.setattr(keeper_module, "IN_A_ROW", 600.0)
    monkeypatch.setattr(running_job_module, "QUIET_OVER_PREVIEW", 600.0)
    keeper = user.desk.live.keeper
    user.answers.clear()
    user.key(user.frame_view, Qt.Key_Right)
    user.wait(lambda: keeper._jobs and not keeper._deciding, "the job, without a preview")
    assert not user.answers
    monkeypatch.setattr(previews_module, "SOON", -1.0)
    user.image.double_click((3, 2))
    user.wait(lambda: any(answer.state == "preview" for answer in user.answers), "a preview")
    go_on.set()
    user.wait(lambda: shown_as(user, "exact"), "the exact image")
    np.testing.assert_array_equal(user.shown(), image(user.selected.shape))


def test_a_drag_given_up_shows_the_exact_image_of_before(user: User, scan: Path, never_rests: ForEver) -> None:
    user.open(scan)
    before = user.selected.shape
    never_rests()
    at = grab(user)
    user.frame.move((at[0] + 6, at[1] + 5))
    user.wait(lambda: shown_as(user, "preview"), "a preview")
    user.trigger("stop")
    user.wait(lambda: user.image_view.status == "exact", "the exact image")
    assert user.selected.shape == before
    np.testing.assert_array_equal(user.shown(), image(before))
    user.frame.release((at[0] + 6, at[1] + 5))


def test_the_image_of_a_composite_follows_a_drag_too(user: User, scan: Path, never_rests: ForEver) -> None:
    user.open(scan)
    user.desk.model.look(shown="composite")
    user.wait_exact()
    never_rests()
    at = grab(user)
    user.frame.move((at[0] + 6, at[1] + 5))
    user.wait(lambda: [a for a in user.answers if a.state == "preview"], "a preview")
    assert user.image_view.status != "exact"
    user.frame.release((at[0] + 6, at[1] + 5))
    user.wait_exact()


def test_the_mask_of_a_centre_of_mass_is_dragged_live(user: User, scan: Path, never_rests: ForEver) -> None:
    user.open(scan)
    session = user.session
    com = CenterOfMass(mask=Disk(cy=19.5, cx=21.5, r=12))
    user.desk.model.edit("com", session.but(analyses=(com,)))
    user.desk.model.look(shown="com_x")
    user.wait_exact()
    never_rests()
    user.desk.model.begin_drag("mask")
    moved = com.model_copy(update={"mask": Disk(cy=20.5, cx=24.5, r=12)})
    user.desk.model.drag(user.session.but(analyses=(moved,)))

    def previews() -> list[Answer]:
        return [a for a in user.answers if a.wish.analysis == moved and a.state == "preview"]

    user.wait(previews, "a preview")
    user.wait(lambda: user.image_view.status == "preview", "its picture")
    mask = moved.mask.mask((40, 44))
    xs = np.indices((40, 44))[1][mask] - 21.5
    exact = (FRAMES[..., mask] * xs).sum(-1) / FRAMES[..., mask].sum(-1)
    assert np.abs(user.shown() - exact).max() < 0.5
    user.desk.model.end_drag()
    user.wait_exact()
    np.testing.assert_allclose(user.shown(), exact)


def test_reopened_it_has_its_previews_before_any_pass(user: User, scan: Path, never_rests: ForEver) -> None:
    user.open(scan)
    folder = user.desk.live.keeper  # the cube is written in the background
    assert folder.wait_idle(60)
    from ltdesk.engine.preview.cache import PreviewCache

    user.wait(PreviewCache().path_of(user.desk.dataset).exists, "the cube on disk")
    user.trigger("close")
    user.answers.clear()
    user.open(scan)
    jobs = user.desk.live.keeper
    assert jobs.wait_idle(60)
    never_rests()
    at = grab(user)
    user.frame.move((at[0] + 3, at[1]))
    user.wait(lambda: shown_as(user, "preview"), "a preview")
    user.frame.release((at[0] + 3, at[1]))
    user.wait(lambda: shown_as(user, "exact"), "the exact image")


def test_a_region_leaves_images_whole_and_its_mean_exact(user: User, scan: Path, never_rests: ForEver) -> None:
    user.open(scan)
    region = Rectangle(y0=3, x0=4, y1=20, x1=15)
    user.desk.model.edit("region", user.session.but(region=region))
    user.desk.model.look(frame_source="region")
    user.wait(lambda: "region" in user.window.frame_view.header.source.whole_text, "the region's mean")
    user.wait(lambda: user.frame_view.status == "exact", "the exact mean")
    np.testing.assert_allclose(user.frame_view.prepared.picture.values, FRAMES[3:20, 4:15].mean((0, 1)))
    never_rests()
    at = grab(user)
    user.frame.move((at[0] + 3, at[1] + 5))
    user.wait(lambda: shown_as(user, "preview"), "a preview")
    assert near(user.shown(), image(user.selected.shape), 0.2)
    assert user.image_view.prepared.picture.valid.all()
    user.frame.release((at[0] + 3, at[1] + 5))
    user.wait(lambda: shown_as(user, "exact"), "the exact image")


def test_frames_that_hold_no_numbers_show_as_such_in_previews(user: User, tmp_path: Path, never_rests: ForEver) -> None:
    frames = FRAMES.astype(np.float32)
    frames[3, 4] = np.nan
    frames[..., 1, 1] = np.nan  # a dead pixel, far from the beam
    compile_kernels(write_scan(tmp_path / "nan.h5", frames))
    user.open(tmp_path / "nan.h5")
    never_rests()
    at = grab(user)
    user.frame.move((at[0] + 3, at[1] + 5))
    user.wait(lambda: shown_as(user, "preview"), "a preview")
    nans = np.argwhere(np.isnan(user.shown()))
    assert nans.tolist() == [[3, 4]]
    user.frame.release((at[0] + 3, at[1] + 5))
    user.wait(lambda: shown_as(user, "exact"), "the exact image")
    assert np.argwhere(np.isnan(user.shown())).tolist() == [[3, 4]]


def test_a_cube_kept_within_tight_bounds_still_guides_the_hand(
    user: User, scan: Path, never_rests: ForEver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a scan much larger than memory: bins so coarse that only a few fit."""
    small = functools.partial(bins_module.bins_for, largest=30 * 26 * 4 * 20)
    monkeypatch.setattr(previews_module, "bins_for", small)
    user.open(scan)
    never_rests()
    at = grab(user)
    user.frame.move((at[0] + 1, at[1] + 1))
    user.wait(lambda: shown_as(user, "preview"), "a preview")
    exact = image(user.selected.shape).astype(float)
    found = user.shown().astype(float)
    assert np.corrcoef(found.ravel(), exact.ravel())[0, 1] > 0.95
    user.frame.release((at[0] + 1, at[1] + 1))
    user.wait(lambda: shown_as(user, "exact"), "the exact image")
    np.testing.assert_array_equal(user.shown(), image(user.selected.shape))
