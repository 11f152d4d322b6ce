"""The status bar: who computes, how far the jobs are, a hint, and what is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QStatusBar, QToolButton, QWidget

from ltdesk.ui.cluster.shares import share_detail, share_text
from ltdesk.ui.live.progress import Progress
from ltdesk.ui.look import figures, icons, style
from ltdesk.ui.look.breaks import beginnings, fitting

if TYPE_CHECKING:  # the window does not wait for it
    from ltdesk.engine.dataset import Dataset

STEPS = 1000
NOTE_WIDTH = 24 * style.GRID


class JobBar(QStatusBar):
    """Follows `Progress`; every part keeps its place and size while numbers change.

    Signals
    -------
    cancel_wanted, retry_wanted : () the user pressed the button
    """

    cancel_wanted = pyqtSignal()
    retry_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._failure = ""
        self.executor = self._label("Who computes")
        self.bar = self._make_bar()
        self.cancel_button = self._button("cancel", "Stop computing (Esc)")
        self.numbers = self._label("How far the job is", figures=True)
        self.share = self._label("How much was computed beside its bytes", figures=True)
        self.retry_button = self._button("retry", "Compute what is missing (F5)")
        self.retry_button.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
        self.hint = _Hint(self)
        self.damage = _Note(self)
        self.dataset = self._label("What is open", figures=True)
        self._lay_out()
        self.cancel_button.clicked.connect(self.cancel_wanted)
        self.retry_button.clicked.connect(self.retry_wanted)
        self.show_progress(Progress())
        self.show_dataset(None)

    def show_executor(self, text: str, detail: str = "", warn: bool = False) -> None:
        """Who computes: ``Local · 2 threads``; more in the tool tip."""
        self.executor.setText(text)
        self.executor.setToolTip(detail)
        _rank(self.executor, "warning" if warn else "dim")

    def show_progress(self, progress: Progress) -> None:
        """How far the jobs are, or how the last one went."""
        self.bar.setVisible(progress.running)
        self.cancel_button.setVisible(progress.running)
        self.retry_button.setVisible(not progress.running and bool(progress.failed or progress.cancelled))
        self.retry_button.setText("Compute again" if progress.cancelled else "Try again")
        settled = progress.done + progress.failed
        self.bar.setValue(round(STEPS * settled / progress.total) if progress.total else 0)
        self.numbers.setText(progress_text(progress))
        self.numbers.setToolTip(progress.message)
        self._tell_failure(progress.message if progress.failed and not progress.running else "")
        share = share_text(progress.execution)
        if share:  # from then on it keeps its width
            self.share.setMinimumWidth(self.share.fontMetrics().horizontalAdvance("100 % local"))
        self.share.setText(share)
        self.share.setToolTip(share_detail(progress.execution))
        _rank(self.numbers, "warning" if progress.failed or progress.message else "dim")

    def show_dataset(self, dataset: Dataset | None) -> None:
        """What is open, and what is wrong with it."""
        self.dataset.setText("" if dataset is None else figures.shape_text(dataset))
        self.dataset.setToolTip("" if dataset is None else f"{dataset.ref.uri}\n{dataset.format}")
        note = "" if dataset is None else dataset.note or figures.damage_text(dataset)
        self.damage.setText(note)
        self.damage.setVisible(bool(note))

    def tell(self, text: str) -> None:
        """A hint, or what just happened, until the next one."""
        self.hint.setText(text)

    def _tell_failure(self, why: str) -> None:
        """Say why partitions failed where hints are, until they no longer do or something else is said."""
        if why:
            self.tell(why)
        elif self._failure and self.hint.whole_text() == self._failure:
            self.tell("")
        self._failure = why

    def _label(self, name: str, figures: bool = False) -> QLabel:
        label = QLabel(self)
        label.setAccessibleName(name)
        label.setProperty("rank", "dim")
        if figures:
            label.setFont(style.figures_font(self.font()))
        return label

    def _make_bar(self) -> QProgressBar:
        bar = QProgressBar(self)
        bar.setAccessibleName("Progress of the job")
        bar.setRange(0, STEPS)
        bar.setTextVisible(False)
        bar.setFixedSize(QSize(12 * style.GRID, style.GRID))
        keep_size(bar)
        return bar

    def _button(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setIcon(icons.icon(icon))
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFocusPolicy(Qt.TabFocus)
        return button

    def _lay_out(self) -> None:
        keep_size(self.cancel_button)
        width = self.numbers.fontMetrics().horizontalAdvance("100 % · 99.9 GB/s · 59:59 left")
        self.numbers.setMinimumWidth(width)
        row = QWidget(self)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(style.GRID, 0, style.GRID, 0)
        layout.setSpacing(style.GRID)
        for widget in (self.executor, self.bar, self.cancel_button, self.numbers, self.share, self.retry_button):
            layout.addWidget(widget)
        layout.addWidget(self.hint, 1)
        for widget in (self.damage, self.dataset):
            layout.addWidget(widget)
        self.addPermanentWidget(row, 1)


class _Hint(QLabel):
    """A line that gives way: the sentences that there is room for, a first one too long cut; whole in its tool tip."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Hint")
        self.setProperty("rank", "dim")
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self._whole = ""

    def setText(self, text: str) -> None:
        self._whole = text
        self._fit()
        self.updateGeometry()

    def whole_text(self) -> str:
        """The text, cut or not."""
        return self._whole

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        cut = fitting(beginnings(self._whole), self.fontMetrics(), self.width())
        super().setText(cut)
        self.setToolTip(self._whole if cut != self._whole else "")


class _Note(_Hint):
    """What is wrong with the file: it has the room that it needs, but never so much that the window must grow."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Note about the file")
        self.setProperty("rank", "warning")
        self.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Preferred)

    def sizeHint(self) -> QSize:
        needed = self.fontMetrics().horizontalAdvance(self._whole)
        return QSize(min(needed, NOTE_WIDTH), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


def progress_text(progress: Progress) -> str:
    """One line about the jobs; empty where there was none."""
    if not progress.total:
        return progress.message
    share = f"{100 * (progress.done + progress.failed) // progress.total} %"
    parts = [share, figures.rate_text(progress.rate) if progress.rate else ""]
    if progress.running:
        left = f"{figures.time_text(progress.left)} left" if progress.left is not None else ""
        parts.append(left)
    elif progress.cancelled:
        return f"Stopped at {share}"
    elif progress.failed:
        return f"{progress.failed} of {progress.total} partitions failed"
    elif progress.done < progress.total:
        return progress.message
    else:
        parts = [figures.rate_text(progress.rate), figures.time_text(progress.seconds)]
    return " · ".join(part for part in parts if part)


def keep_size(widget: QWidget) -> None:
    """Let a hidden widget keep its place, so that nothing jumps when it comes and goes."""
    policy = widget.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    widget.setSizePolicy(policy)


def _rank(label: QLabel, rank: str) -> None:
    if label.property("rank") != rank:
        label.setProperty("rank", rank)
        label.style().unpolish(label)
        label.style().polish(label)
