"""A user in front of a window of this test's own, and the scan that the module's ``FRAMES`` make.

Imports stand in the fixtures: pytest may read this file before the environment is set (tests/conftest.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.ui.user import User


@pytest.fixture
def user(qapp: object) -> Iterator[User]:
    from tests.ui.user import User

    user = User()
    yield user
    user.close()


@pytest.fixture
def scan(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    from tests.ui.user import write_scan

    return write_scan(tmp_path / "scan.h5", request.module.FRAMES)


@pytest.fixture
def at_analyses(user: User, scan: Path) -> None:
    """The scan is open, and the panel of analyses beside it."""
    user.open(scan)
    user.trigger("analyses")
