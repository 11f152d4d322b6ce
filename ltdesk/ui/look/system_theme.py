"""Whether the desktop is set to dark. Qt 5 cannot ask, so each platform is asked in its own way."""

from __future__ import annotations

import sys

from PyQt5.QtCore import QSettings
from PyQt5.QtGui import QPalette
from PyQt5.QtWidgets import QApplication

WINDOWS_KEY = r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
PORTAL = (
    "org.freedesktop.portal.Desktop",
    "/org/freedesktop/portal/desktop",
    "org.freedesktop.portal.Settings",
)
PORTAL_TIMEOUT_MS = 40
"""Asked on the GUI thread, which nothing may hold for more than 50 ms."""


def system_is_dark(app: QApplication) -> bool:
    """The desktop's choice; where it cannot be asked, what the platform's own palette looks like."""
    if sys.platform == "win32":
        light = QSettings(WINDOWS_KEY, QSettings.NativeFormat).value("AppsUseLightTheme", 1)
        return str(light) == "0"
    if sys.platform != "darwin":
        scheme = _portal_scheme()
        if scheme:
            return scheme == 1
    return _native_is_dark(app)


def _native_is_dark(app: QApplication) -> bool:
    return bool(app.style().standardPalette().color(QPalette.Window).lightness() < 128)


def _portal_scheme() -> int:
    """0: not said, 1: dark, 2: light, by the freedesktop appearance portal."""
    try:
        from PyQt5.QtDBus import QDBus, QDBusConnection, QDBusMessage
    except ImportError:  # not in every build of PyQt5
        return 0
    bus = QDBusConnection.sessionBus()
    if not bus.isConnected():
        return 0
    message = QDBusMessage.createMethodCall(*PORTAL, "Read")
    message.setArguments(["org.freedesktop.appearance", "color-scheme"])
    reply = bus.call(message, QDBus.Block, PORTAL_TIMEOUT_MS)
    values = reply.arguments()
    found = values[0] if values else 0
    return found if isinstance(found, int) else 0
