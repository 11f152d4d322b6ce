"""What the pictures and the actions about them do to the session: where one looks, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import QObject
from PyQt5.QtWidgets import QApplication

from ltdesk.analysis import CenterOfMass
from ltdesk.geometry import Disk, Rectangle
from ltdesk.session import Display, Session
from ltdesk.ui.analyses.results import displayed
from ltdesk.ui.commands.actions import Actions
from ltdesk.ui.commands.keyboard import Keyboard
from ltdesk.ui.look import style
from ltdesk.ui.main_window import MainWindow
from ltdesk.ui.pictures.picture_view import PictureView
from ltdesk.ui.session_model import SessionModel
from ltdesk.ui.settings import Settings

FRAME_SOURCES = ("mean", "cursor", "region")
SHOWN = ("detector", "composite", "com", "com_x", "com_y", "com_magnitude", "sum_signal")
ZOOM = 1.25


class ViewCommands(QObject):
    """Wires the two pictures and the actions of the menus View, Image and Frame."""

    def __init__(self, window: MainWindow, model: SessionModel, keyboard: Keyboard, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._model, self._keyboard, self._settings = window, model, keyboard, settings
        self._frame, self._image = window.frame_view, window.image_view
        self._beam: Disk | None = None
        self._wire_actions(window.actions_by_name)
        self._wire_display(self._frame, "frame", "diffraction")
        self._wire_display(self._image, "image", "image")
        self._image.cursor_moved.connect(self._pick)
        self._image.region_dragging.connect(self._drag_region)
        self._image.region_drawn.connect(self._draw_region)
        self._image.region_abandoned.connect(model.abandon_drag)
        model.changed.connect(self._follow)
        self._follow(Session(), model.session)

    def set_beam(self, beam: Disk | None) -> None:
        """Where the direct beam was found; the centre of mass is told from there."""
        self._beam = beam

    def drop_region(self) -> bool:
        """No region any more; False where there was none."""
        session = self._model.session
        if session.region is None:
            return False
        source = "mean" if session.frame_source == "region" else session.frame_source
        self._model.edit("Drop the region", session.but(region=None, frame_source=source))
        return True

    def apply_theme(self, name: style.ThemeName) -> None:
        """Dark, light, or as the system; remembered."""
        self._settings.theme = name
        style.change(QApplication.instance(), name)
        self._window.actions_by_name.check(f"theme_{name}")

    def _wire_actions(self, actions: Actions) -> None:
        actions.connect(
            fit=self._fit,
            zoom_in=lambda: self._current().zoom(ZOOM),
            zoom_out=lambda: self._current().zoom(1 / ZOOM),
            next_scale=lambda: self._current().next_scale(),
            auto=lambda: self._current().auto_levels(),
            region_all=self.drop_region,
            com_about_beam=lambda: self._use_centre(actions["com_about_beam"].isChecked()),
        )
        for source in FRAME_SOURCES:
            actions.connect(**{f"frame_{source}": lambda source=source: self._show_frame(source)})
        for shown in SHOWN:
            actions.connect(**{f"show_{shown}": lambda shown=shown: self._show_image(shown)})
        for theme in style.THEME_NAMES:
            actions.connect(**{f"theme_{theme}": lambda theme=theme: self.apply_theme(theme)})
        toggles: dict[str, Callable[[bool], None]] = {
            "overlays": self._keyboard.show_overlays,
            "panel": self._window.show_panel,
            "full_screen": self._window.show_full_screen,
        }
        for name, toggle in toggles.items():
            actions[name].toggled.connect(toggle)
        actions.check("overlays")
        actions.check("panel")
        actions.check(f"theme_{self._settings.theme}")

    def _wire_display(self, view: PictureView, side: str, name: str) -> None:
        view.display_changed.connect(lambda display: self._change_display(side, name, display))
        view.display_dragging.connect(lambda on: self._drag_levels(on, name))

    def _change_display(self, side: str, name: str, display: Display) -> None:
        session = displayed(self._model.session, side, display)
        if self._model.dragging:
            self._model.drag(session)
        else:
            self._model.edit(f"Display of the {name}", session)

    def _pick(self, y: int, x: int) -> None:
        if not self._model.session.spectrum:  # places on a spectrum are no positions
            self._model.look(cursor=(y, x), frame_source="cursor")

    def _drag_levels(self, on: bool, name: str) -> None:
        if on:
            self._model.begin_drag(f"Levels of the {name}")
        else:
            self._model.end_drag()

    def _drag_region(self, y0: int, x0: int, y1: int, x1: int) -> None:
        if self._model.session.spectrum:
            return
        if not self._model.dragging:
            self._model.begin_drag("Region")
        region = Rectangle(y0=y0, x0=x0, y1=y1, x1=x1)
        self._model.drag(self._model.session.but(region=region, frame_source="region"))

    def _draw_region(self, y0: int, x0: int, y1: int, x1: int) -> None:
        self._drag_region(y0, x0, y1, x1)
        self._model.end_drag()

    def _fit(self) -> None:
        """Where neither picture is meant, as from a number field, both are."""
        views = (self._frame, self._image)
        meant = [view for view in views if view.underMouse()]
        for view in meant or [view for view in views if view.canvas.hasFocus()] or views:
            view.fit()

    def _current(self) -> PictureView:
        """The picture that the mouse is over, else the one with the keyboard, else the frame."""
        if self._image.underMouse():
            return self._image
        if self._frame.underMouse() or not self._image.canvas.hasFocus():
            return self._frame
        return self._image

    def _show_frame(self, source: str) -> None:
        if source == "region" and self._model.session.region is None:
            self._window.job_bar.tell("There is no region: Ctrl+drag on the image marks one.")
            self._follow(self._model.session, self._model.session)
        else:
            self._model.look(frame_source=source)

    def _show_image(self, shown: str) -> None:
        session = self._model.session
        if shown.startswith("com") and shown != "composite" and not _com(session) and self._beam is not None:
            com = CenterOfMass(cy=self._beam.cy, cx=self._beam.cx)
            self._model.edit(
                "Centre of mass", session.but(analyses=(*session.analyses, com), selected_analysis=com.name)
            )
        self._model.look(shown=shown)

    def _use_centre(self, beam: bool) -> None:
        session = self._model.session
        if beam and self._beam is None:
            self._window.job_bar.tell("No direct beam was found: the centre of mass stays about the frame's centre.")
            self._follow(session, session)
            return
        old = _com(session) or CenterOfMass()
        centre = {"cy": self._beam.cy, "cx": self._beam.cx} if beam and self._beam else {"cy": None, "cx": None}
        com = old.model_copy(update=centre)
        analyses = tuple(com if a == old else a for a in session.analyses)
        changed = session.but(analyses=analyses if old in session.analyses else (*analyses, com))
        self._model.edit("Centre of mass about another point", changed)

    def _follow(self, old: Session, new: Session) -> None:
        actions = self._window.actions_by_name
        _check(actions, "show_", new.shown, SHOWN)
        _check(actions, "frame_", new.frame_source, FRAME_SOURCES)
        com = _com(new)
        actions.check("com_about_beam", com is not None and com.cy is not None)


def _com(session: Session) -> CenterOfMass | None:
    return next((a for a in session.analyses if isinstance(a, CenterOfMass)), None)


def _check(actions: Actions, prefix: str, name: str, names: tuple[str, ...]) -> None:
    """Check the action of this name; where another result is shown, none of them."""
    if name in names:
        actions.check(prefix + name)
    else:
        actions.uncheck([prefix + other for other in names])
