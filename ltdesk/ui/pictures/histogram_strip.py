"""The histogram under a picture, with the two levels to drag, the colours between them, and the levels as numbers.

pyqtgraph's HistogramLUTItem counts in the GUI thread, on the values themselves and not on the scale they are drawn
on, and has no room for hot pixels beyond its ends.
"""

from __future__ import annotations

import numpy as np
from PyQt5.QtCore import QEvent, QPointF, QRectF, Qt, pyqtSignal
from PyQt5.QtGui import QColor, QImage, QPainter, QPainterPath, QPalette, QPen
from PyQt5.QtWidgets import QToolTip, QWidget

from ltdesk.ui.look import style
from ltdesk.ui.pictures import colour_maps
from ltdesk.ui.pictures.levels import Histogram, Levels
from ltdesk.ui.pictures.prepare import Prepared
from ltdesk.ui.pictures.readout import number_text

HEIGHT = 40
RAMP = 7
GRIP = 8.0
MARGIN = 6.0
STEP, LARGE_STEP = 0.01, 0.1
"""How far a key moves a level, as a part of the strip."""


class HistogramStrip(QWidget):
    """Counts on a logarithmic axis over the display scale. Drag a level, or what lies between both; keys move them.

    Signals
    -------
    levels_changed : (low, high) in data values, at each step
    dragging : (bool) a drag of the levels began or ended
    auto_wanted : () a double click
    """

    levels_changed = pyqtSignal(float, float)
    dragging = pyqtSignal(bool)
    auto_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prepared: Prepared | None = None
        self._span: Levels = (0.0, 1.0)
        self._held, self._grabbed_at, self._before = "", 0.0, (0.0, 1.0)
        self._chosen = "high"
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(80)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setAccessibleName("Histogram and levels")
        self.setToolTip(
            "Histogram (logarithmic counts). Drag the levels or the band between them: display only.\n"
            "Double click: automatic contrast. Keys: Tab picks the level, ← → move it, Shift further"
        )

    def show_prepared(self, prepared: Prepared | None) -> None:
        """Show the histogram and levels of a picture; None: there is nothing to hold."""
        self._prepared = prepared
        if prepared is None:
            self._held = ""
        if prepared is not None and not self._held:
            edges = prepared.histograms[0].edges
            self._span = float(edges[0]), float(edges[-1])
        self._describe()
        self.update()

    def let_go(self) -> None:
        """Somebody else ended the drag: what the hand holds no longer follows it."""
        if self._held:
            self._held = ""
            self.show_prepared(self._prepared)

    @property
    def prepared(self) -> Prepared | None:
        """What is shown."""
        return self._prepared

    @property
    def levels(self) -> Levels | None:
        """The levels in data values; None for a composite."""
        return self._prepared.levels if self._prepared is not None else None

    def x_of(self, value: float) -> float:
        """Where a data value lies on the strip, in its pixels."""
        start, stop = self._span
        share = (self._prepared.scale.place(value) - start) / (stop - start)
        return MARGIN + share * (self.width() - 2 * MARGIN)

    def value_at(self, x: float) -> float:
        """The data value at a place of the strip."""
        start, stop = self._span
        share = (x - MARGIN) / max(self.width() - 2 * MARGIN, 1)
        return self._prepared.scale.value(start + share * (stop - start))

    # Painting

    def paintEvent(self, event) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.Antialiasing)
        if self._prepared is None:
            return
        plot = self._plot()
        for histogram in self._prepared.histograms:
            self._paint_counts(painter, plot, histogram)
        if self.levels is not None:
            self._paint_ramp(painter)
            self._paint_levels(painter, plot)

    def _plot(self) -> QRectF:
        return QRectF(MARGIN, 2, self.width() - 2 * MARGIN, HEIGHT - RAMP - 5)

    def _paint_counts(self, painter: QPainter, plot: QRectF, histogram: Histogram) -> None:
        path = outline(histogram, plot, self._span if self.levels is not None else None)
        colour = QColor(histogram.colour) if histogram.colour else self.palette().color(QPalette.PlaceholderText)
        fill = QColor(colour)
        fill.setAlphaF(0.25 if histogram.colour else 0.55)
        painter.save()
        painter.setClipRect(plot)
        painter.setPen(QPen(colour, 1.5) if histogram.colour else Qt.NoPen)
        painter.setBrush(fill)
        painter.drawPath(path)
        painter.restore()

    def _paint_ramp(self, painter: QPainter) -> None:
        low, high = (self.x_of(level) for level in self.levels)
        ramp = QRectF(MARGIN, HEIGHT - RAMP - 1, self.width() - 2 * MARGIN, RAMP)
        # The lengths of vectors are told by light alone.
        colours = colour_maps.argb("gray" if self._prepared.wheel else self._prepared.display.colour_map)
        painter.save()
        clip = QPainterPath()
        clip.addRoundedRect(ramp, 2, 2)
        painter.setClipPath(clip)
        painter.fillRect(QRectF(ramp.left(), ramp.top(), low - ramp.left(), RAMP), QColor(int(colours[0])))
        painter.fillRect(QRectF(high, ramp.top(), ramp.right() - high, RAMP), QColor(int(colours[-1])))
        image = QImage(colours.tobytes(), len(colours), 1, 4 * len(colours), QImage.Format_RGB32)
        painter.setRenderHint(QPainter.SmoothPixmapTransform)
        painter.drawImage(QRectF(low, ramp.top(), high - low, RAMP), image)
        painter.restore()

    def _paint_levels(self, painter: QPainter, plot: QRectF) -> None:
        colours = self.palette()
        low, high = (self.x_of(level) for level in self.levels)
        shade = QColor(colours.color(QPalette.Window))
        shade.setAlphaF(0.6)
        painter.fillRect(QRectF(plot.left(), plot.top(), low - plot.left(), plot.height()), shade)
        painter.fillRect(QRectF(high, plot.top(), plot.right() - high, plot.height()), shade)
        for name, x in (("low", low), ("high", high)):
            focused = self.hasFocus() and self._chosen == name
            active = focused or self._held in (name, "both")
            colour = colours.color(QPalette.Highlight if active else QPalette.WindowText)
            painter.setPen(QPen(colour, 1.5))
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, HEIGHT - 1))
            painter.setPen(Qt.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(x - 3, plot.center().y() - 6, 6, 12), 3, 3)

    # The hand

    def mousePressEvent(self, event) -> None:
        if event.button() != Qt.LeftButton or self.levels is None:
            event.ignore()
            return
        self._held = self._handle_at(event.localPos().x())
        if self._held:
            self._chosen = self._held if self._held != "both" else self._chosen
            self._grabbed_at, self._before = event.localPos().x(), self.levels
            self.dragging.emit(True)
            self.update()

    def mouseMoveEvent(self, event) -> None:
        x = event.localPos().x()
        if self._held:
            self._drag_to(x)
        elif self.levels is not None:
            handle = self._handle_at(x)
            shape = {"": Qt.ArrowCursor, "both": Qt.SizeAllCursor}.get(handle, Qt.SizeHorCursor)
            self.setCursor(shape)

    def mouseReleaseEvent(self, event) -> None:
        if self._held and event.button() == Qt.LeftButton:
            self.let_go()
            self.dragging.emit(False)

    def mouseDoubleClickEvent(self, event) -> None:
        self.auto_wanted.emit()

    def keyPressEvent(self, event) -> None:
        direction = {Qt.Key_Left: -1, Qt.Key_Right: 1}.get(event.key())
        if direction is None or self.levels is None:
            event.ignore()
            return
        step = LARGE_STEP if event.modifiers() & Qt.ShiftModifier else STEP
        value = self.levels[0 if self._chosen == "low" else 1]
        x = self.x_of(value) + direction * step * (self.width() - 2 * MARGIN)
        self._send(*self._moved(self._chosen, self.value_at(x), self.levels))

    def event(self, event) -> bool:
        if event.type() == QEvent.KeyPress and self.levels is not None:
            forward = event.key() == Qt.Key_Tab and self._chosen == "low"
            backward = event.key() == Qt.Key_Backtab and self._chosen == "high"
            if forward or backward:
                self._chosen = "high" if forward else "low"
                self.update()
                return True
        if event.type() == QEvent.ToolTip and self._prepared is not None and self.levels is not None:
            near = self._handle_at(event.pos().x())
            if near in ("low", "high"):
                QToolTip.showText(event.globalPos(), self._level_text(near), self)
                return True
        return super().event(event)

    def focusInEvent(self, event) -> None:
        self._chosen = "high" if event.reason() == Qt.BacktabFocusReason else "low"
        super().focusInEvent(event)

    def _level_text(self, name: str) -> str:
        low, high = self.levels or (0.0, 1.0)
        which, value = ("Darkest", low) if name == "low" else ("Brightest", high)
        out = self._prepared.outliers[0 if name == "low" else 1]
        beyond = f"; {out:.2%} of the pixels lie beyond" if out >= 5e-5 else ""
        return f"{which} at {number_text(value)} {self._prepared.picture.unit}".rstrip() + beyond

    def _handle_at(self, x: float) -> str:
        low, high = (self.x_of(level) for level in self.levels)
        if min(abs(x - low), abs(x - high)) <= GRIP:
            return "low" if abs(x - low) < abs(x - high) or (abs(x - low) == abs(x - high) and x < low) else "high"
        return "both" if low < x < high else ""

    def _drag_to(self, x: float) -> None:
        if self._held != "both":
            self._send(*self._moved(self._held, self.value_at(x), self._before))
            return
        shift = x - self._grabbed_at
        self._send(*(self.value_at(self.x_of(level) + shift) for level in self._before))

    def _moved(self, name: str, value: float, levels: Levels) -> Levels:
        """The levels with one of them moved, never past the other."""
        least = self.value_at(self.x_of(levels[0]) + 1), self.value_at(self.x_of(levels[1]) - 1)
        return (min(value, least[1]), levels[1]) if name == "low" else (levels[0], max(value, least[0]))

    def _send(self, low: float, high: float) -> None:
        if high > low and (low, high) != self.levels:
            self.levels_changed.emit(low, high)

    def _describe(self) -> None:
        if self.levels is not None:
            self.setAccessibleDescription(f"{self._level_text('low')}, {self._level_text('high').lower()}")


def outline(histogram: Histogram, plot: QRectF, span: Levels | None) -> QPainterPath:
    """The counts as an outline in `plot`, on a logarithmic axis; `span` of the scale is its width, None: its own."""
    start, stop = span or (histogram.edges[0], histogram.edges[-1])
    xs = plot.left() + (histogram.edges - start) / (stop - start) * plot.width()
    heights = np.log1p(histogram.counts)
    ys = plot.bottom() - heights / max(heights.max(), 1e-9) * plot.height()
    path = QPainterPath(QPointF(xs[0], plot.bottom()))
    for left, right, y in zip(xs, xs[1:], ys, strict=False):
        path.lineTo(left, y)
        path.lineTo(right, y)
    path.lineTo(xs[-1], plot.bottom())
    path.closeSubpath()
    return path


def figures_width(widget: QWidget) -> int:
    """The width of a field that holds a level, however long its number is."""
    font = style.figures_font(style.readable_font(widget.font()))
    widget.setFont(font)
    return widget.fontMetrics().horizontalAdvance("−8.888×10⁻⁸⁸") + 4
