"""The words of ``ltdesk run``."""

from __future__ import annotations

import argparse

HELP = "compute images and profiles from scans, without a window"


def size(text: str) -> tuple[int, int]:
    """``Y,X`` as two positive integers."""
    parts = text.replace("x", ",").split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}' is not two positive numbers Y,X")
    return int(parts[0]), int(parts[1])


def positive(text: str) -> int:
    """A positive integer."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a positive whole number")
    return int(text)


def natural(text: str) -> int:
    """An integer that isn't negative."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of bytes")
    return int(text)


def add_layout(parser: argparse.ArgumentParser) -> None:
    """How to read a file that doesn't say it itself."""
    group = parser.add_argument_group("reading the file")
    group.add_argument("--dataset", metavar="PATH", help="which dataset inside an HDF5 file")
    group.add_argument("--scan-shape", type=size, metavar="SY,SX")
    group.add_argument("--frame-shape", type=size, metavar="KY,KX")
    group.add_argument("--dtype", metavar="'<u2'", help="pixel type of a headerless file")
    group.add_argument("--offset", type=natural, default=0, metavar="BYTES", help="bytes before the first frame")
    group.add_argument(
        "--sync-offset", type=int, default=0, metavar="N", help="frames to skip (> 0) or missing (< 0) at the start"
    )


def add_correction(parser: argparse.ArgumentParser) -> None:
    """What is done to each frame before it is analysed."""
    group = parser.add_argument_group(
        "correcting frames",
        "(frame - dark) * gain, each dead pixel then the mean of the good ones beside it. FILE is a 2D array (.npy, "
        ".tif, HDF5 as FILE.h5:/path) or a scan; 'file' takes what the scan's own file holds, 'none' nothing where a "
        "recipe has something",
    )
    group.add_argument("--dark", metavar="FILE", help="what is taken away, in counts; several frames: their mean")
    group.add_argument("--gain", metavar="FILE", help="what the rest is multiplied by")
    group.add_argument("--dead-pixels", metavar="FILE|SHAPE", help="not 0 where dead, or a shape, as in point:3,7")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All arguments of the command."""
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help=".npz .h5 .tif .png, or a folder")
    what = parser.add_argument_group("what to compute")
    what.add_argument(
        "--detector", action="append", default=[], metavar="NAME=SHAPE",
        help="disk:cy,cx,r ring:cy,cx,r_in,r_out rect:y0,x0,y1,x1 point:y,x ellipse:cy,cx,ry,rx,deg "
        "sector:cy,cx,r_in,r_out,deg0,deg1 polygon:y,x;y,x;y,x mask:FILE.npy, joined by + - &; weight: NAME*0.5=SHAPE",
    )  # fmt: skip
    what.add_argument(
        "--analysis", action="append", default=[], metavar="NAME[:key=value,...]",
        help="com, sum_frame, mean_frame, sum_signal, radial, ...; name=OTHER renames its result; "
        "centre=fit takes the direct beam's centre, ellipse=R_IN+R_OUT that and the ellipse of a ring between them",
    )  # fmt: skip
    what.add_argument(
        "--suggest", action="append", default=[], nargs=3, metavar=("NAME", "BRIGHT", "DARK"),
        help="the weighted detector that separates two regions of the scan best, each given as --region takes it",
    )  # fmt: skip
    what.add_argument("--region", metavar="SHAPE", help="scan positions that take part: rect: ellipse: polygon: mask:")
    what.add_argument("--recipe", metavar="FILE", help="repeat what made a result (a result, or its recipe as JSON)")
    add_layout(parser)
    add_correction(parser)
    how = parser.add_argument_group("how")
    how.add_argument("--on", metavar="URL", help="run it there instead of here")
    how.add_argument("--threads", type=positive, metavar="N", help="by default one a core")
    how.add_argument("--strict", action="store_true", help="a dataset with bad frames is an error")
