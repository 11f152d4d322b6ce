"""Draw the few pictures that the style sheet needs (ticks and arrows), at one, two and three times the size.

Run from the top of the tree after changing a colour, with QT_QPA_PLATFORM=offscreen.
"""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QPointF, Qt
from PyQt5.QtGui import QColor, QGuiApplication, QImage, QPainter, QPainterPath, QPen

from ltdesk.ui.look import style

FOLDER = Path("resources/icons")
SIZES = {"tick": 14, "up": 10, "down": 10}
STROKES = {
    "tick": ((3.2, 7.4), (6.0, 10.2), (11.0, 4.4)),
    "up": ((2.0, 6.6), (5.0, 3.6), (8.0, 6.6)),
    "down": ((2.0, 3.6), (5.0, 6.6), (8.0, 3.6)),
}
WIDTHS = {"tick": 2.0, "up": 1.4, "down": 1.4}


def draw(name: str, colour: str, factor: int) -> QImage:
    """One picture, transparent but for its stroke."""
    side = SIZES[name] * factor
    image = QImage(side, side, QImage.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.Antialiasing)
    painter.scale(factor, factor)
    painter.setPen(QPen(QColor(colour), WIDTHS[name], Qt.SolidLine, Qt.RoundCap, Qt.RoundJoin))
    first, *rest = (QPointF(x, y) for x, y in STROKES[name])
    path = QPainterPath(first)
    for point in rest:
        path.lineTo(point)
    painter.drawPath(path)
    painter.end()
    return image


def main() -> None:
    """Write all of them."""
    app = QGuiApplication([])
    FOLDER.mkdir(parents=True, exist_ok=True)
    for theme in (style.DARK, style.LIGHT):
        colours = {"tick": theme.on_accent, "up": theme.dim, "down": theme.dim}
        for name, colour in colours.items():
            for factor, suffix in ((1, ""), (2, "@2x"), (3, "@3x")):
                draw(name, colour, factor).save(str(FOLDER / f"{name}-{theme.name}{suffix}.png"))
    del app


if __name__ == "__main__":
    main()
