"""What ``ltdesk run`` says of words that it does not understand, or that contradict: what is wrong and the way out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.test_cli import files, ltdesk

ANALYSES = {
    "com:cy=1,cy=2": "cy is given twice, as 1 and as 2. Leave one away.",
    "com:descan=plane,descan=paraboloid": "descan is given twice, as plane and as paraboloid",
    "com:rotation=fit,maps=y,rotation=5": "rotation is given twice, as fit and as 5",
    "com:rotation=fit,flip=yes": "rotation=fit and flip=yes contradict: flip is fitted",
    "radial:centre=fit,cy=3,cx=4": "centre=fit and c",
    "radial:ellipse=3+5,ratio=2": "ellipse=3+5 and ratio=2 contradict",
    "radial:ellipse=3+5,centre=fit": "ellipse=3+5 and centre=fit contradict",
    "com:5": "'5' is not key=value. Write as in com:cy=64,cx=64.",
    "com:cy=3,5": "'5' comes after cy=3 without a key. cy takes one value.",
    "com:mask=disk:4,5,3": "mask takes the name of a detector, not a shape. Write --detector m=disk:4,5,3 and mask=m.",
    "com:mask=bff": "there is no detector 'bff'. Did you mean 'bf'? Add --detector NAME=SHAPE for mask=NAME.",
    "com:descan=planar": "descan: 'planar' is not a number. Write plane or paraboloid, or 6 or 12 numbers joined by +.",
    "com:descan=fit": "descan: 'fit' is not a number. Write plane or paraboloid",
    "com:rotation=fitted": "rotation: 'fitted' is not a number. Write degrees, or fit.",
    "com:flip=maybe": "flip: 'maybe' is neither yes nor no. 'ltdesk run --analysis com:help' says what it takes.",
    "com:name=a/b": "name: use letters A-Z, digits, _ and . only, not 'a/b'. Write as in name=other.",
    "com:map=curl": "'com' has no 'map'. Did you mean 'maps'? It takes centre, cx, cy, descan, flip, maps, mask, name,",
    "com:maps=curl+kurl": "maps: 'kurl' is not one of 'y', 'x', 'magnitude',",
    "com:ellipse=30+50": "'com' has no 'ellipse'. It takes centre,",
    "sum_frame:descan=plane": "'sum_frame' has no 'descan'. It takes name.",
    "radial:descan=plane": "'radial' has no 'descan'. It takes centre, cx, cy, deg, ellipse, name, nbins, ratio.",
    "radial:center=fit": "'radial' has no 'center'. Did you mean 'centre'? It takes centre,",
    "annular:rings=4": "'annular' has no 'rings'. It takes centre, cx, cy, deg, ellipse, name, radii, ratio.",
    "annular:radii=10": "radii: at least 2 are needed, not 1. Join them by +, as in radii=A+B.",
    "snr:gain=-1": "'snr:gain=-1': gain: must be more than 0, not -1. 'ltdesk run --analysis snr:help' says",
    "std": "'std' is not known. Did you mean 'std_frame' or 'std_signal'? There are annular, com,",
    "COM": "'COM' is not known. Did you mean 'com'? There are",
    "com,mask=bf": "a colon ends the name. Write com:mask=bf.",
}
SEVERAL = """
import contextlib, io, json, sys
from ltdesk.cli import main
said = {}
for words in json.load(sys.stdin):
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors):
        status = main(["run", "scan.npy", "-o", "no.npz", "--detector", "bf=disk:8,9,3", "--analysis", words])
    said[words] = status, errors.getvalue()
print(json.dumps(said))
"""
"""Several commands in one process, which starts as long as twenty of them take."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.save(tmp_path / "scan.npy", np.random.default_rng(3).poisson(20, (4, 5, 16, 20)).astype("<u2"))
    return tmp_path


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    done = subprocess.run(
        [sys.executable, "-c", SEVERAL], input=json.dumps([*ANALYSES]), cwd=tmp_path_factory.mktemp("empty"),
        capture_output=True, text=True, timeout=250, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("words", ANALYSES)
def test_an_analysis_that_makes_no_sense_is_said_with_the_way_out(said: dict[str, tuple[int, str]], words: str) -> None:
    status, line = said[words]
    assert ANALYSES[words] in line
    assert status == 2
    assert line.count("\n") == 1
    assert "virtual_detector" not in line


def test_lists_may_be_written_with_commas(folder: Path) -> None:
    words = ("annular:radii=0,3,6,cy=8", "annular:radii=0+3+6,cy=8,name=plus", "com: maps=y,curl , cx=3")
    ltdesk("run", "scan.npy", "-o", "o.npz", *(word for text in words for word in ("--analysis", text)), cwd=folder)
    with np.load(folder / "o.npz") as result:
        assert {"com_y", "com_curl"} < set(result)
        assert result["annular"].shape == (4, 5, 2)
        np.testing.assert_array_equal(result["annular"], result["plus"])
    assert files(folder) == {"scan.npy", "o.npz"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--region", "mask:small.npy"),
            "'--region mask:small.npy': the mask is 3x4, not 4x5 as the scan. Give a mask of",
        ),
        (
            ("--suggest", "s", "rect:0,0,2,2", "rect:9,9,10,10"),
            "--suggest s rect:0,0,2,2 rect:9,9,10,10: the second region holds no frame of the 4x5 scan",
        ),
        (("--detector", "a/b=disk:8,9,3"), "name: use letters A-Z, digits, _ and . only, not 'a/b'. Write NAME=SHAPE"),
        (("--detector", "p=polygon:1,1"), "points: at least 3 are needed, not 1. Write polygon:y,x;y,x;y,x."),
    ],
)
def test_a_shape_that_does_not_fit_is_named(folder: Path, words: tuple[str, ...], said: str) -> None:
    np.save(folder / "small.npy", np.ones((3, 4)))
    done = ltdesk("run", "scan.npy", "-o", "no.npz", "--analysis", "sum_frame", *words, cwd=folder, status=2)
    assert said in done.stderr
