"""What the window remembers from one start to the next: a thin cover of QSettings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import platformdirs
from PyQt5.QtCore import QByteArray, QSettings
from PyQt5.QtWidgets import QMainWindow

from ltdesk.ui.look.style import THEME_NAMES, ThemeName

MAX_RECENT = 12


def config_folder() -> Path:
    """Where settings are: ``LTDESK_CONFIG_DIR``, else the platform's place for them."""
    given = os.environ.get("LTDESK_CONFIG_DIR")
    return Path(given) if given else Path(platformdirs.user_config_dir("ltdesk", appauthor=False))


class Settings:
    """Settings in one ini file, the same on all platforms. A file that cannot be read or written is as an empty one."""

    def __init__(self, folder: Path | None = None) -> None:
        self._store = QSettings(str((folder or config_folder()) / "ltdesk.ini"), QSettings.IniFormat)

    @property
    def theme(self) -> ThemeName:
        value = self._store.value("theme", "dark")
        return cast(ThemeName, value) if value in THEME_NAMES else "dark"

    @theme.setter
    def theme(self, name: ThemeName) -> None:
        self._store.setValue("theme", name)

    @property
    def last_folder(self) -> Path:
        """The folder that a file was last taken from, or the user's own."""
        folder = Path(self._text("last_folder") or Path.home())
        return folder if folder.is_dir() else Path.home()

    @last_folder.setter
    def last_folder(self, folder: Path) -> None:
        self._store.setValue("last_folder", str(folder))

    def recent(self) -> list[str]:
        """Files and URIs opened before, the newest first; local ones only while they exist."""
        value = self._store.value("recent", [])
        known = [value] if isinstance(value, str) else list(value or [])
        return [uri for uri in known if isinstance(uri, str) and _exists(uri)][:MAX_RECENT]

    def add_recent(self, uri: str) -> None:
        """Put a file or URI on top of the recent ones; a local path is made absolute."""
        uri = uri if "://" in uri else str(Path(uri).absolute())
        rest = [known for known in self.recent() if known != uri]
        self._store.setValue("recent", [uri, *rest][:MAX_RECENT])
        if "://" not in uri:
            self.last_folder = Path(uri).parent

    def clear_recent(self) -> None:
        """Forget the recent files."""
        self._store.remove("recent")

    def save_window(self, window: QMainWindow) -> None:
        """Remember where the window is, and its docks and tool bars."""
        self._store.setValue("geometry", window.saveGeometry())
        self._store.setValue("state", window.saveState())

    def restore_window(self, window: QMainWindow) -> bool:
        """Put the window where it was; False where nothing is remembered, or it makes no sense."""
        geometry, state = self._bytes("geometry"), self._bytes("state")
        if geometry is None or state is None:
            return False
        return bool(window.restoreGeometry(geometry)) and bool(window.restoreState(state))

    def value(self, key: str, default: str = "") -> str:
        """A text of the caller's own, as a mode of display."""
        return self._text(f"own/{key}") or default

    def set_value(self, key: str, value: str) -> None:
        """Keep a text of the caller's own."""
        self._store.setValue(f"own/{key}", value)

    def bytes_value(self, key: str) -> QByteArray | None:
        """Bytes of the caller's own, as a splitter's state."""
        return self._bytes(f"own/{key}")

    def set_bytes(self, key: str, value: QByteArray) -> None:
        """Keep bytes of the caller's own."""
        self._store.setValue(f"own/{key}", value)

    def sync(self) -> None:
        """Write to disk now."""
        self._store.sync()

    def _text(self, key: str) -> str:
        value = self._store.value(key, "")
        return value if isinstance(value, str) else ""

    def _bytes(self, key: str) -> QByteArray | None:
        value: Any = self._store.value(key)
        return value if isinstance(value, QByteArray) else None


def _exists(uri: str) -> bool:
    if "://" in uri:
        return True
    try:
        return Path(uri).exists()
    except OSError:  # no permission, a name too long
        return False
