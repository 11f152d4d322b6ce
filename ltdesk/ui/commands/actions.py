"""All that the menus, the tool bar and the keys can do: one table."""

# ruff: noqa: E501 (a table: one action a line)

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PyQt5.QtCore import QObject, Qt
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import QAction, QActionGroup, QWidget

from ltdesk.ui.look import icons
from ltdesk.ui.shapes.tools import HINTS, Tool


@dataclass(frozen=True)
class Spec:
    """One action.

    name : how the program calls it
    section : the menu it is in
    text, tip : what it does, in two words and in a sentence
    keys : shortcuts, the first one shown
    icon : a name of `icons`
    group : of these exactly one is checked; empty: not one of several
    checkable : it is on or off
    scan : only while a scan is open
    """

    name: str
    section: str
    text: str
    keys: str
    tip: str
    icon: str = ""
    group: str = ""
    checkable: bool = False
    scan: bool = True


TOOL_KEYS = {
    Tool.SELECT: ("Select", "S"),
    Tool.DISK: ("Disk", "D"),
    Tool.RING: ("Ring", "R"),
    Tool.SECTOR: ("Sector", "W"),
    Tool.RECT: ("Rectangle", "B"),
    Tool.ELLIPSE: ("Ellipse", "E"),
    Tool.POLYGON: ("Polygon", "P"),
    Tool.FREEHAND: ("Freehand", "F"),
    Tool.POINT: ("Point", "T"),
}

