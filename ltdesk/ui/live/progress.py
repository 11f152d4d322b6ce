"""How far running jobs are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Progress:
    """How far the running jobs are.

    Attributes
    ----------
    running : is any job under way
    cancelled : did the user stop the last one
    done, total, failed : partitions
    seconds : since the slowest job began
    rate : bytes of frames a second
    left : seconds left, None where that is not known yet
    message : why the first failed partition failed, or why the job did
    execution : how the job is run: where, and how bytes come
    """

    running: bool = False
    cancelled: bool = False
    done: int = 0
    total: int = 0
    failed: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    left: float | None = None
    message: str = ""
    execution: dict[str, Any] = field(default_factory=dict)
