"""What is written on a picture: scale bar, pixel and value, status, notes. Each on a translucent plate.

They are widgets over the viewport, not items of the scene: a number that changes repaints its own plate alone.
"""

from __future__ import annotations

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QColor, QFontMetricsF, QImage, QPainter
from PyQt5.QtWidgets import QWidget

from ltdesk.ui.look import style
from ltdesk.ui.look.breaks import NO_BREAK, breakable
from ltdesk.ui.look.sizes import grouped
from ltdesk.ui.pictures.scale_bar import INK, Bar, paint_bar, paint_plate, plate_size
from ltdesk.ui.pictures.vectors import ring_picture, wheel_picture

GRID = style.GRID
STATUS_COLOURS = {
    "estimate": "#e3b455",
    "preview": "#7aa7f0",
    "filling": "#e3b455",
    "incomplete": "#ee8866",
    "missing": "#ee8866",
    "exact": "#6cc08b",
}
WHEEL = 56
STATUS_TEXTS = {
    "estimate": "estimate",
    "preview": "preview",
    "filling": "filling in",
    "incomplete": "incomplete",
    "missing": "incomplete · {counted} of {all}",
    "exact": "exact",
}
STATUS_TIPS = {
    "estimate": "From a part of the scan so far; positions not done yet show the nearest that is done, dimmed",
    "preview": "From the binned preview while you drag; the exact image follows",
    "filling": "Positions fill in as they are done; the others show the nearest that is done, dimmed",
    "incomplete": "Computing was stopped or failed: hatched positions have no value; F5 computes them",
    "missing": "Computed from {counted} of {all} frames: the file has no others",
    "exact": "Computed from every frame that the file has",
}


def status_tip(status: str, positions: int, missing: int) -> str:
    """What a status means, of a picture of so many positions, of which so many have no frame."""
    return _with_counts(STATUS_TIPS.get(status, ""), positions, missing)


def _with_counts(words: str, positions: int, missing: int) -> str:
    return words.format(counted=grouped(positions - missing), all=grouped(positions))


def paint_wheel(painter: QPainter, place: QRectF, wheel: QImage) -> None:
    """Paint a colour wheel on a round plate."""
    painter.setRenderHints(QPainter.Antialiasing | QPainter.SmoothPixmapTransform)
    paint_plate(painter, place, place.width() / 2)
    rim = place.width() / 16
    painter.drawImage(place.adjusted(rim, rim, -rim, -rim), wheel)


class Plate(QWidget):
    """A translucent ground that lets the mouse through. A steady one keeps its width while its text gets shorter."""

    _steady = False

    def __init__(self, parent: QWidget, name: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self.setAccessibleName(name)
        self._text, self._widest = "", 0.0
        self.hide()

    @property
    def text(self) -> str:
        return self._text

    def set_text(self, text: str) -> None:
        """What is written; empty: nothing is seen."""
        if text == self._text:
            return
        self._text = text
        self.setAccessibleDescription(text)
        self._arrange()

    def forget_width(self) -> None:
        """What is written from now on is of another kind: the plate need not keep the room of what was."""
        self._widest = 0.0

    def sizeHint(self) -> QSize:
        needed = self._metrics().horizontalAdvance(self._text)
        self._widest = max(self._widest, needed) if self._steady and self._text else needed
        width = self._widest + self._left() + GRID
        return QSize(round(width + 0.5), round(self._metrics().height() + GRID * 0.75))

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        painter.setFont(self._font())
        paint_plate(painter, QRectF(self.rect()), GRID / 2)
        painter.setPen(INK)
        self._paint_words(painter)
        self._paint_more(painter)

    def _font(self):
        return style.figures_font(style.readable_font(self.font()))

    def _metrics(self) -> QFontMetricsF:
        return QFontMetricsF(self._font())

    def _left(self) -> float:
        return GRID

    def _align(self) -> Qt.AlignmentFlag:
        return Qt.AlignLeft

    def _paint_words(self, painter: QPainter) -> None:
        text = QRectF(self.rect()).adjusted(self._left(), 0, -GRID, 0)
        shown = self._metrics().elidedText(self._text, Qt.ElideMiddle, text.width() + 1)
        painter.drawText(text, int(self._align() | Qt.AlignVCenter), shown)

    def _paint_more(self, painter: QPainter) -> None: ...

    def _arrange(self) -> None:
        self.setVisible(bool(self._text))
        self.update()
        if (layer := self.parent()) is not None and hasattr(layer, "arrange"):
            layer.arrange()


class WrappedPlate(Plate):
    """One whose words are seen whole, in as many lines as that takes."""

    def fit(self, widest: int) -> None:
        """Take the size that the words need, at most `widest`."""
        hint = super().sizeHint()
        width = min(hint.width(), widest)
        words = self._metrics().boundingRect(self._place(width), self._flags(), self._wrapped())
        self.resize(width, max(hint.height(), round(words.height() + 0.5 + GRID * 0.75)))

    def _paint_words(self, painter: QPainter) -> None:
        place = self._place(self.width())
        place.setHeight(self.height())
        painter.drawText(place, self._flags(), self._wrapped())

    def _place(self, width: int) -> QRectF:
        """Where words are in a plate of this width, a pixel more than they need: advances are rounded."""
        return QRectF(GRID - 1, 0, max(width - 2 * GRID + 2, 1), 1e4)

    def _flags(self) -> int:
        return int(self._align() | Qt.AlignVCenter | Qt.TextWordWrap)

    def _wrapped(self) -> str:
        return breakable(self._text)


class MessagePlate(WrappedPlate):
    """What there is to say in the middle of the picture."""

    def _align(self) -> Qt.AlignmentFlag:
        return Qt.AlignHCenter


class ReadoutPlate(WrappedPlate):
    """Pixel and value under the mouse, lower right; a name stays beside its value."""

    _steady = True

    def _align(self) -> Qt.AlignmentFlag:
        return Qt.AlignRight

    def _wrapped(self) -> str:
        parts = self._text.split("  ")
        return self._text if len(parts) == 1 else "  ".join(part.replace(" ", NO_BREAK) for part in parts)


class StatusPlate(Plate):
    """Whether what is shown is exact, with a dot in the state's colour."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Status of the picture")
        self._status = ""

    @property
    def status(self) -> str:
        return self._status

    def set_status(self, status: str, positions: int = 0, missing: int = 0) -> None:
        """The state of a picture of so many positions, of which so many have no frame; empty: nothing is said."""
        self._status = status
        self.set_text(_with_counts(STATUS_TEXTS.get(status, status), positions, missing))
        self.update()

    def _left(self) -> float:
        return GRID * 3.0

    def _paint_more(self, painter: QPainter) -> None:
        painter.setPen(Qt.NoPen)
        painter.setBrush(QColor(STATUS_COLOURS.get(self._status, "#ffffff")))
        painter.drawEllipse(QPointF(GRID * 1.625, self.height() / 2), GRID * 0.44, GRID * 0.44)


class ScaleBarPlate(Plate):
    """A scale bar, lower left."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Scale bar")
        self._bar: Bar | None = None

    def set_bar(self, bar: Bar | None) -> None:
        if bar != self._bar:
            self._bar, self._text = bar, bar.text if bar is not None else ""
            self.setAccessibleDescription(self._text)
            self._arrange()

    def sizeHint(self) -> QSize:
        if self._bar is None:
            return QSize(0, 0)
        size = plate_size(self._bar, self._metrics(), GRID)
        return QSize(round(size.width() + 0.5), round(size.height() + 0.5))

    def paintEvent(self, event) -> None:
        if self._bar is not None:
            painter = QPainter(self)
            painter.setFont(self._font())
            paint_bar(painter, QPointF(0, self.height()), self._bar, GRID)