TABLE = (
    Spec("open", "File", "&Open…", "Ctrl+O", "Open a scan, a session or a result", "open", scan=False),
    Spec("open_raw", "File", "Open &Raw…", "Ctrl+Shift+O", "Open a file without a header by giving its shapes", scan=False),
    Spec("demo", "File", "Open the &Demo", "Ctrl+Shift+D", "Make and open the small demo scan", "demo", scan=False),
    Spec("save", "File", "&Save Session", "Ctrl+S", "Save what is open and drawn", "save"),
    Spec("save_as", "File", "Save Session &As…", "Ctrl+Shift+S", "Save what is open and drawn under another name"),
    Spec("export", "File", "&Export…", "Ctrl+E", "Write images and frames as TIFF, PNG, npz or HDF5, with their recipe", "export"),
    Spec("correct", "File", "Correct &Frames…", "Ctrl+Shift+F", "Take dark, gain and dead pixels off every frame, from files"),
    Spec("close", "File", "&Close Scan", "Ctrl+W", "Close the scan and go back to the start page"),
    Spec("quit", "File", "&Quit", "Ctrl+Q", "Close the window", scan=False),
    Spec("undo", "Edit", "&Undo", "Ctrl+Z", "Take the last edit back", "undo", scan=False),
    Spec("redo", "Edit", "&Redo", "Ctrl+Shift+Z; Ctrl+Y", "Do again what was taken back", "redo", scan=False),
    Spec("copy_image", "Edit", "Copy &Image", "Ctrl+Shift+C", "Copy the image on the right, with its scale bar", "copy"),
    Spec("copy_frame", "Edit", "Copy &Diffraction", "Ctrl+Alt+C", "Copy the frame on the left, with its scale bar"),
    Spec("copy_python", "Edit", "Copy as &Python", "Ctrl+Shift+P", "Copy a script that computes the image shown", "python"),
    Spec("fit", "View", "&Fit", "0; Ctrl+0", "Show the whole picture that the mouse or the keyboard is on, else both", "fit"),
    Spec("zoom_in", "View", "Zoom &In", "Ctrl++; Ctrl+=", "Enlarge the picture that the mouse is over"),
    Spec("zoom_out", "View", "Zoom &Out", "Ctrl+-", "Make the picture smaller that the mouse is over"),
    Spec("next_scale", "View", "Next S&cale", "L", "Linear, square root or logarithm; display only, the data stay", "scale"),
    Spec("auto", "View", "&Automatic Contrast", "A", "Contrast from percentiles, robust against hot pixels", "contrast"),
    Spec("overlays", "View", "O&verlays", "O", "Detectors, cursor and scale bars on the pictures; hold Space to hide them for a moment", checkable=True),
    Spec("panel", "View", "Side &Panel", "F9", "The list of detectors and their numbers", checkable=True, scan=False),
    Spec("full_screen", "View", "F&ull Screen", "F11", "Use the whole screen", checkable=True, scan=False),
    Spec("theme_dark", "Theme", "&Dark", "Ctrl+Alt+1", "Dark, for a dark room", group="theme", scan=False),
    Spec("theme_light", "Theme", "&Light", "Ctrl+Alt+2", "Light, for a bright one", group="theme", scan=False),
    Spec("theme_system", "Theme", "As the &System", "Ctrl+Alt+3", "Follow the desktop's choice", group="theme", scan=False),
    Spec("frame_mean", "Frame", "&Mean Frame", "M", "The mean of all frames", group="frame"),
    Spec("frame_cursor", "Frame", "Frame at the &Cursor", "C", "The frame of the scan position under the cross", group="frame"),
    Spec("frame_region", "Frame", "Mean of the &Region", "G", "The mean of the frames in the region; Ctrl+drag on the image marks one", "region", group="frame"),
    Spec("region_all", "Frame", "&Drop the Region", "Shift+G", "No region any more"),
    Spec("frame_spectrum", "Frame", "&FFT of the Frame", "Alt+9", "The absolute Fourier transform of the frame shown, which follows the cursor; display only", "spectrum", checkable=True),
    Spec("frame_spectrum_window", "Frame", "FFT with a Hann &Window", "Alt+Shift+9", "The same after a Hann window, against the cross that the edges make; display only", checkable=True),
    Spec("show_detector", "Image", "Selected &Detector", "Ctrl+1", "The image of the selected detector", "image", group="image"),
    Spec("show_composite", "Image", "&Composite", "Ctrl+2", "The images of all visible detectors, each in its colour", "composite", group="image"),
    Spec("show_com", "Image", "Centre of &Mass", "Ctrl+3", "Each frame's first moment as a vector: direction as colour, length as brightness", "vector", group="image"),
    Spec("show_com_x", "Image", "Centre of Mass: &x", "Ctrl+4", "The x component of each frame's first moment", group="image"),
    Spec("show_com_y", "Image", "Centre of Mass: &y", "Ctrl+5", "The y component of each frame's first moment", group="image"),
    Spec("show_com_magnitude", "Image", "Centre of Mass: &Length", "Ctrl+6", "How far each frame's first moment is from the centre", group="image"),
    Spec("show_sum_signal", "Image", "&Sum of Each Frame", "Ctrl+7", "All counts of each frame", group="image"),
    Spec("spectrum", "Image", "&FFT of the Image", "Ctrl+9", "The absolute Fourier transform of the image shown; display only", "spectrum", checkable=True),
    Spec("spectrum_window", "Image", "FFT with a Hann &Window", "Ctrl+Shift+9", "The same after a Hann window, against the cross that the edges make", checkable=True),
    Spec("com_about_beam", "Image", "Centre of Mass about the Direct &Beam", "Ctrl+8", "Relative to the fitted centre of the direct beam, else to the frame's centre", checkable=True),
    Spec("draw_new", "Draw", "As a &New Detector", "1", "What is drawn next is a detector of its own", "add", group="draw"),
    Spec("draw_join", "Draw", "&Or the Selected (+)", "2", "What is drawn next is added to the selected detector", "or", group="draw"),
    Spec("draw_subtract", "Draw", "Cut from the Se&lected (−)", "3", "What is drawn next is cut out of the selected detector", "without", group="draw"),
    Spec("draw_intersect", "Draw", "&And the Selected (&&)", "4", "Of the selected detector only what is inside the next shape stays", "and", group="draw"),
    Spec("add_mask", "Detector", "From a &Mask File…", "K", "Use the pixels of a .npy file as a detector", "mask"),
    Spec("fit_beam", "Detector", "Fit to the Direct &Beam", "Ctrl+B", "Put the selected disk or ring on the direct beam of the frame shown"),
    Spec("duplicate", "Detector", "D&uplicate", "Ctrl+D", "A copy of the selected detector", "duplicate"),
    Spec("delete", "Detector", "&Delete", "Del", "Delete the selected detectors", "delete"),
    Spec("rename", "Detector", "R&ename", "F2", "Give the selected detector another name"),
    Spec("weight", "Detector", "Wei&ght…", "Ctrl+Alt+W", "Multiply the selected detector's image by a number", "weight"),
    Spec("visible", "Detector", "&Visible", "V", "Show or hide the selected detector", "visible", checkable=True),
    Spec("next_detector", "Detector", "&Next", "Ctrl+PgDown", "Select the next detector in the list"),
    Spec("previous_detector", "Detector", "&Previous", "Ctrl+PgUp", "Select the previous detector in the list"),
    Spec("join", "Detector", "&Or (+)", "Alt++; Alt+=", "Join the selected detectors: pixels in any of them", "or"),
    Spec("subtract", "Detector", "Wi&thout (−)", "Alt+-", "The first selected detector without the pixels of the others", "without"),
    Spec("intersect", "Detector", "&And (&&)", "Alt+&", "Pixels in all selected detectors", "and"),
    Spec("split", "Detector", "Spl&it", "Alt+/", "Take a combined detector apart", "split"),
    Spec("grow", "Detector", "&Larger", "]", "The selected detector's outline 1 px outwards"),
    Spec("shrink", "Detector", "Smalle&r", "[", "The selected detector's outline 1 px inwards"),
    Spec("analyses", "Analyses", "Analyses &Panel", "F7", "The list of analyses and the parameters of the selected one"),
    Spec("add_analysis", "Analyses", "C&hoose an Analysis…", "Ctrl+Shift+A", "Add a map, a frame or a profile that is kept up to date", "add"),
    Spec("remove_analysis", "Analyses", "Remo&ve the Analysis", "Ctrl+Shift+Del", "Remove the selected analysis", "delete"),
    Spec("next_analysis", "Analyses", "&Next Analysis", "Alt+PgDown", "Select and show the next analysis in the list"),
    Spec("previous_analysis", "Analyses", "Previo&us Analysis", "Alt+PgUp", "Select and show the previous analysis in the list"),
    Spec("profile_plot", "Analyses", "Profi&le Plot", "F8", "Curves of the selected profile: at the cursor, of the region, of the scan", "profile", checkable=True),
    Spec("export_profile", "Analyses", "E&xport the Profile…", "Ctrl+Shift+E", "Write the curves of the profile plot as CSV or npz", "export"),
    Spec("find_rotation", "Analyses", "Find &Rotation by Minimal Curl", "Ctrl+Alt+R", "The scan rotation, and the flip, that leave the centre of mass least curl", "rotation"),
    Spec("fit_descan", "Analyses", "Fit Desc&an: Plane", "Ctrl+Alt+D", "The plane nearest to the centre of mass, over the region where there is one, is taken away from it"),
    Spec("fit_descan_paraboloid", "Analyses", "Fit Descan: Para&boloid", "Ctrl+Alt+Shift+D", "The same with a paraboloid"),
    Spec("fit_ellipse", "Analyses", "Fi&t Centre and Ellipse", "Ctrl+Alt+F", "The ellipse through the diffraction ring that the selected ring detector surrounds: the selected profile's centre and shape"),
    Spec("suggest", "Analyses", "Su&ggest a Detector…", "Ctrl+Alt+S", "The weighted detector that tells two regions of the scan apart best", "suggest"),
    Spec("noise", "Analyses", "N&oise of the Selected Detector", "Ctrl+Alt+E", "How sure the detector's image is by counting statistics: σ and signal to noise", "noise"),
    Spec("stop", "Job", "&Stop", "Esc", "Stop drawing; else stop opening; else cancel the job; else drop the region", "cancel", scan=False),
    Spec("retry", "Job", "&Compute Again", "F5", "Compute what failed or was cancelled", "retry"),
    Spec("connect", "Cluster", "&Connect…", "Ctrl+Shift+N", "Connect to a scheduler that computes and a storage that keeps scans", "connect", scan=False),
    Spec("disconnect", "Cluster", "&Disconnect", "Ctrl+Alt+N", "Let go of the cluster; all jobs run on this machine again", "disconnect", scan=False),
    Spec("send", "Cluster", "S&end to Cluster…", "Ctrl+Shift+U", "Copy the scan into a cluster's storage, where it is computed on all nodes", "send"),
    Spec("stored", "Cluster", "&Scans in the Storage…", "Ctrl+Shift+B", "The scans in the cluster's storage: open, verify, delete", "stored", scan=False),
    Spec("palette", "Help", "&Find an Action…", "Ctrl+K", "Find anything the program can do by typing", "search", scan=False),
    Spec("shortcuts", "Help", "&Keyboard and Mouse", "F1", "All shortcuts and gestures", "keyboard", scan=False),
    Spec("log", "Help", "Open the &Log Folder", "Ctrl+Alt+L", "Where the log file is that a report asks for", scan=False),
    Spec("about", "Help", "&About ltdesk", "Shift+F1", "Version, licence, and what ltdesk is made of", "info", scan=False),
)  # fmt: skip

