"""The picture view as a user meets it: real events on the viewport, signals, and the pixels on the screen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PyQt5.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QFontMetricsF, QKeyEvent
from PyQt5.QtWidgets import QApplication, QGraphicsRectItem, QMenu, QWidget
from pytestqt.qtbot import QtBot

from ltdesk.geometry import Disk, Rectangle
from ltdesk.session import Display
from ltdesk.ui.look import style
from ltdesk.ui.pictures import content
from ltdesk.ui.pictures.composite import Layer
from ltdesk.ui.pictures.picture_header import PictureHeader
from ltdesk.ui.pictures.picture_item import extent
from ltdesk.ui.pictures.picture_view import PictureView
from ltdesk.ui.pictures.prepare import Picture, prepare
from ltdesk.ui.shapes.shape_paths import pixel_edges
from tests.ui.picture_hand import PictureHand, drag, send_mouse

STEPS = np.arange(0, 1600, dtype=np.uint16).reshape(40, 40)

Make = Callable[..., PictureHand]


@pytest.fixture
def make(qtbot: QtBot) -> Iterator[Make]:
    """Makes a view with a picture, on the screen, with a hand on it."""
    views = []

    def made(kind: Any = "scan", values: Any = STEPS, size: tuple[int, int] = (500, 560), **more: Any) -> PictureHand:
        view = PictureView("Image", kind)
        qtbot.addWidget(view)
        views.append(view)
        view.resize(*size)
        if values is not None:
            view.set_picture(values, **more)
        view.show()
        QApplication.processEvents()
        view.grab()
        return PictureHand(view)

    yield made
    for view in views:
        view.stop()


def record(signal: Any) -> list[tuple[Any, ...]]:
    """Everything that a signal tells from now on."""
    told: list[tuple[Any, ...]] = []
    signal.connect(lambda *values: told.append(values))
    return told


def grey(colour: QColor) -> int:
    assert abs(colour.red() - colour.blue()) <= 1, colour.name()
    return colour.green()


# What is shown


def test_pixels_stand_where_their_coordinates_say(make: Make) -> None:
    values = np.zeros((8, 8))
    values[2, 5] = 1
    hand = make(values=values)
    for y, x in ((2, 5), (1.6, 4.6), (2.4, 5.4)):
        assert grey(hand.colour((y, x))) == 255
    for y, x in ((1.4, 5), (2.6, 5), (2, 4.4), (2, 5.6), (5, 2)):
        assert grey(hand.colour((y, x))) == 0


def test_y_grows_downwards(make: Make) -> None:
    hand = make()
    assert hand.place((10, 5)).y() > hand.place((2, 5)).y()
    assert hand.view.data_at(hand.place((12.25, 31.5))) == pytest.approx((12.25, 31.5))


def test_brightness_follows_values_and_scale(make: Make) -> None:
    hand = make(unit="e")
    linear = grey(hand.colour((10, 20)))
    assert linear == pytest.approx(255 * 420 / 1599, abs=3)
    hand.view.set_display(Display(scale="log"))
    assert grey(hand.colour((10, 20))) > linear + 50


def test_not_done_is_hatched_and_never_black(make: Make) -> None:
    valid = np.zeros(STEPS.shape, dtype=np.bool_)
    valid[:20] = True
    hand = make(values=STEPS, valid=valid, status="preview")
    image = hand.viewport.grab().toImage()
    corners = hand.place((24, 2)).toPoint(), hand.place((36, 36)).toPoint()
    seen = {
        image.pixelColor(x, y).lightness()
        for x in range(corners[0].x(), corners[1].x())
        for y in range(corners[0].y(), corners[1].y(), 3)
    }
    assert min(seen) > 20
    assert max(seen) - min(seen) > 20  # lines on a ground
    assert len(seen) < 150


def test_failed_has_a_hatch_of_its_own(make: Make) -> None:
    valid, failed = np.zeros((2, *STEPS.shape), dtype=np.bool_)
    failed[:20] = True
    hand = make(values=STEPS, valid=valid, failed=failed)
    image = hand.viewport.grab().toImage()
    reds = []
    for rows in (range(4, 16), range(24, 36)):
        places = [hand.place((y, x)).toPoint() for y in rows for x in np.arange(5, 30, 0.25)]
        reds.append(np.mean([image.pixelColor(p).red() - image.pixelColor(p).blue() for p in places]))
    assert reds[0] > 40 > 10 > abs(reds[1])


def test_hatch_lines_keep_their_distance_when_zoomed(make: Make) -> None:
    hand = make(values=STEPS, valid=np.zeros(STEPS.shape, dtype=np.bool_))

    def edges() -> int:
        image = hand.viewport.grab().toImage()
        row = [image.pixelColor(x, 250).lightness() for x in range(100, 400)]
        return int((np.abs(np.diff(np.array(row) > np.mean(row))) != 0).sum())

    before = edges()
    hand.view.zoom(4)
    assert before == pytest.approx(2 * 300 / 8, abs=4)
    assert edges() == pytest.approx(before, abs=4)


def test_nan_is_chequered(make: Make) -> None:
    values = np.ones((10, 10))
    values[4:7, 4:7] = np.nan
    values[0, 0] = 0
    hand = make(values=values)
    seen = {hand.colour((5 + dy / 40, 5 + dx / 40)).name() for dy in range(-20, 20, 7) for dx in range(-20, 20, 7)}
    assert len(seen) == 2
    assert "#000000" not in seen


def test_status_is_on_the_picture(make: Make) -> None:
    hand = make(status="estimate")
    assert hand.view.status == "estimate"
    assert hand.view.plates.status.isVisible()
    assert hand.view.plates.status.text == "estimate"
    hand.view.set_picture(STEPS, status="exact")
    assert hand.view.plates.status.text == "exact"
    hand.view.set_picture(STEPS)
    assert not hand.view.plates.status.isVisible()


def test_composite_shows_the_detectors_colours(make: Make) -> None:
    left, right = np.zeros((2, 6, 6))
    left[:, :3], right[:, 3:] = 3, 70
    hand = make(values=None)
    hand.view.set_composite([(left, None, "#ff0000", "BF"), (right, None, "#00ff00")])
    assert hand.colour((1, 1)).name() == "#ff0000"
    assert hand.colour((1, 4)).name() == "#00ff00"
    assert not hand.view.header.colours.isEnabled()
    hand.hover((1, 4))
    assert hand.view.readout == "(1, 4)  BF 0  2 70"
    hand.view.set_picture(STEPS)
    assert hand.view.header.colours.isEnabled()


def test_a_large_picture_is_prepared_in_a_thread(make: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def watched(picture: Picture, display: Display) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return prepare(picture, display)

    monkeypatch.setattr(content, "prepare", watched)
    hand = make(values=None)
    for brightest in (1, 2, 3):
        hand.view.set_picture(np.full((800, 800), brightest))
    qtbot.waitUntil(lambda: hand.view.prepared is not None and hand.view.prepared.picture.values[0, 0] == 3)
    assert threads
    assert not any(threads)


def test_what_comes_too_late_is_not_shown(make: Make, qtbot: QtBot) -> None:
    hand = make(values=None)
    hand.view.set_picture(np.zeros((800, 800)))
    hand.view.set_picture(STEPS)  # at once
    assert hand.view.preparer.wait(60)
    assert hand.view.prepared is not None
    assert hand.view.prepared.shape == STEPS.shape


def test_going_back_to_what_is_shown_outdoes_what_is_being_prepared(make: Make, qtbot: QtBot) -> None:
    hand = make(values=None)
    first, second = np.zeros((800, 800)), np.ones((800, 800))
    hand.view.set_picture(first)
    qtbot.waitUntil(lambda: hand.view.prepared is not None)
    hand.view.set_picture(second)
    hand.view.set_picture(first, status="exact")
    assert hand.view.preparer.wait(60)
    assert hand.view.prepared.picture.values is first


def test_a_picture_with_other_words_is_not_prepared_again(
    make: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[Picture] = []

    def watched(picture: Picture, display: Display) -> Any:
        prepared.append(picture)
        return prepare(picture, display)

    monkeypatch.setattr(content, "prepare", watched)
    hand = make(values=None)
    valid = np.ones(STEPS.shape, dtype=bool)
    hand.view.set_picture(STEPS, valid, status="exact")
    hand.view.set_picture(STEPS, valid, status="preview")
    assert hand.view.preparer.wait(60)
    assert len(prepared) == 1
    assert hand.view.status == "preview"
    hand.view.set_picture(STEPS, valid, unit="counts")
    assert len(prepared) == 2
    hand.view.set_display(Display(scale="log"))
    assert len(prepared) == 3


def test_prepared_elsewhere(make: Make) -> None:
    hand = make(values=None)
    hand.view.show_prepared(prepare(Picture(STEPS, status="exact"), Display(colour_map="viridis")))
    assert hand.view.status == "exact"
    assert hand.view.display.colour_map == "viridis"
    assert hand.colour((39, 39)).name() == "#fde725"  # viridis ends in yellow


def test_clear_shows_a_message_alone(make: Make) -> None:
    hand = make(status="exact")
    hand.view.clear("The mask is empty")
    assert hand.view.plates.message.text == "The mask is empty"
    assert not hand.view.plates.status.isVisible()
    assert hand.colour((20, 30)) == hand.view.canvas.backgroundBrush().color()


# Zoom


def test_wheel_zooms_at_the_pointer(make: Make) -> None:
    hand = make()
    before = hand.place((10, 30))
    size = hand.view.viewbox.screen_per_pixel
    hand.wheel((10, 30), 3)
    assert hand.place((10, 30)).x() == pytest.approx(before.x(), abs=0.01)
    assert hand.place((10, 30)).y() == pytest.approx(before.y(), abs=0.01)
    assert hand.view.viewbox.screen_per_pixel == pytest.approx(np.multiply(size, 1.25**3))
    assert len(set(np.round(hand.view.viewbox.screen_per_pixel, 6))) == 1  # pixels stay square


def test_middle_drag_pans_and_fit_comes_back(make: Make) -> None:
    hand = make()
    hand.wheel((20, 20), 4)
    start, end = hand.place((20, 20)), hand.place((24, 17))
    hand.drag((20, 20), (22, 18), button=Qt.MiddleButton)
    assert hand.place((20, 20)) != start
    hand.view.fit()
    hand.wheel((20, 20), 4)
    hand.press((20, 20), Qt.MiddleButton)
    send_mouse(hand.viewport, QEvent.MouseMove, end, Qt.NoButton, Qt.MiddleButton)
    assert (hand.place((20, 20)) - end).manhattanLength() < 0.1
    send_mouse(hand.viewport, QEvent.MouseButtonRelease, end, Qt.MiddleButton, Qt.NoButton)
    hand.view.fit()
    shown = hand.view.viewbox.viewRect()
    assert shown.contains(extent(STEPS.shape))
    assert max(shown.width(), shown.height()) < 45


def test_zoom_has_ends_and_the_picture_stays_in_sight(make: Make) -> None:
    hand = make()
    for _ in range(60):
        hand.wheel((20, 20), -1)
    assert hand.view.viewbox.screen_per_pixel[0] > 4
    for _ in range(60):
        hand.wheel((20, 20), 1)
    assert hand.view.viewbox.screen_per_pixel[0] == pytest.approx(128)
    hand.view.viewbox.pan(1e6, 1e6)
    assert hand.view.viewbox.viewRect().intersects(extent(STEPS.shape))


def test_zoom_survives_a_picture_of_the_same_shape_only(make: Make) -> None:
    hand = make()
    hand.wheel((5, 5), 4)
    zoomed = hand.view.viewbox.viewRect()
    hand.view.set_picture(STEPS[::-1])
    assert hand.view.viewbox.viewRect() == zoomed
    hand.view.set_picture(np.zeros((20, 30)))
    assert hand.view.viewbox.viewRect().contains(extent((20, 30)))


def test_a_fitted_picture_fits_after_a_resize(make: Make) -> None:
    hand = make()
    hand.view.resize(300, 700)
    QApplication.processEvents()
    shown = hand.view.viewbox.viewRect()
    assert shown.contains(extent(STEPS.shape))
    assert shown.width() < 42


@pytest.mark.parametrize(("shape", "axis"), [((1, 4096), "y"), ((4096, 1), "x"), ((2, 4), ""), ((64, 1024), "")])
def test_line_scans_are_stretched_and_say_so(make: Make, shape: tuple[int, int], axis: str) -> None:
    values = np.random.default_rng(0).poisson(100, shape)
    hand = make(values=values, status="exact")
    place = hand.view.picture_rect()
    assert min(place.width(), place.height()) > 25
    note = f"stretched along {axis}: not to scale" if axis else ""
    assert hand.view.plates.note.text == note
    if axis:
        narrow = 0 if axis == "y" else 1
        before = hand.view.viewbox.screen_per_pixel
        hand.wheel((0, 100) if axis == "y" else (100, 0), 3)
        after = hand.view.viewbox.screen_per_pixel
        assert after[narrow] == before[narrow]
        assert after[1 - narrow] == pytest.approx(before[1 - narrow] * 1.25**3)


# Readout, scale bar


def test_readout_follows_the_mouse_and_rests_on_the_cursor(make: Make) -> None:
    hand = make(unit="e")
    assert hand.view.readout == ""
    hand.view.set_cursor((3, 4))
    assert hand.view.readout == "(3, 4) = 124 e"
    hand.hover((12.3, 30.8))
    assert hand.view.readout == "(12, 31) = 511 e"
    hand.hover((-3, 5))
    assert hand.view.readout == "(3, 4) = 124 e"
    hand.hover((12, 31))
    QApplication.sendEvent(hand.view.canvas, QEvent(QEvent.Leave))
    assert hand.view.readout == "(3, 4) = 124 e"


def test_the_readouts_plate_keeps_its_room_while_what_it_tells_is_of_one_kind(make: Make) -> None:
    view = make(values=STEPS.astype(np.uint64) * 10**9, unit="counts").view
    view.set_cursor((30, 30))
    wide = view.plates.readout.width()
    view.set_picture(STEPS, unit="counts")
    assert view.plates.readout.width() == wide
    view.set_picture(STEPS, unit="px")
    assert view.plates.readout.width() < wide


def test_a_readout_of_many_detectors_is_seen_whole(make: Make) -> None:
    hand = make()
    plates, values = hand.view.plates, np.full((64, 64), 123456)
    hand.view.set_composite([Layer(values, None, "#e69f00", "one")], "counts")
    hand.hover((3, 4))
    line = plates.readout.height()
    hand.view.set_composite([Layer(values, None, "#e69f00", f"detector_{n}") for n in range(8)], "counts")
    metrics = QFontMetricsF(style.figures_font(style.readable_font(plates.readout.font())))
    lines = metrics.horizontalAdvance(hand.view.readout) / plates.width()
    assert lines > 2
    assert plates.readout.height() > (lines - 1) * metrics.height() + line - 1
    assert plates.rect().contains(plates.readout.geometry())


def test_readout_follows_a_new_picture(make: Make) -> None:
    hand = make("frame")
    hand.hover((2, 1))
    hand.view.set_picture(STEPS + 1)
    assert hand.view.readout == "k 2, 1 = 82"


def test_scale_bar_is_in_pixels_until_the_scale_is_known(make: Make) -> None:
    hand = make()
    bar = hand.view.plates.scale_bar
    assert bar.text == "10 px"
    hand.view.set_calibration(0.02, "nm")
    assert bar.text == "0.2 nm"
    hand.wheel((20, 20), 6)
    assert bar.text == "0.05 nm"
    assert bar._bar is not None
    assert bar._bar.pixels == pytest.approx(2.5 * hand.view.viewbox.screen_per_pixel[1])
    hand.view.set_calibration(None)
    assert bar.text == "2 px"


def test_plates_do_not_cover_one_another_in_a_narrow_view(make: Make) -> None:
    hand = make(size=(240, 400), values=np.zeros((1, 4096)), status="estimate", unit="counts")
    hand.view.set_calibration(1.25, "nm")
    hand.hover((0, 4000))
    plates = hand.view.plates
    shown = [p for p in (plates.status, plates.note, plates.scale_bar, plates.readout) if p.isVisible()]
    assert len(shown) == 4
    for n, plate in enumerate(shown):
        assert plates.rect().contains(plate.geometry())
        assert not any(plate.geometry().intersects(other.geometry()) for other in shown[n + 1 :])


@pytest.mark.parametrize("level", [0, 255])
def test_scale_bar_is_readable_on_white_and_black(make: Make, level: int) -> None:
    hand = make(values=np.full((40, 40), level, dtype=np.uint8))
    hand.view.set_display(Display(levels=(0, 255)))
    bar = hand.view.plates.scale_bar
    image = hand.viewport.grab(bar.geometry().translated(hand.view.plates.pos())).toImage()
    seen = [image.pixelColor(x, y).lightness() for x in range(image.width()) for y in range(image.height())]
    assert sum(shade > 200 for shade in seen) > 100
    assert sum(shade < 70 for shade in seen) > 500


# Scan cursor and region


def test_drag_of_the_cross_picks_positions(make: Make) -> None:
    hand = make()
    moved, dragging = record(hand.view.cursor_moved), record(hand.view.cursor_dragging)
    hand.view.set_cursor((10, 10))
    assert moved == []
    hand.drag((10, 10), (10.2, 10.3), (12.4, 11), (14, 14), (-50, 400))
    assert moved == [(12, 11), (14, 14), (0, 39)]
    assert dragging == [(True,), (False,)]
    hand.move((20, 20))
    assert moved[-1] == (0, 39)


def test_a_drag_beside_the_cross_moves_nothing(make: Make) -> None:
    hand = make()
    hand.view.set_cursor((10, 10))
    moved = record(hand.view.cursor_moved)
    hand.drag((30, 30), (20, 20))
    assert moved == []


@pytest.mark.parametrize(
    ("button", "keys", "goes"),
    [
        (Qt.LeftButton, Qt.NoModifier, True),
        (Qt.RightButton, Qt.NoModifier, False),
        (Qt.LeftButton, Qt.ControlModifier, False),
    ],
)
def test_a_click_goes_there(make: Make, button: int, keys: int, goes: bool) -> None:
    hand = make()
    hand.view.set_cursor((0, 0))
    moved = record(hand.view.cursor_moved)
    for at in ((7.2, 8.9), (-30, 2)):  # the second is beside the picture
        hand.hover(at)
        hand.press(at, button, keys)
        hand.release(at, button, keys)
    assert moved == ([(7, 9)] if goes else [])


def test_over_frequencies_a_click_picks_no_position(make: Make) -> None:
    hand = make()
    hand.view.set_cursor(None)
    moved = record(hand.view.cursor_moved)
    hand.double_click((7.2, 8.9))
    assert moved == []


def test_double_click_goes_there(make: Make) -> None:
    hand = make()
    hand.view.set_cursor((0, 0))
    moved, clicked = record(hand.view.cursor_moved), record(hand.view.double_clicked)
    hand.double_click((7.2, 8.9))
    assert moved == [(7, 9)]
    assert clicked[0] == pytest.approx((7.2, 8.9), abs=0.1)


def test_escape_puts_the_cross_back(make: Make) -> None:
    hand = make()
    hand.view.set_cursor((10, 10))
    moved = record(hand.view.cursor_moved)
    hand.press((10, 10))
    hand.move((15, 15))
    hand.key(Qt.Key_Escape)
    hand.move((20, 20))
    hand.release((20, 20))
    assert moved == [(15, 15), (10, 10)]


def test_the_cross_is_seen_on_black_and_white(make: Make) -> None:
    for level in (0, 255):
        hand = make(values=np.full((40, 40), level, dtype=np.uint8))
        hand.view.set_display(Display(levels=(0, 255)))
        plain = hand.viewport.grab().toImage()
        hand.view.set_cursor((20, 20))
        marked = hand.viewport.grab().toImage()
        middle = hand.place((20, 20)).toPoint()
        differing = sum(
            abs(plain.pixelColor(x, y).lightness() - marked.pixelColor(x, y).lightness()) > 100
            for x in range(middle.x() - 20, middle.x() + 20)
            for y in range(middle.y() - 20, middle.y() + 20)
        )
        assert differing > 50


def test_ctrl_drag_draws_a_region_of_whole_positions(make: Make) -> None:
    hand = make()
    dragging, drawn = record(hand.view.region_dragging), record(hand.view.region_drawn)
    hand.drag((5.4, 6.6), (8, 9), (10.2, 3.1), keys=Qt.ControlModifier)
    assert dragging == [(5, 7, 9, 10), (5, 3, 11, 8)]
    assert drawn == [(5, 3, 11, 8)]
    hand.press((5, 5), keys=Qt.ControlModifier)
    hand.release((5, 5), keys=Qt.ControlModifier)
    assert len(drawn) == 1


def test_no_region_is_drawn_where_the_picture_is_not_over_the_scan(make: Make) -> None:
    hand = make(values=np.zeros((40, 40)))
    told = [record(getattr(hand.view, name)) for name in ("region_dragging", "region_drawn")]
    hand.view.set_cursor(None)  # as over frequencies
    hand.drag((10, 10), (15, 20), (20, 30), keys=Qt.ControlModifier)
    assert told == [[], []]
    assert hand.colour((9.5, 20)).lightness() == 0
    hand.view.set_cursor((3, 3))
    hand.drag((10, 10), (15, 20), (20, 30), keys=Qt.ControlModifier)
    assert told[1] == [(10, 10, 21, 31)]


def test_escape_gives_a_region_up(make: Make) -> None:
    hand = make()
    given_up, drawn = record(hand.view.region_abandoned), record(hand.view.region_drawn)
    hand.press((5, 5), keys=Qt.ControlModifier)
    hand.move((9, 9), keys=Qt.ControlModifier)
    hand.key(Qt.Key_Escape)
    hand.release((9, 9), keys=Qt.ControlModifier)
    assert given_up == [()]
    assert drawn == []


def test_region_outline_is_the_edge_of_its_positions(make: Make) -> None:
    hand = make(values=np.zeros((40, 40)))
    hand.view.set_region(Rectangle(y0=10, x0=10, y1=20, x1=30))
    along = [hand.colour((9.5, x)).lightness() for x in np.arange(12, 28, 0.5)]
    assert max(along) > 150
    assert hand.colour((15, 20)).lightness() == 0
    assert hand.view.canvas._region.boundingRect() == QRectF(7.5, 7.5, 24, 14)
    hand.view.set_region(None)
    assert hand.colour((9.5, 20)).lightness() == 0


def test_outline_of_a_mask_has_every_edge_once() -> None:
    mask = Disk(cy=10, cx=12, r=5.3).mask((21, 25))
    mask[10, 12] = False  # a hole
    path = pixel_edges(mask)
    length = sum(
        abs(path.elementAt(n).x - path.elementAt(n + 1).x) + abs(path.elementAt(n).y - path.elementAt(n + 1).y)
        for n in range(0, path.elementCount(), 2)
    )
    padded = np.pad(mask, 1)
    edges = sum((np.diff(padded.astype(int), axis=axis) != 0).sum() for axis in (0, 1))
    assert length == edges


# Tools and items


def test_an_active_tool_gets_left_drags_alone(make: Make) -> None:
    hand = make("frame")
    pressed, moved, released = (record(s) for s in (hand.view.pressed, hand.view.moved, hand.view.released))
    hand.drag((5, 6), (7, 8))
    assert (pressed, released) == ([], [])
    hand.view.set_tool_active(True)
    hand.hover((1, 2))
    assert moved[-1][2:] == (Qt.NoModifier, Qt.NoButton)
    hand.drag((5, 6), (7.5, 8.25), (60, -60), keys=Qt.ShiftModifier)
    assert pressed[0][:2] == pytest.approx((5, 6), abs=0.1)
    assert pressed[0][2:] == (Qt.ShiftModifier, Qt.LeftButton)
    assert moved[-2][:2] == pytest.approx((7.5, 8.25), abs=0.1)
    assert released[0][:2] == pytest.approx((60, -60), abs=0.1)
    assert len(pressed) == len(released) == 1


def test_escape_cancels_a_tool(make: Make) -> None:
    hand = make("frame")
    hand.view.set_tool_active(True)
    cancelled, released = record(hand.view.tool_cancelled), record(hand.view.released)
    hand.press((5, 5))
    hand.key(Qt.Key_Escape)
    hand.release((6, 6))
    assert (cancelled, released) == ([()], [])


def test_keys_are_left_to_the_window(make: Make) -> None:
    hand = make()
    event = QKeyEvent(QEvent.KeyPress, Qt.Key_Right, Qt.NoModifier)
    hand.view.canvas.keyPressEvent(event)
    assert not event.isAccepted()


def test_a_click_on_nothing_is_told(make: Make) -> None:
    hand = make("frame")
    clicked = record(hand.view.clicked)
    hand.hover((11, 12))
    hand.press((11, 12))
    hand.release((11, 12))
    assert clicked[0][:2] == pytest.approx((11, 12), abs=0.1)
    assert clicked[0][3] == Qt.LeftButton


def test_overlays_lie_in_data_coordinates_and_can_be_hidden(make: Make) -> None:
    hand = make("frame", values=np.zeros((20, 20)))
    item = QGraphicsRectItem(4.5, 9.5, 2, 1)  # pixels (10, 5) and (10, 6)
    item.setBrush(QColor("#ff0000"))
    item.setPen(QColor("#ff0000"))
    hand.view.add_overlay(item)
    told = record(hand.view.overlays_shown)
    assert hand.colour((10, 6)).name() == "#ff0000"
    hand.view.set_overlays_visible(False)
    assert hand.colour((10, 6)).lightness() == 0
    assert not hand.view.plates.scale_bar.isVisible()
    hand.view.set_overlays_visible(True)
    assert hand.colour((10, 6)).name() == "#ff0000"
    assert told == [(False,), (True,)]
    hand.view.remove_overlay(item)
    assert hand.colour((10, 6)).lightness() == 0


# Display


def test_scales_go_round(make: Make) -> None:
    hand = make()
    told = record(hand.view.display_changed)
    for _ in range(3):
        hand.view.next_scale()
    assert [display.scale for (display,) in told] == ["sqrt", "log", "linear"]
    assert "display only" in hand.view.header.scale.toolTip().lower()


def test_being_told_what_is_shown_tells_nothing(make: Make) -> None:
    hand = make()
    told = record(hand.view.display_changed)
    hand.view.set_display(Display(scale="sqrt"))
    hand.view.set_display(Display(scale="sqrt"))
    hand.view.auto_levels()
    assert told == []


def test_scale_menu_and_colour_map_list(make: Make) -> None:
    hand = make()
    told = record(hand.view.display_changed)
    header = hand.view.header
    header.scale.menu().actions()[2].trigger()
    header.colours.click()
    chooser = header._list
    assert chooser is not None
    assert chooser.list.currentItem().data(Qt.UserRole) == "gray"
    names = [chooser.list.item(row).data(Qt.UserRole) for row in range(chooser.list.count())]
    row = chooser.list.item(names.index("viridis"))
    chooser.list.setCurrentItem(row)
    for kind in (QEvent.KeyPress, QEvent.KeyRelease):
        QApplication.sendEvent(chooser.list, QKeyEvent(kind, Qt.Key_Return, Qt.NoModifier))
    assert told == [
        (Display(scale="log"),),
        (Display(scale="log", colour_map="viridis"),),
    ]
    assert not chooser.isVisible()


def test_levels_are_dragged_on_the_histogram(make: Make) -> None:
    hand = make()
    strip = hand.view.levels_bar.strip
    told, dragging = record(hand.view.display_changed), record(hand.view.display_dragging)
    low, high = hand.view.prepared.levels
    start, end = QPointF(strip.x_of(high), 15), QPointF(strip.x_of(800), 15)
    drag(strip, start, (start + end) / 2, end)
    assert dragging == [(True,), (False,)]
    assert len(told) == 2
    assert told[-1][0].levels == pytest.approx((low, 800), abs=1)
    assert grey(hand.colour((30, 20))) == 255  # 1220 is beyond the level now
    assert hand.view.levels_bar.high.text() == "800"


def test_both_levels_are_dragged_between_them(make: Make) -> None:
    hand = make()
    hand.view.set_display(Display(levels=(400, 800)))
    strip = hand.view.levels_bar.strip
    told = record(hand.view.display_changed)
    middle = QPointF(strip.x_of(600), 15)
    drag(strip, middle, QPointF(strip.x_of(700), 15))
    assert told[-1][0].levels == pytest.approx((500, 900), abs=1)


def test_levels_never_pass_one_another(make: Make) -> None:
    hand = make()
    strip = hand.view.levels_bar.strip
    told = record(hand.view.display_changed)
    drag(strip, QPointF(strip.x_of(0), 15), QPointF(strip.width() + 50, 15))
    low, high = told[-1][0].levels
    assert low < high


def test_double_click_on_the_histogram_is_automatic_contrast(make: Make) -> None:
    hand = make()
    automatic = hand.view.prepared.levels
    hand.view.set_display(Display(levels=(400, 800)))
    told = record(hand.view.display_changed)
    strip = hand.view.levels_bar.strip
    send_mouse(strip, QEvent.MouseButtonDblClick, QPointF(60, 10), Qt.LeftButton, Qt.LeftButton)
    assert told == [(Display(),)]
    assert hand.view.prepared.levels == automatic


def test_keys_move_the_levels(make: Make) -> None:
    hand = make()
    hand.view.set_display(Display(levels=(400, 800)))
    strip = hand.view.levels_bar.strip
    told = record(hand.view.display_changed)
    strip.setFocus(Qt.TabFocusReason)

    def press(key: Any) -> None:
        QApplication.sendEvent(strip, QKeyEvent(QEvent.KeyPress, key, Qt.NoModifier))

    press(Qt.Key_Right)
    press(Qt.Key_Tab)
    press(Qt.Key_Left)
    first, second = (display.levels for (display,) in told)
    assert first[0] > 400
    assert first[1] == pytest.approx(800)
    assert second[0] == first[0]
    assert second[1] < 800


def test_levels_are_typed(make: Make, qtbot: QtBot) -> None:
    hand = make()
    bar = hand.view.levels_bar
    low, _ = hand.view.prepared.levels
    told = record(hand.view.display_changed)
    bar.high.selectAll()
    qtbot.keyClicks(bar.high, "1 234.5")
    qtbot.keyClick(bar.high, Qt.Key_Return)
    assert told == [(Display(levels=(low, 1234.5)),)]
    bar.high.selectAll()
    qtbot.keyClicks(bar.high, "-7")
    qtbot.keyClick(bar.high, Qt.Key_Return)
    assert len(told) == 1
    assert bar.high.text() == "1\u202f234"
    bar.high.clear()
    bar.high.setModified(True)
    qtbot.keyClick(bar.high, Qt.Key_Return)
    assert told[-1] == (Display(),)


def test_a_hot_pixel_leaves_the_picture_bright(make: Make) -> None:
    values = STEPS.copy()
    values[3, 3] = 60000
    hand = make(values=values)
    assert grey(hand.colour((39, 20))) > 230


# Export, access


def test_export_has_every_pixel_and_a_scale_bar(make: Make) -> None:
    hand = make(values=np.full((40, 40), 7))
    hand.view.set_display(Display(levels=(0, 7)))
    hand.wheel((5, 5), 5)  # the export is the whole picture all the same
    plain = hand.view.to_image(QSize(410, 450), scale_bar=False)
    assert (plain.width(), plain.height()) == (400, 400)
    assert {plain.pixelColor(x, y).name() for x in range(0, 400, 7) for y in range(0, 400, 7)} == {"#ffffff"}
    barred = hand.view.to_image()
    assert barred.width() == 1000
    dark = [(x, y) for x in range(0, 1000, 5) for y in range(0, 1000, 5) if barred.pixelColor(x, y).lightness() < 100]
    assert dark
    assert all(x < 500 and y > 500 for x, y in dark)


def test_export_marks_what_is_not_done(make: Make) -> None:
    valid = np.ones((4, 4), dtype=np.bool_)
    valid[0] = False
    hand = make(values=np.zeros((4, 4)), valid=valid)
    image = hand.view.to_image(QSize(400, 400), scale_bar=False)
    assert image.pixelColor(200, 300).name() == "#000000"
    assert len({image.pixelColor(x, 50).name() for x in range(400)}) > 2


@pytest.mark.parametrize(("shape", "size"), [((1, 4096), (4096, 512)), ((2000, 2), (250, 2000))])
def test_export_stretches_a_line_as_the_screen_does(make: Make, shape: tuple[int, int], size: tuple[int, int]) -> None:
    hand = make(values=np.full(shape, 7))
    hand.view.set_display(Display(levels=(0, 7)))
    image = hand.view.to_image()
    assert (image.width(), image.height()) == size
    dark = [
        (x, y) for x in range(0, size[0], 5) for y in range(0, size[1], 5) if image.pixelColor(x, y).lightness() < 100
    ]
    assert any(y < 50 for _, y in dark), "the note that it is not to scale"
    assert any(y > 450 for _, y in dark) == (shape[0] == 1), "a scale bar along what is to scale"


def test_copy_puts_the_picture_on_the_clipboard(make: Make) -> None:
    hand = make()
    assert hand.view.copy()
    assert QApplication.clipboard().image().width() == 1000
    hand.view.clear()
    assert not hand.view.copy()
    with pytest.raises(ValueError, match="no picture"):
        hand.view.to_image()


def test_every_control_has_a_name_and_words_on_hover(make: Make) -> None:
    header, bar = (hand := make()).view.header, hand.view.levels_bar
    hand.view.set_source("BF")
    for control in (header.source, header.scale, header.colours, header.auto, bar.low, bar.high, bar.strip):
        assert control.accessibleName()
        assert control.toolTip()


def test_a_long_title_ends_in_an_ellipsis(make: Make) -> None:
    hand = make(size=(260, 400))
    hand.view.set_title("A very long title of a picture that has no room at all")
    QApplication.processEvents()
    title = hand.view.header.title
    assert title.text().endswith("…")
    assert title.toolTip() == title.whole_text
    assert hand.view.width() == 260


def test_words_beside_a_title_take_all_the_room_of_their_button(qtbot: QtBot) -> None:
    style.apply(QApplication.instance(), "dark")
    header = PictureHeader("Image")
    qtbot.addWidget(header)
    header.resize(700, 30)
    header.show()
    header.set_source(words := "CoM direction · frame centre")
    qtbot.waitUntil(lambda: header.source.width() == header.source.sizeHint().width())
    whole = _ink(header.source)
    header.source.resize(header.fontMetrics().horizontalAdvance(words) + style.GRID, header.source.height())
    assert header.source.text() == words
    assert abs(_ink(header.source) - whole) <= 1  # letters fall between pixels


def _ink(widget: QWidget) -> int:
    """How many pixels wide its words are."""
    image = widget.grab().toImage()
    ground = image.pixel(0, 0)
    rows = range(image.height())
    inked = [x for x in range(image.width()) if any(image.pixel(x, y) != ground for y in rows)]
    return inked[-1] - inked[0]


def test_words_beside_a_title_are_whole_where_there_is_room_and_leave_the_title_whole(qtbot: QtBot) -> None:
    header = PictureHeader("Diffraction")
    qtbot.addWidget(header)
    header.show_display(Display())
    header.resize(700, 30)
    header.show()
    menu = QMenu(header)
    for words in ("BF", "mean of 65 536 frames in the region", "ring"):
        header.set_source(words, menu)
        qtbot.waitUntil(lambda words=words: header.source.text() == f"{words} ▾")
    header.set_source("mean of 65 536 frames in the region", menu)
    header.resize(header.minimumSizeHint().width() + 20, 30)
    qtbot.waitUntil(lambda: "…" in header.source.text())
    assert header.title.text() == "Diffraction"
    assert header.source.whole_text == "mean of 65 536 frames in the region ▾"
    assert "65 536" in header.source.toolTip()
