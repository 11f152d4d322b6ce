"""The panel of analyses as a user meets it: add, look, change parameters, undo; asserting on session and pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QWidget

from ltdesk.analysis import CenterOfMass
from ltdesk.session import Display
from tests.ui.fakes import counts
from tests.ui.user import User

pytestmark = pytest.mark.usefixtures("at_analyses")
FRAMES = counts((12, 10), (24, 20))
FRAMES[..., 3:6] += np.arange(12, dtype=np.uint16)[:, None, None, None]
YS, XS = np.indices(FRAMES.shape[2:])


def centre_of_mass(mask: np.ndarray | None = None, centre: tuple[float, float] = (11.5, 9.5)) -> np.ndarray:
    """By definition: ``(2, sy, sx)``, y and x."""
    inside = np.ones(FRAMES.shape[2:]) if mask is None else mask
    weights = FRAMES * inside
    total = weights.sum(axis=(2, 3))
    parts = [(weights * (grid - at)).sum(axis=(2, 3)) / total for grid, at in zip((YS, XS), centre, strict=True)]
    return np.stack(parts)


def add(user: User, kind: str) -> None:
    """Choose an analysis from the menu of the Add button; its centre is then the frame's."""
    panel = user.window.analyses
    next(action for action in panel.add_menu.actions() if action.objectName() == f"add_{kind}").trigger()
    if "centre" in panel.form.names:
        choose(user, "centre", "frame centre")


def step(user: User, name: str, *keys: int) -> None:
    """Press keys in the widget of a parameter."""
    widget = user.window.analyses.form.widget(name)
    widget.setFocus()
    for key in keys:
        QTest.keyClick(widget, key)


def type_in(user: User, name: str, text: str) -> None:
    widget = user.window.analyses.form.widget(name)
    widget.setFocus()
    widget.selectAll()
    QTest.keyClicks(widget, text)
    QTest.keyClick(widget, Qt.Key_Return)


def choose(user: User, name: str, words: str) -> None:
    """Choose an entry of a combo box, as a user does with the keyboard."""
    widget = user.window.analyses.form.widget(name)
    row = widget.findText(words)
    assert row >= 0, [widget.itemText(row) for row in range(widget.count())]
    widget.setCurrentIndex(row)
    widget.activated.emit(row)


def wait_for(user: User, expected: np.ndarray) -> None:
    user.wait(
        lambda: user.shown().shape == expected.shape and np.allclose(user.shown(), expected, equal_nan=True),
        "the expected image",
    )


def test_an_analysis_from_the_menu_is_listed_and_shown_and_undone(user: User) -> None:
    before = user.shown()
    add(user, "com")
    assert [a.name for a in user.session.analyses] == ["com"]
    assert user.window.analyses.list.currentItem().text() == "com · Centre of mass"
    y, x = centre_of_mass()
    wait_for(user, np.hypot(y, x))
    assert user.image_view.prepared.wheel
    user.trigger("undo")  # of the centre
    user.trigger("undo")
    assert not user.session.analyses
    assert user.window.analyses.list.count() == 0
    user.trigger("show_detector")
    wait_for(user, before)


def test_the_rows_of_another_analysis_come_by_themselves(user: User) -> None:
    def rows() -> set[str]:
        widgets = user.window.analyses.form.tree.findChildren(QWidget)
        return {widget.accessibleName().partition(",")[0] for widget in widgets if widget.isVisible()}

    actions = {action.objectName(): action for action in user.window.analyses.add_menu.actions()}
    actions["add_com"].trigger()
    user.wait(lambda: "rotation" in rows(), "the rows of a centre of mass")
    actions["add_radial"].trigger()
    user.wait(lambda: "bins" in rows() and "rotation" not in rows(), "the rows of a radial profile")
    user.trigger("undo")
    actions["add_com"].trigger()
    user.wait(lambda: "rotation" in rows() and "bins" not in rows(), "the rows of the centre of mass again")


def test_a_rotation_is_seen_at_once_and_is_one_step_until_the_number_is_left(user: User) -> None:
    add(user, "com")
    choose(user, "show", "x")
    y, x = centre_of_mass()
    wait_for(user, x)
    jobs = user.window.job_bar
    step(user, "rotation", *[Qt.Key_PageUp] * 3)
    assert user.session.analyses[0].rotation == 30
    cos, sin = np.cos(np.radians(30)), np.sin(np.radians(30))
    wait_for(user, x * cos - y * sin)
    assert user.image_view.status == "exact", jobs
    assert user.desk.model.undo_stack.undoText() == "Rotation of com"
    user.trigger("undo")
    assert user.session.analyses[0].rotation == 0
    assert user.window.analyses.form.widget("rotation").value() == 0
    wait_for(user, x)
    user.trigger("redo")
    wait_for(user, x * cos - y * sin)


def test_the_mask_is_a_detector_and_follows_it_while_it_is_dragged(user: User) -> None:
    add(user, "com")
    choose(user, "show", "y")
    choose(user, "mask", "BF")
    shape = user.selected.shape
    wait_for(user, centre_of_mass(shape.mask((24, 20)))[0])
    at = (shape.cy, shape.cx)
    user.frame.hover(at)
    user.frame.press(at)
    user.frame.move((at[0] + 2, at[1] + 1))
    moved = user.selected.shape
    assert moved != shape
    wait_for(user, centre_of_mass(moved.mask((24, 20)))[0])
    assert user.desk.model.dragging
    user.frame.release((at[0] + 2, at[1] + 1))
    user.trigger("undo")
    wait_for(user, centre_of_mass(shape.mask((24, 20)))[0])
    choose(user, "mask", "whole frame")
    wait_for(user, centre_of_mass()[0])


