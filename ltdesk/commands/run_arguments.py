"""The words of ``ltdesk run``."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

HELP = "compute images and profiles from scans, without a window"
EXAMPLES = """\
examples:
  ltdesk run scan.h5 -o bf.png --detector bf=disk:64,64,12
  ltdesk run scan.h5 -o result.npz --detector 'adf=ring:64,64,30,60' --detector 'spots=disk:40,64,5+disk:88,64,5'
  ltdesk run scan.h5 -o result.h5 --detector bf=disk:64,64,12 --analysis com:mask=bf,rotation=fit --analysis radial
  ltdesk run scan.raw -o frame.tif --scan-shape 256,256 --frame-shape 128,128 --dtype '<u2' --analysis sum_frame
  ltdesk run scan.h5 -o frame_3_4.tif --analysis max_frame --region point:3,4
  ltdesk run scan.h5 -o lattice.tif --detector adf=ring:64,64,30,60 --fft adf:window
  ltdesk run monday.h5 tuesday.h5 -o results/ --recipe result.npz

'ltdesk run --analysis help' tells of all analyses and their keys, 'ltdesk run --analysis com:help' of one.
"""
ANALYSES = (
    "annular", "com", "fft_frame", "max_frame", "max_signal", "mean_frame", "mean_signal", "radial", "radial_fourier",
    "snr", "std_frame", "std_signal", "sum_frame", "sum_signal", "var_frame",
)  # fmt: skip
"""Those that come with ltdesk; stated here, since looking them up costs time that only their use should."""


class _Analysis(argparse.Action):
    """Takes an analysis' words; ``help`` and ``NAME:help`` are answered at once."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, *_: Any) -> None:
        kind, _, options = values.partition(":")
        if "help" in (values, options):
            self._answer(parser, kind if options else "")
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), values])

    def _answer(self, parser: argparse.ArgumentParser, kind: str) -> NoReturn:
        from ltdesk.commands.analysis_help import help_of, help_of_all
        from ltdesk.commands.say import say
        from ltdesk.errors import LtdeskError

        try:
            text = help_of(kind) if kind else help_of_all()
        except LtdeskError as error:
            parser.error(str(error).rstrip("."))
        say(text)
        parser.exit()


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
    group.add_argument("--scan-shape", type=size, metavar="SY,SX", help="positions down and across the scan")
    group.add_argument("--frame-shape", type=size, metavar="KY,KX", help="pixels of a frame, for a headerless file")
    group.add_argument("--dtype", metavar="'<u2'", help="pixel type of a headerless file")
    group.add_argument("--offset", type=natural, metavar="BYTES", help="bytes before the first frame")
    group.add_argument(
        "--sync-offset", type=int, metavar="N", help="frames to skip (> 0) or missing (< 0) at the start"
    )


def add_correction(parser: argparse.ArgumentParser) -> None:
    """What is done to each frame before it is analysed."""
    group = parser.add_argument_group(
        "correcting frames",
        "(frame - dark) * gain, each dead pixel then the mean of the good ones beside it.\n"
        "FILE is a 2D array (.npy, .tif, HDF5 as FILE.h5:/path) or a scan; 'file' takes what\n"
        "the scan's own file holds, 'none' nothing where a recipe has something",
    )
    group.add_argument("--dark", metavar="FILE", help="what is taken away, in counts; several frames: their mean")
    group.add_argument("--gain", metavar="FILE", help="what the rest is multiplied by")
    group.add_argument("--dead-pixels", metavar="FILE|SHAPE", help="not 0 where dead, or a shape, as in point:3,7")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """All arguments of the command."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a scan: a path, or the URI of an ingested one")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help=".npz .h5 .tif .png, or a folder")
    what = parser.add_argument_group("what to compute")
    what.add_argument(
        "--detector", action="append", default=[], metavar="NAME=SHAPE",
        help="disk:cy,cx,r ring:cy,cx,r_in,r_out rect:y0,x0,y1,x1 point:y,x ellipse:cy,cx,ry,rx,deg "
        "sector:cy,cx,r_in,r_out,deg0,deg1 polygon:y,x;y,x;y,x mask:FILE.npy, joined by + - &; weight: NAME*0.5=SHAPE",
    )  # fmt: skip
    what.add_argument(
        "--analysis", action=_Analysis, default=[], metavar="NAME[:key=value,...]",
        help=f"{', '.join(ANALYSES)}, or a plug-in's; name=OTHER renames its result; 'help' tells what each is, "
        "'NAME:help' what its keys are",
    )  # fmt: skip
    what.add_argument(
        "--suggest", action="append", default=[], nargs=3, metavar=("NAME", "BRIGHT", "DARK"),
        help="the weighted detector that separates two regions of the scan best, each given as --region takes it",
    )  # fmt: skip
    what.add_argument(
        "--fft", action="append", default=[], metavar="NAME[:window]",
        help="the absolute Fourier transform of a picture among the results too, as NAME_fft; after a Hann window",
    )  # fmt: skip
    what.add_argument(
        "--region", metavar="SHAPE", help="scan positions that take part: a shape as above; point:y,x is one of them"
    )
    what.add_argument("--recipe", metavar="FILE", help="repeat what made a result (a result, or its recipe as JSON)")
    add_layout(parser)
    add_correction(parser)
    how = parser.add_argument_group("how")
    how.add_argument("--on", metavar="URL", help="run it there instead of here: tcp://DASK-SCHEDULER:8786")
    how.add_argument("--threads", type=positive, metavar="N", help="by default one a core")
    how.add_argument("--strict", action="store_true", help="a dataset with bad frames is an error")
