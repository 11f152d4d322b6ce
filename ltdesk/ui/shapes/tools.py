"""The drawing tools by name, and what each does: all that menus and the tool bar have to know of them."""

from __future__ import annotations

from enum import StrEnum


class Tool(StrEnum):
    SELECT = "select"
    POINT = "point"
    DISK = "disk"
    RING = "ring"
    SECTOR = "sector"
    RECT = "rect"
    ELLIPSE = "ellipse"
    POLYGON = "polygon"
    FREEHAND = "freehand"


HINTS = {
    Tool.SELECT: "Drag a detector or its edge. Shift keeps the centre or the aspect; Alt drags a copy.",
    Tool.POINT: "Click a pixel.",
    Tool.DISK: "Drag from the centre outwards.",
    Tool.RING: "Drag from the centre to the outer radius. Hold Ctrl and go on for the inner radius.",
    Tool.SECTOR: "Drag from the centre to the outer radius. Hold Ctrl and go on for the inner radius and the opening.",
    Tool.RECT: "Drag from corner to corner. Shift makes a square.",
    Tool.ELLIPSE: "Drag from corner to corner of its box. Shift makes a circle.",
    Tool.POLYGON: "Click corners, double click the last. Right click, Enter or the first corner close it too; "
    "Backspace takes one back.",
    Tool.FREEHAND: "Draw around what you want, the button held.",
}
"""What each tool does, in a line, for tooltips and the status bar."""