TOOLS = tuple(
    Spec(f"tool_{tool}", "Draw", f"&{text}", key, HINTS[tool], str(tool), group="tool")
    for tool, (text, key) in TOOL_KEYS.items()
)
SPECS = (*TOOLS, *TABLE)


class Actions(QObject):
    """The actions of a window, by name: ``actions["open"]``."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        self._is_scan_open = False
        self._refused: dict[str, str] = {}
        for spec in SPECS:
            self._actions[spec.name] = self._make(spec)
        window.addActions(list(self._actions.values()))
        self.set_scan_open(False)

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def __iter__(self) -> Iterator[QAction]:
        return iter(self._actions.values())

    def connect(self, **slots: Callable[[], object]) -> None:
        """Call these when the actions of these names are triggered."""
        for name, slot in slots.items():
            self._actions[name].triggered.connect(lambda _checked=False, slot=slot: slot())

    def set_scan_open(self, is_open: bool) -> None:
        """Only what makes sense now can be called."""
        self._is_scan_open = is_open
        for spec in SPECS:
            if spec.scan:
                self._enable(spec.name)

    def refuse(self, why: str, *names: str) -> None:
        """These actions have nothing to act on, and say `why` on hover; empty: from now on they have."""
        for name in names:
            if self._refused.get(name, "") != why:
                self._refused[name] = why
                action = self._actions[name]
                action.setToolTip(f"{_tip(action)}\n{why}".rstrip())
                self._enable(name)

    def _enable(self, name: str) -> None:
        self._actions[name].setEnabled(self._is_scan_open and not self._refused.get(name))

    def section(self, name: str) -> list[QAction]:
        """The actions of one section, in the table's order."""
        return [self._actions[spec.name] for spec in SPECS if spec.section == name]

    def check(self, name: str, on: bool = True) -> None:
        """Show an action as on or off, without triggering it."""
        self._actions[name].setChecked(on)

    def uncheck(self, names: Sequence[str]) -> None:
        """Show none of these, of one group, as on."""
        group = self._actions[names[0]].actionGroup()
        group.setExclusive(False)
        for name in names:
            self._actions[name].setChecked(False)
        group.setExclusive(True)

    def _make(self, spec: Spec) -> QAction:
        action = QAction(spec.text, self)
        action.setObjectName(spec.name)
        action.setProperty("section", spec.section)
        action.setShortcuts([QKeySequence(key) for key in spec.keys.split("; ")])
        action.setShortcutContext(Qt.WindowShortcut)
        action.setStatusTip(spec.tip)
        action.setToolTip(_tip(action))
        action.setCheckable(spec.checkable or bool(spec.group))
        if spec.icon:
            action.setIcon(icons.icon(spec.icon))
        if spec.group:
            group = self._groups.setdefault(spec.group, QActionGroup(self))
            group.addAction(action)
        return action


def _tip(action: QAction) -> str:
    """What an action does, with its keys."""
    return f"{action.statusTip()} ({action.shortcut().toString(QKeySequence.NativeText)})"
