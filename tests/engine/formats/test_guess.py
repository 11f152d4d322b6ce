"""Shapes of a headerless file from its size and name."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ltdesk.engine.formats.guess import ShapeGuess, dtype_in_name, fit, guess_shapes, shapes_in_name
from ltdesk.engine.open import open_dataset
from ltdesk.errors import OpenError


def guesses(folder: Path, name: str, size: int) -> list[ShapeGuess]:
    (folder / name).touch()
    os.truncate(folder / name, size)
    return guess_shapes(folder / name)


@pytest.mark.parametrize(
    ("name", "size", "scan_shape", "frame_shape", "dtype", "offset"),
    [
        ("scan_256x256_128x128_u16.raw", 256**2 * 128**2 * 2, (256, 256), (128, 128), "<u2", 0),
        ("16x20 frames 192x192 float32.bin", 16 * 20 * 192**2 * 4, (16, 20), (192, 192), "<f4", 0),
        ("scan_x64_y32.raw", 64 * 32 * 130 * 128 * 4, (32, 64), (130, 128), "<f4", 0),
        ("plain.raw", 33 * 33 * 256 * 256 * 2, (33, 33), (256, 256), "<u2", 0),
        ("header.raw", 1024 + 50 * 50 * 515 * 515, (50, 50), (515, 515), "|u1", 1024),
        ("cut_40x50_100x100_u8.raw", 40 * 50 * 100**2 - 12345, (40, 50), (100, 100), "|u1", 0),
    ],
)
def test_the_likeliest_comes_first(
    tmp_path: Path,
    name: str,
    size: int,
    scan_shape: tuple[int, int],
    frame_shape: tuple[int, int],
    dtype: str,
    offset: int,
) -> None:
    first = guesses(tmp_path, name, size)[0]
    assert (first.scan_shape, first.frame_shape) == (scan_shape, frame_shape)
    assert (first.dtype, first.offset) == (dtype, offset)


def test_the_true_shape_is_among_the_first(tmp_path: Path) -> None:
    for side, camera, dtype in ((256, 128, "<u2"), (128, 256, "|u1"), (64, 512, "<u4"), (100, 256, "<f4")):
        found = guesses(tmp_path, "a.raw", side**2 * camera**2 * int(dtype[2]))
        assert ((side, side), (camera, camera), dtype) in [(g.scan_shape, g.frame_shape, g.dtype) for g in found]


@given(st.integers(0, 10**9))
def test_every_guess_is_sound(size: int) -> None:
    with patch("ltdesk.engine.formats.guess.check_file") as check:
        check.return_value.st_size = size
        found = guess_shapes("scan_30x40.raw")
    assert len(found) <= 20
    assert [guess.score for guess in found] == sorted((guess.score for guess in found), reverse=True)
    for guess in found:
        assert 0 < guess.score <= 1
        assert guess.frames >= 1
        assert (guess.frames, guess.left_over) == fit(
            size, guess.scan_shape, guess.frame_shape, guess.dtype, guess.offset
        )


def test_a_guess_opens(tmp_path: Path) -> None:
    guess = guesses(tmp_path, "a.raw", 9 * 64 * 64 * 2)[0]
    with open_dataset(
        tmp_path / "a.raw", None, guess.scan_shape, guess.frame_shape, guess.dtype, guess.offset
    ) as dataset:
        assert dataset.frames_good == guess.frames
        assert dataset.note == ""


def test_names() -> None:
    assert shapes_in_name("scan 256x128, 64X64.raw") == [(256, 128), (64, 64)]
    assert shapes_in_name("scan_x64_y128.raw") == [(128, 64)]
    assert shapes_in_name("0x5.raw") == []
    assert dtype_in_name("a_uint16.raw") == "<u2"
    assert dtype_in_name("a_16bit.bin") == "<u2"
    assert dtype_in_name("au16.bin") is None


def test_nothing_fits(tmp_path: Path) -> None:
    assert guesses(tmp_path, "a.raw", 12345) == []
    with pytest.raises(OpenError, match="does not exist"):
        guess_shapes(tmp_path / "b.raw")