def test_a_deleted_detector_leaves_its_shape_to_the_analysis(user: User) -> None:
    add(user, "com")
    choose(user, "mask", "BF")
    mask = user.selected.shape
    user.trigger("delete")
    assert user.session.analyses[0].mask == mask
    assert user.window.analyses.form.widget("mask").currentText() == "a shape of its own"


@pytest.mark.parametrize(("which", "colours"), [("direction", "cyclic_mygbm_50_90_c46"), ("curl", "coolwarm")])
def test_each_map_has_the_colours_that_suit_it_and_those_chosen_for_it(user: User, which: str, colours: str) -> None:
    add(user, "com")
    choose(user, "show", which)
    assert user.image_view.display.colour_map == colours
    user.image_view.header.colour_map_chosen.emit("viridis")
    assert user.image_view.display.colour_map == "viridis"
    choose(user, "show", "length")
    user.trigger("show_detector")
    assert user.image_view.display == Display()
    choose(user, "show", which)
    assert user.image_view.display.colour_map == "viridis"
    user.trigger("undo")
    assert user.image_view.display.colour_map == colours


def test_a_name_that_makes_no_sense_is_explained_beside_it(user: User) -> None:
    add(user, "com")
    form = user.window.analyses.form
    type_in(user, "name", "no name")
    assert "letters" in form.problem("name")
    type_in(user, "name", "BF")
    assert "taken" in form.problem("name")
    assert user.session.analyses[0].name == "com"
    choose(user, "mask", "BF")
    type_in(user, "name", "dpc")
    assert not form.problem("name")
    assert user.session.analyses[0].name == "dpc"
    assert user.session.shown == "dpc"
    assert user.session.followed("dpc", "mask").name == "BF"


def test_more_bins_than_there_are_pixels_for_are_refused_beside_them(user: User) -> None:
    add(user, "radial")
    form = user.window.analyses.form
    type_in(user, "cy", "-90000")
    assert "is 90023 pixels from a corner" in form.problem("cy")
    choose(user, "centre", "frame centre")
    type_in(user, "nbins", "900000")
    assert "no pixel of the 24x20 frame is farther than" in form.problem("nbins")
    assert user.session.analyses[0].nbins == 90, "as far as it was typed when it still made sense"
    type_in(user, "nbins", "15")
    assert not form.problem("nbins")
    assert user.session.analyses[0].nbins == 15


def test_the_centre_is_the_frames_or_the_beams_or_two_numbers(user: User) -> None:
    add(user, "com")
    choose(user, "show", "x")
    beam = user.selected.shape
    choose(user, "centre", "direct beam")
    assert (user.session.analyses[0].cy, user.session.analyses[0].cx) == (beam.cy, beam.cx)
    wait_for(user, centre_of_mass(centre=(beam.cy, beam.cx))[1])
    type_in(user, "cx", "3.5")
    assert user.window.analyses.form.widget("centre").currentText() == "numbers"
    wait_for(user, centre_of_mass(centre=(0, 3.5))[1])
    choose(user, "centre", "frame centre")
    assert user.session.analyses[0].cx is None
    assert user.window.analyses.form.widget("cx").value() == 9.5


def test_delete_on_the_list_removes_the_analysis_and_not_the_detector(user: User) -> None:
    add(user, "com")
    add(user, "sum_signal")
    wait_for(user, FRAMES.sum(axis=(2, 3)))
    widget = user.window.analyses.list
    widget.setFocus()
    QTest.keyClick(widget, Qt.Key_Delete)
    assert [a.name for a in user.session.analyses] == ["com"]
    assert len(user.session.detectors) == 1
    assert user.session.shown == "detector"
    user.trigger("undo")
    assert isinstance(user.session.analyses[0], CenterOfMass)
    assert len(user.session.analyses) == 2


@pytest.mark.parametrize(("kind", "side"), [("radial", "shown"), ("std_frame", "frame_source")])
def test_undoing_a_name_keeps_what_is_seen(user: User, kind: str, side: str) -> None:
    """The picture was another one after, and no analysis selected."""
    add(user, kind)
    type_in(user, "name", "other")
    assert getattr(user.session, side) == user.session.selected_analysis == "other"
    user.trigger("undo")
    assert getattr(user.session, side) == user.session.selected_analysis == kind
    assert "name" in user.window.analyses.form.names
    user.trigger("redo")
    assert getattr(user.session, side) == user.session.selected_analysis == "other"


def test_other_orders_of_a_symmetry_show_one_of_them(user: User) -> None:
    """The image became a detector's, while the form named an order."""
    add(user, "radial_fourier")
    assert user.session.shown == "fourier_1"
    type_in(user, "orders", "2, 4")
    assert user.session.shown == "fourier_2"
    user.wait(lambda: user.image_view.header.source.text().startswith("fourier"), "the image of an order")
    assert user.window.analyses.form.widget("show").currentText() == "2"
    type_in(user, "orders", "4, 8")
    assert user.session.shown == "fourier_4"
    type_in(user, "orders", "2, 8")
    user.trigger("undo")
    assert user.session.shown == "fourier_4"
    choose(user, "show", "8")
    assert user.session.shown == "fourier_8"


def test_undoing_a_region_goes_back_to_the_mean_of_all(user: User) -> None:
    user.image.drag((2, 1), (4, 5), keys=Qt.ControlModifier)
    assert user.session.frame_source == "region"
    user.trigger("undo")
    assert user.session.frame_source == "mean"
    assert user.window.actions_by_name["frame_mean"].isChecked()
