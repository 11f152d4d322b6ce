"""The plot of a profile: at the cursor, the mean of the region and the mean of the scan, over distance or order."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PyQt5.QtCore import QEvent, QSize, Qt, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from ltdesk.session import OKABE_ITO
from ltdesk.ui.analyses.profiles import Bins, Curve, Means
from ltdesk.ui.look import icons, style
from ltdesk.ui.pictures.picture_header import ElidedLabel

NAMES = ("cursor", "region", "scan")
COLOURS = {"cursor": OKABE_ITO[0], "region": OKABE_ITO[1]}
MARK = "\N{BOX DRAWINGS HEAVY HORIZONTAL}" * 2
HIDDEN_FROM = 20
"""Up to so many bins each is marked by a point."""


class ProfilePlot(QWidget):
    """Draws curves; knows nothing of where they come from.

    Signals
    -------
    slice_wanted : (int) the user dragged the line to this bin
    export_wanted : () the user wants the curves in a file
    """

    slice_wanted = pyqtSignal(int)
    export_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bins: Bins | None = None
        self._plot: pg.PlotWidget | None = None
        self.curves: dict[str, Curve] = {}
        self._words: dict[str, str] = {}
        self.title = ElidedLabel("")
        self.title.setFont(style.heading_font(self.font()))
        self.legend = QLabel(self)
        self.legend.setAccessibleName("Curves")
        self._make_buttons()
        self._lay_out()

    @property
    def plot(self) -> pg.PlotWidget:
        """pyqtgraph's plot, made when it is first of use: the window opens without it."""
        self.make()
        return self._plot

    @property
    def is_made(self) -> bool:
        return self._plot is not None

    def make(self) -> None:
        """Make the plot, unless it is made."""
        if self._plot is None:
            self._plot = self._make_plot()
            self.layout().addWidget(self._plot, 1)
            self._paint()

    def _make_plot(self) -> pg.PlotWidget:
        plot = pg.PlotWidget(self, enableMenu=False)
        plot.setAccessibleName("Profile")
        self.destroyed.connect(plot.getPlotItem().ctrlMenu.deleteLater)  # made all the same, and nobody's child
        plot.hideButtons()
        plot.setVisible(self._bins is not None)
        self._items = {name: plot.plot([], []) for name in reversed(NAMES)}
        self.line = pg.InfiniteLine(movable=True)
        self.line.sigPositionChanged.connect(self._line_moved)
        plot.addItem(self.line, ignoreBounds=True)
        return plot

    def show_bins(self, bins: Bins | None, title: str, index: int | None) -> None:
        """What the curves are over; `index`: the bin that the image shows, None: none."""
        if bins is not self._bins:
            self._bins = bins
            for name in NAMES:
                self.show_curve(name, None)
            if bins is not None:
                self.plot.setLabel("bottom", bins.quantity, units=None if not bins.unit else f"{bins.unit}")
                self.plot.getAxis("bottom").enableAutoSIPrefix(False)
                self.plot.setLabel("left", _with_unit(bins.value, bins.value_unit))
                self.plot.getAxis("left").enableAutoSIPrefix(False)
                for side in ("bottom", "left"):
                    self.plot.getAxis(side).resizeEvent()  # places the words: pyqtgraph leaves them where others were
                self.log.setChecked(bins.value_unit == "counts")
                self.plot.enableAutoRange()
        self.title.set_text(title)
        self.export.setEnabled(bins is not None)
        if self._plot is None:
            return
        self._plot.setVisible(bins is not None)
        shown = bins is not None and index is not None and index < len(bins.places)
        self.line.setVisible(shown)
        if bins is not None and shown and index is not None:
            blocked = self.line.blockSignals(True)
            self.line.setValue(bins.places[index])
            self.line.blockSignals(blocked)

    def show_curve(self, name: str, values: NDArray[Any] | None, words: str = "") -> None:
        """One of `NAMES`; None: there is none."""
        if self._plot is None:
            return
        item = self._items[name]
        if values is None or self._bins is None or len(values) != len(self._bins.places):
            self.curves.pop(name, None)
            self._words.pop(name, None)
            item.setData([], [])
            self._update_legend()
            return
        self.curves[name] = np.asarray(values, dtype=np.float64)
        self._words[name] = words or name
        edges = self._bins.edges
        if edges is not None:
            item.setData(edges, self.curves[name], stepMode="center", symbol=None, connect="finite")
        else:
            few = len(values) <= HIDDEN_FROM
            item.setData(
                self._bins.places, self.curves[name], stepMode=None, connect="finite", symbol="o" if few else None
            )
        self._update_legend()

    def _update_legend(self) -> None:
        """Which curve is which, always in one order; beside the title, where it hides no curve."""
        theme = style.current()
        parts = [
            f"<span style='color:{COLOURS.get(name, theme.dim)}'>{MARK}</span> {escape(self._words[name])}"
            for name in NAMES
            if name in self._words
        ]
        self.legend.setText("&nbsp;&nbsp;&nbsp;".join(parts))

    def means(self, means: Means | None, region_words: str = "region") -> None:
        """The means of scan and region."""
        self.show_curve("scan", None if means is None else means.scan, "scan")
        self.show_curve("region", None if means is None else means.region, region_words)

    def showEvent(self, event) -> None:
        super().showEvent(event)
        self.plot.setFocusPolicy(Qt.ClickFocus)

    def sizeHint(self) -> QSize:
        return QSize(80 * style.GRID, 26 * style.GRID)

    def changeEvent(self, event) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.PaletteChange, QEvent.StyleChange) and hasattr(self, "export"):
            self._paint()

    def _make_buttons(self) -> None:
        self.log = QToolButton(self)
        self.log.setText("log")
        self.log.setCheckable(True)
        self.log.setAccessibleName("Logarithmic values")
        self.log.setToolTip("Values on a logarithmic scale: display only")
        self.log.toggled.connect(lambda on: self.plot.setLogMode(y=on))
        self.export = QToolButton(self)
        self.export.setIcon(icons.icon("export"))
        self.export.setIconSize(QSize(icons.SIZE, icons.SIZE))
        self.export.setAccessibleName("Export the curves")
        self.export.setToolTip("Write the curves as CSV or npz")
        self.export.clicked.connect(self.export_wanted)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(style.GRID)
        top.addWidget(self.title, 1)
        top.addWidget(self.legend)
        top.addWidget(self.log)
        top.addWidget(self.export)
        column = QVBoxLayout(self)
        column.setContentsMargins(style.GRID, 0, style.GRID, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addStretch()
        self.setMinimumHeight(18 * style.GRID)

    def _paint(self) -> None:
        """The theme's colours: pyqtgraph has its own otherwise."""
        if self._plot is None:
            return
        theme = style.current()
        self._plot.setBackground(theme.panel)
        for side in ("bottom", "left"):
            axis = self._plot.getAxis(side)
            axis.setPen(theme.line)
            axis.setTextPen(theme.dim)
        self._plot.getAxis("left").setWidth(9 * style.GRID)
        self._update_legend()
        for name, item in self._items.items():
            colour = COLOURS.get(name, theme.dim)
            item.setPen(pg.mkPen(colour, width=2 * self.devicePixelRatioF()))
            item.setSymbolBrush(colour)
            item.setSymbolPen(None)
            item.setSymbolSize(6)
        self.line.setPen(pg.mkPen(theme.accent, width=self.devicePixelRatioF(), style=Qt.DashLine))
        self.line.setHoverPen(pg.mkPen(theme.accent, width=3 * self.devicePixelRatioF()))

    def _line_moved(self) -> None:
        if self._bins is not None:
            nearest = int(np.abs(self._bins.places - self.line.value()).argmin())
            self.slice_wanted.emit(nearest)


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name
