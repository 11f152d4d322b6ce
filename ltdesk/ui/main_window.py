"""The window: where things are, and the menus. What they do is wired in `app`.

Its frame and the start page come at once (`MainWindow`), the pictures and panels, which load much, after (`fill`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from PyQt5.QtCore import QEvent, QSize, Qt, QTimer, pyqtSignal
from PyQt5.QtWidgets import (
    QFrame,
    QMainWindow,
    QMenu,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from ltdesk.ui.commands.actions import Actions
from ltdesk.ui.look import icons, style
from ltdesk.ui.panels.job_bar import JobBar
from ltdesk.ui.panels.opening_page import OpeningPage
from ltdesk.ui.panels.welcome_page import WelcomePage
from ltdesk.ui.settings import Settings

if TYPE_CHECKING:  # the window is there before it
    from ltdesk.ui.session_model import SessionModel

START_SIZE = QSize(1280, 720)
PANEL_WIDTH = 31 * style.GRID


class MainWindow(QMainWindow):
    """Left the frame, right the image, beside them the detectors; a start page while nothing is open.

    Signals
    -------
    files_dropped : (list of str) paths or URIs
    closing : () the window is about to close
    """

    files_dropped = pyqtSignal(list)
    closing = pyqtSignal()

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.setWindowTitle("ltdesk")
        self.setAcceptDrops(True)
        self.setAnimated(False)  # bars that glide into place would lay all out anew at each step
        self.actions_by_name = Actions(self)
        self.welcome = WelcomePage(settings)
        self.opening = OpeningPage()
        self.job_bar = JobBar()
        self.setStatusBar(self.job_bar)
        self.image_menu = self._menu_of("Image", "&Image")
        self.frame_menu = self._menu_of("Frame", "&Frame")
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.opening)
        self.setCentralWidget(self.pages)
        self._make_menus()
        self._make_tool_bar()
        self.resize(START_SIZE)

    def fill(self, model: SessionModel) -> Iterator[None]:
        """Make the page of the pictures, in steps: nothing is held up for longer than one of them takes."""
        from ltdesk.ui.analyses.panel import AnalysisPanel
        from ltdesk.ui.analyses.profile_plot import ProfilePlot
        from ltdesk.ui.analyses.slice_bar import SliceBar
        from ltdesk.ui.panels.detector_panel import DetectorPanel
        from ltdesk.ui.panels.shape_editor import ShapeEditor
        from ltdesk.ui.pictures.picture_view import PictureView

        self.frame_view = PictureView("Diffraction", "frame")
        yield
        self.image_view = PictureView("Image", "scan")
        yield
        self.detectors = DetectorPanel(model)
        yield
        self.editor = ShapeEditor(model)
        yield
        self.analyses = AnalysisPanel(model)
        self.analysis_menu.insertMenu(self._before_add, self.analyses.add_menu)
        yield
        self.slice_bar = SliceBar(model)
        self.image_view.add_bar(self.slice_bar)
        self.profile = ProfilePlot()
        yield
        self._lay_out()
        for part in (self.frame_view, self.image_view, self.detectors, self.editor, self.analyses, self.profile):
            yield
            for widget in part.findChildren(QWidget):
                widget.ensurePolished()  # here, so that the first scan does not wait for it

    def appear(self, settings: Settings) -> None:
        """Show it where it was last, with the start page."""
        settings.restore_window(self)
        self.show_full_screen(False)
        self.show_welcome()
        self.show()

    def show_welcome(self) -> None:
        """The start page."""
        self.welcome.refresh()
        self._show_page(self.welcome)

    def show_opening(self) -> None:
        """The page of what is being opened."""
        self._show_page(self.opening)

    def show_work(self) -> None:
        """The pictures. They are laid out now and painted in the next turn of the event loop: a scene that changes its
        size would otherwise be painted twice, and all of it in one turn."""
        if self.page is not self.work:
            self.work.setUpdatesEnabled(False)
            QTimer.singleShot(0, self._paint_work)
        self._show_page(self.work)
        self.show_panel(self.actions_by_name["panel"].isChecked())
        self.image_view.canvas.setFocus()

    def show_panel(self, on: bool) -> None:
        """The side panel there or not; one that was dragged shut comes back in its first width."""
        self.panel.setVisible(on)
        if on and not self.work.sizes()[1]:
            self.work.setSizes([max(self.work.width(), START_SIZE.width()) - PANEL_WIDTH, PANEL_WIDTH])

    def _hide_shut_panel(self) -> None:
        """A panel that is dragged shut is off, as by its action."""
        if not self.work.sizes()[1]:
            self.actions_by_name["panel"].setChecked(False)

    def show_full_screen(self, on: bool) -> None:
        """The whole screen, or as large as before."""
        full = Qt.WindowFullScreen
        self.setWindowState(self.windowState() | full if on else self.windowState() & ~full)

    def _paint_work(self) -> None:
        self.work.setUpdatesEnabled(True)

    @property
    def page(self) -> QWidget:
        """What is shown in the middle."""
        page = self.pages.currentWidget()
        assert page is not None
        return page

    def show_recent(self, uris: Sequence[str], open_one: Callable[[str], None], clear: Callable[[], None]) -> None:
        """Fill the menu of recent files."""
        self.recent_menu.clear()
        for number, uri in enumerate(uris, 1):
            action = self.recent_menu.addAction(f"&{number}  {uri}" if number < 10 else uri)
            action.setStatusTip(f"Open {uri}")
            action.triggered.connect(lambda _=False, uri=uri: open_one(uri))
        if uris:
            self.recent_menu.addSeparator()
            self.recent_menu.addAction("&Forget These").triggered.connect(lambda _=False: clear())
        self.recent_menu.setEnabled(bool(uris))

    def _lay_out(self) -> None:
        self.panel = self._make_panel()
        half = (START_SIZE.width() - PANEL_WIDTH) // 2
        self.pictures = _splitter(Qt.Horizontal, "pictures", (self.frame_view, 1, half), (self.image_view, 1, half))
        self.column = _splitter(Qt.Vertical, "column", (self.pictures, 1, 480), (self.profile, 0, 200))
        self.work = _splitter(Qt.Horizontal, "work", (self.column, 1, 2 * half), (self.panel, 0, PANEL_WIDTH))
        self.work.setCollapsible(1, True)
        self.work.splitterMoved.connect(self._hide_shut_panel)
        self.work.setContentsMargins(style.GRID, 0, style.GRID, 0)
        self.profile.hide()
        self.pages.addWidget(self.work)

    def _make_panel(self) -> QWidget:
        numbers = QScrollArea()
        numbers.setWidget(self.editor)
        numbers.setWidgetResizable(True)
        numbers.setFrameShape(QFrame.NoFrame)
        numbers.setFocusPolicy(Qt.NoFocus)
        numbers.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        parts = QSplitter(Qt.Vertical)
        parts.setHandleWidth(style.GRID)
        parts.addWidget(self.detectors)
        parts.addWidget(numbers)
        parts.setSizes([340, 260])
        parts.setChildrenCollapsible(False)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Side panel")
        self.tabs.tabBar().setAccessibleName("Side panel: detectors or analyses")
        self.tabs.addTab(parts, "Detectors")
        self.tabs.addTab(self.analyses, "Analyses")
        panel = QWidget()
        panel.setObjectName("panel")
        panel.setMinimumWidth(26 * style.GRID)
        column = QVBoxLayout(panel)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.tabs)
        return panel

    @property
    def splitters(self) -> tuple[QSplitter, ...]:
        """What the hand may move; their states are remembered."""
        return self.work, self.column, self.pictures

    def _make_menus(self) -> None:
        actions = self.actions_by_name
        self.recent_menu = QMenu("Open Recen&t", self)
        theme, draw = self._menu_of("Theme", "&Theme"), self._menu_of("Draw", "Dra&w")
        file_menu = self._menu_of("File", "&File")
        file_menu.insertMenu(actions["save"], self.recent_menu)
        file_menu.insertSeparator(actions["save"])
        file_menu.insertSeparator(actions["close"])
        edit, view = self._menu_of("Edit", "&Edit"), self._menu_of("View", "&View")
        view.insertMenu(actions["panel"], theme)
        detector = self._menu_of("Detector", "&Detector")
        detector.insertMenu(actions["add_mask"], draw)
        self.analysis_menu = analysis = QMenu("&Analysis", self)
        analysis.setToolTipsVisible(True)
        analysis.addMenu(self.image_menu)
        analysis.addMenu(self.frame_menu)
        self._before_add = analysis.addSeparator()
        analysis.addActions(actions.section("Analyses"))
        analysis.addSeparator()
        analysis.addActions(actions.section("Job"))
        cluster = self._menu_of("Cluster", "&Cluster")
        for menu in (file_menu, edit, view, detector, analysis, cluster, self._menu_of("Help", "&Help")):
            self.menuBar().addMenu(menu)

    def _menu_of(self, section: str, title: str) -> QMenu:
        menu = QMenu(title, self)
        menu.setToolTipsVisible(True)
        menu.addActions(self.actions_by_name.section(section))
        return menu

    def _make_tool_bar(self) -> None:
        actions = self.actions_by_name
        bar = QToolBar("Tools", self)
        bar.setObjectName("tools")
        bar.setIconSize(QSize(icons.SIZE, icons.SIZE))
        bar.setMovable(False)
        for group in (
            [a for a in actions.section("Draw") if a.objectName().startswith("tool_")] + [actions["add_mask"]],
            [a for a in actions.section("Draw") if a.objectName().startswith("draw_")],
            [actions["undo"], actions["redo"]],
            [actions["export"], actions["copy_python"]],
        ):
            bar.addActions(group)
            bar.addSeparator()
        self.addToolBar(bar)
        self.tool_bar = bar

    def _show_page(self, page: QWidget) -> None:
        self.pages.setCurrentWidget(page)
        self.tool_bar.setVisible(page not in (self.welcome, self.opening))

    # What Qt tells the window

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.StatusTip:
            self.job_bar.tell(event.tip())
            return True
        return super().event(event)

    def dragEnterEvent(self, event) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event) -> None:
        urls = event.mimeData().urls()
        event.acceptProposedAction()
        self.files_dropped.emit([url.toLocalFile() or url.toString() for url in urls])

    def closeEvent(self, event) -> None:
        self.closing.emit()
        event.accept()


def _splitter(direction: Qt.Orientation, name: str, *parts: tuple[QWidget, int, int]) -> QSplitter:
    """Widgets side by side, each with its stretch and its size at the start."""
    splitter = QSplitter(direction)
    splitter.setObjectName(name)
    splitter.setHandleWidth(style.GRID)
    splitter.setChildrenCollapsible(False)
    for place, (widget, stretch, _) in enumerate(parts):
        splitter.addWidget(widget)
        splitter.setStretchFactor(place, stretch)
    splitter.setSizes([size for _, _, size in parts])
    return splitter