class WheelPlate(Plate):
    """The colour wheel of a picture of vectors or of angles, upper right: which colour points where, on the screen."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "Colour wheel")
        self._wheel: QImage | None = None
        self._shown: tuple[str | None, bool] = (None, False)

    def set_colour_map(self, name: str | None, angles: bool = False) -> None:
        """Show the wheel of this colour map; None: neither vectors nor angles are shown.

        angles : there is no length: the wheel is a ring
        """
        if (name, angles) == self._shown:
            return
        self._shown = name, angles
        make = ring_picture if angles else wheel_picture
        self._wheel = make(WHEEL * 2, name).image.copy() if name is not None else None
        words = "Colour tells the angle" if angles else "Colour tells the direction, brightness the length"
        self._text = words if name is not None else ""
        self.setAccessibleDescription(self._text)
        self._arrange()

    def sizeHint(self) -> QSize:
        return QSize(WHEEL + GRID, WHEEL + GRID) if self._wheel is not None else QSize(0, 0)

    def paintEvent(self, event) -> None:
        if self._wheel is not None:
            painter = QPainter(self)
            paint_wheel(painter, QRectF(self.rect()), self._wheel)


class PlateLayer(QWidget):
    """Puts the plates in the corners of the viewport, so that they don't cover one another."""

    def __init__(self, viewport: QWidget) -> None:
        super().__init__(viewport)
        self.setAttribute(Qt.WA_TransparentForMouseEvents)
        self.status = StatusPlate(self)
        self.note = Plate(self, "Note on the picture")
        self.wheel = WheelPlate(self)
        self.message = MessagePlate(self, "Message")
        self.scale_bar = ScaleBarPlate(self)
        self.readout = ReadoutPlate(self, "Pixel and value")

    def resizeEvent(self, event) -> None:
        self.arrange()

    def arrange(self) -> None:
        """Place the plates for the size they need now; what doesn't fit side by side goes above the other."""
        width, height, gap = self.width(), self.height(), GRID
        for plate in (self.message, self.readout):
            plate.fit(max(width - 2 * gap, 0))
        for plate in (self.status, self.note, self.wheel, self.scale_bar):
            hint = plate.sizeHint()
            plate.resize(min(hint.width(), max(width - 2 * gap, 0)), hint.height())
        self.status.move(gap, gap)
        beside = self.status.geometry().right() + gap if self.status.isVisibleTo(self) else gap
        self.wheel.move(width - gap - self.wheel.width(), gap)
        fits = beside + self.note.width() + gap + self.wheel.width() <= width
        below = self.status.geometry().bottom() + gap // 2
        self.note.move(beside if fits else gap, gap if fits else below)
        self.message.move((width - self.message.width()) // 2, (height - self.message.height()) // 2)
        self.scale_bar.move(gap, height - gap - self.scale_bar.height())
        bottom = height - gap - self.readout.height()
        if self.scale_bar.isVisibleTo(self) and self.scale_bar.width() + self.readout.width() + 3 * gap > width:
            bottom -= self.scale_bar.height() + gap // 2
        self.readout.move(width - gap - self.readout.width(), bottom)
