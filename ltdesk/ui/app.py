"""The window with all that works behind it: the one place that wires things. `start` shows it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import QObject, Qt, QTimer

from ltdesk.engine.dataset import Dataset
from ltdesk.engine.preview.cache import PreviewCache
from ltdesk.engine.preview.previews import Previews
from ltdesk.errors import LtdeskError
from ltdesk.session import Session
from ltdesk.ui.analyses.profile_pane import ProfilePane
from ltdesk.ui.analyses.ring_outline import RingOutline
from ltdesk.ui.cluster.cluster_commands import ClusterCommands
from ltdesk.ui.cluster.connection import ClusterConnection
from ltdesk.ui.cluster.placed_executor import PlacedExecutor
from ltdesk.ui.commands.analysis_commands import AnalysisCommands
from ltdesk.ui.commands.correction_commands import CorrectionCommands
from ltdesk.ui.commands.detector_commands import DetectorCommands
from ltdesk.ui.commands.export_commands import ExportCommands
from ltdesk.ui.commands.file_commands import FileCommands
from ltdesk.ui.commands.finding_commands import FindingCommands
from ltdesk.ui.commands.help_commands import HelpCommands
from ltdesk.ui.commands.keyboard import Keyboard
from ltdesk.ui.commands.view_commands import ViewCommands
from ltdesk.ui.files.autosave import Autosave, left_behind
from ltdesk.ui.files.opening import Opened, Opener, file_title
from ltdesk.ui.live.frame_reader import FrameReader
from ltdesk.ui.live.live import LiveJobs
from ltdesk.ui.live.local_later import LocalExecutor
from ltdesk.ui.live.mailbox import Mailbox
from ltdesk.ui.live.wishes import Wish
from ltdesk.ui.main_window import MainWindow
from ltdesk.ui.pictures.frame_pane import FramePane
from ltdesk.ui.pictures.image_pane import ImagePane
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.settings import Settings
from ltdesk.ui.shapes.detector_layer import DetectorLayer
from ltdesk.ui.shapes.drawing_tools import DrawingTools

if TYPE_CHECKING:
    from ltdesk.engine.executor import Executor

RELEASE_SECONDS = 10.0


class Desk(QObject):
    """A window with all that works behind it. `close` ends jobs and threads.

    Attributes
    ----------
    dataset : what is open now, or None
    building : steps that are left until it is all there; done at once unless `in_steps`

    Parameters
    ----------
    window : one that is shown already, not filled; None: a new one
    """

    def __init__(
        self,
        executor: Executor | None = None,
        settings: Settings | None = None,
        window: MainWindow | None = None,
        in_steps: bool = False,
    ) -> None:
        super().__init__()
        self.dataset: Dataset | None = None
        self.settings = settings or Settings()
        self.window = window or MainWindow(self.settings)
        self._closed = False
        self.building = self._build(executor)
        if not in_steps:
            for _ in self.building:
                pass

    def _build(self, executor: Executor | None) -> Iterator[None]:
        """Make and wire everything; between steps the window can work."""
        self.model = SessionModel(parent=self)
        self.mailbox = Mailbox(self)
        self.executor = PlacedExecutor(executor or LocalExecutor())
        self.connection = ClusterConnection(self.executor, self.settings, self)
        self.live = LiveJobs(self.model, self.executor, self.mailbox, self, self._previews())
        self.reader = FrameReader(self.mailbox, self)
        self.opener = Opener(self.mailbox, self)
        self.autosave = Autosave(self.model, parent=self)
        self.tools = DrawingTools(self.model, self)
        yield from self.window.fill(self.model)
        yield
        self._make_panes()
        yield
        self._make_commands()
        self._wire()

    def _previews(self) -> Previews | None:
        """Images at once while something is dragged, where jobs run in this process."""
        return Previews(self.executor, PreviewCache()) if isinstance(self.executor.here, LocalExecutor) else None

    def _make_panes(self) -> None:
        window = self.window
        self.layer = DetectorLayer(window.frame_view.viewbox, self.model, self.tools)
        self.keyboard = Keyboard(window.frame_view, window.image_view, self.layer, self.model)
        self.frame_pane = FramePane(window.frame_view, self.model, self.live, self.reader, window.frame_menu)
        self.image_pane = ImagePane(window.image_view, self.model, self.live, window.image_menu)
        self.profile_pane = ProfilePane(window.profile, self.model, self.live)
        self.ring_outline = RingOutline(window.frame_view, self.model)

    def _make_commands(self) -> None:
        window = self.window
        self.files = FileCommands(window, self.model, self.opener, self.settings)
        self.views = ViewCommands(window, self.model, self.keyboard, self.settings)
        self.detectors = DetectorCommands(window, self.model, self.layer, self.tools)
        self.analyses = AnalysisCommands(
            window, self.model, self.tools, self.profile_pane, self.settings, self.files.show_error
        )
        self.finding = FindingCommands(window, self.model, self.live, self.files.show_error)
        self.corrections = CorrectionCommands(window, self.model, self.settings, self.files.show_error)
        self.exports = ExportCommands(window, self.model, self.live, self.settings, self.files.show_error)
        self.cluster = ClusterCommands(window, self.connection, self.live, self.files.open_path)
        self.help = HelpCommands(window)

    def _wire(self) -> None:
        bar, actions = self.window.job_bar, self.window.actions_by_name
        bar.cancel_wanted.connect(self.live.cancel)
        bar.retry_wanted.connect(self.retry)
        self.live.progressed.connect(bar.show_progress)
        self.live.refused.connect(self._show_refusal)
        self.opener.opened.connect(self._open)
        self.files.close_wanted.connect(self.close_scan)
        self.corrections.corrected.connect(self._show_corrected)
        self.frame_pane.spectrum_shown.connect(self.keyboard.set_spectrum)
        for view in (self.window.frame_view, self.window.image_view):
            self.model.dragging_changed.connect(view.follow_drag)
        self.window.closing.connect(self.close)
        actions.connect(stop=self.stop, retry=self.retry)

    def show(self) -> None:
        """Show the window where it was last, with what a crash left behind."""
        for splitter in self.window.splitters:
            state = self.settings.bytes_value(f"split_{splitter.objectName()}")
            if state is not None:
                splitter.restoreState(state)
        if not self.window.isVisible():
            self.window.appear(self.settings)
        self.window.welcome.offer_restore(left_behind())
        if isinstance(self.executor.here, LocalExecutor):
            QTimer.singleShot(0, self.executor.here.warm_up)

    def close_scan(self) -> None:
        """Back to the start page; jobs are cancelled and the file is let go."""
        self._take(None, Session(), None, None)
        self.window.setWindowTitle("ltdesk")
        self.window.show_welcome()

    def retry(self) -> None:
        """F5: compute what failed or was cancelled, read the frame that could not be read."""
        self.live.retry()
        self.reader.retry()

    def stop(self) -> None:
        """Esc: what the hand is doing, else opening, else the jobs, else the region."""
        window = self.window
        if window.image_view.cancel_gesture() or window.frame_view.cancel_gesture():
            return
        if self.layer.take_key(Qt.Key_Escape):
            return
        if self.model.dragging:
            self.model.abandon_drag()
        elif self.opener.busy:
            self.opener.cancel()
        elif self.finding.busy:
            self.finding.cancel()
        elif self.live.running:
            self.live.cancel()
        else:
            self.views.drop_region()

    def close(self) -> None:
        """Remember the window, cancel jobs, end threads."""
        if self._closed:
            return
        self._closed = True
        self.settings.save_window(self.window)
        for splitter in self.window.splitters:
            self.settings.set_bytes(f"split_{splitter.objectName()}", splitter.saveState())
        self.settings.sync()
        self.mailbox.close()
        self.live.close()
        self.reader.close()
        self.opener.close()
        self.files.close()
        self.exports.close()
        self.corrections.close()
        self.analyses.close()
        self.finding.close()
        self.profile_pane.close()
        self.detectors.close()
        self.window.editor.counter.close()
        self.cluster.close()
        self.connection.close()
        self.executor.close()
        self.autosave.close()
        if self.dataset is not None:
            self.dataset.close()

    def _open(self, opened: Opened) -> None:
        self._take(opened.dataset, opened.session, opened, opened)
        self.files.remember(opened.path)
        title = file_title(opened.dataset.ref.uri)
        self.window.setWindowTitle(f"{title} — ltdesk")
        QTimer.singleShot(0, self._show_work)  # a turn of its own, as is the first paint of the pictures

    def _show_work(self) -> None:
        if self.dataset is not None:
            self.window.actions_by_name.set_scan_open(True)
            self.window.show_work()

    def _take(self, dataset: Dataset | None, session: Session, sample, beam) -> None:
        """Put another dataset and its session in the place of what is open."""
        old = self.dataset
        self._follow_none()
        self.model.open(session)
        frame_shape = None if dataset is None else dataset.frame_shape
        self.window.detectors.set_frame_shape(frame_shape)
        self.window.editor.set_frame_shape(frame_shape)
        if frame_shape is not None:
            self.tools.frame_shape = frame_shape
        self.views.set_beam(None if beam is None else beam.beam)
        self.frame_pane.set_beam(None if beam is None else beam.beam)
        self.window.analyses.form.set_scan(frame_shape, None if beam is None else beam.beam)
        self._follow_dataset(dataset, sample)
        if dataset is None:
            self.window.actions_by_name.set_scan_open(False)
        self._release(old)

    def _show_corrected(self, dataset: Dataset) -> None:
        """The same scan, its frames corrected in another way; the file stays open."""
        self._follow_none()
        self._follow_dataset(dataset, None)

    def _follow_none(self) -> None:
        for part in (self.live, *self._followers()):
            part.set_dataset(None)
        self.frame_pane.open(None, None)
        self.image_pane.open(None)

    def _follow_dataset(self, dataset: Dataset | None, sample) -> None:
        """Show a dataset; jobs last, once all who take their answers know what they are about."""
        self.dataset = dataset
        found = None if sample is None else sample.sample
        self.frame_pane.open(dataset, None if found is None else found._replace(seen=None))
        self.image_pane.open(dataset)
        for part in self._followers():
            part.set_dataset(dataset)
        self.live.set_dataset(dataset, None if found is None else found.seen)
        self.window.job_bar.show_dataset(dataset)

    def _followers(self) -> tuple[Any, ...]:
        """Those who have to know what is open, but for the panes and the jobs."""
        files = (self.reader, self.keyboard, self.files, self.exports, self.corrections, self.cluster)
        return (*files, self.profile_pane, self.ring_outline, self.window.slice_bar, self.analyses, self.finding)

    def _release(self, dataset: Dataset | None) -> None:
        """Close a dataset once nothing reads it any more."""
        if dataset is None:
            return

        def release() -> None:
            self.live.keeper.wait_released(dataset, RELEASE_SECONDS)
            self.reader.wait_idle(RELEASE_SECONDS)
            dataset.close()

        threading.Thread(target=release, name="ltdesk-release", daemon=True).start()

    def _show_refusal(self, wish: Wish, error: LtdeskError) -> None:
        self.files.show_error(error, f"Computing {wish.analysis.name}")
