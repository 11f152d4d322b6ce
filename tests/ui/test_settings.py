"""What is remembered, and what is not believed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt5.QtWidgets import QMainWindow

from ltdesk.ui.settings import MAX_RECENT, Settings, config_folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "config")


def again(settings: Settings, tmp_path: Path) -> Settings:
    settings.sync()
    return Settings(tmp_path / "config")


def touch(tmp_path: Path, count: int) -> list[str]:
    paths = [tmp_path / f"scan{n}.h5" for n in range(count)]
    for path in paths:
        path.write_text("")
    return [str(path) for path in paths]


def test_recent_files_the_newest_first_each_once(settings: Settings, tmp_path: Path) -> None:
    paths = touch(tmp_path, 3)
    for path in (*paths, paths[0]):
        settings.add_recent(path)
    assert again(settings, tmp_path).recent() == [paths[0], paths[2], paths[1]]


def test_one_recent_file(settings: Settings, tmp_path: Path) -> None:
    """An ini file holds a list of one as a plain text."""
    (path,) = touch(tmp_path, 1)
    settings.add_recent(path)
    assert again(settings, tmp_path).recent() == [path]


def test_recent_files_that_are_gone_are_not_shown(settings: Settings, tmp_path: Path) -> None:
    paths = touch(tmp_path, 2)
    for path in paths:
        settings.add_recent(path)
    Path(paths[1]).unlink()
    assert settings.recent() == [paths[0]]


def test_no_more_than_a_dozen(settings: Settings, tmp_path: Path) -> None:
    for path in touch(tmp_path, MAX_RECENT + 5):
        settings.add_recent(path)
    assert len(settings.recent()) == MAX_RECENT
    settings.clear_recent()
    assert settings.recent() == []


def test_a_uri_is_kept_as_it_is(settings: Settings) -> None:
    settings.add_recent("webhdfs://node:9870/scan")
    assert settings.recent() == ["webhdfs://node:9870/scan"]


def test_the_last_folder(settings: Settings, tmp_path: Path) -> None:
    assert settings.last_folder == Path.home()
    settings.add_recent(touch(tmp_path, 1)[0])
    assert settings.last_folder == tmp_path
    settings.last_folder = tmp_path / "gone"
    assert settings.last_folder == Path.home()


def test_theme(settings: Settings, tmp_path: Path) -> None:
    assert settings.theme == "dark"
    settings.theme = "light"
    assert again(settings, tmp_path).theme == "light"


def test_the_window_is_put_back(settings: Settings, tmp_path: Path, qtbot) -> None:
    first, second = QMainWindow(), QMainWindow()
    qtbot.addWidget(first)
    qtbot.addWidget(second)
    assert not settings.restore_window(second)
    first.setGeometry(40, 50, 600, 300)
    settings.save_window(first)
    assert again(settings, tmp_path).restore_window(second)
    assert second.size() == first.size()


def test_nonsense_in_the_file_is_not_believed(tmp_path: Path, qtbot) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "ltdesk.ini").write_text("[General]\ntheme=pink\ngeometry=hello\nrecent=@Invalid()\nlast_folder=\n")
    settings = Settings(folder)
    window = QMainWindow()
    qtbot.addWidget(window)
    assert settings.theme == "dark"
    assert settings.recent() == []
    assert not settings.restore_window(window)


def test_values_of_ones_own(settings: Settings, tmp_path: Path) -> None:
    from PyQt5.QtCore import QByteArray

    settings.set_value("mode", "composite")
    settings.set_bytes("splitter", QByteArray(b"\x00\x01"))
    other = again(settings, tmp_path)
    assert other.value("mode") == "composite"
    assert other.value("none", "default") == "default"
    assert other.bytes_value("splitter") == QByteArray(b"\x00\x01")
    assert other.bytes_value("mode") is None


def test_the_folder_can_be_chosen(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LTDESK_CONFIG_DIR", str(tmp_path))
    assert config_folder() == tmp_path
    Settings().set_value("a", "b")
    assert Settings().value("a") == "b"
