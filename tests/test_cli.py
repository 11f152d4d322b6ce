"""The headless command as a user runs it: a subprocess, its status, its words, its files."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from ltdesk.analysis import CenterOfMass, kind_of
from ltdesk.cli import COMMANDS
from ltdesk.commands.analysis_words import keys_of
from ltdesk.commands.run_arguments import EXAMPLES
from ltdesk.geometry import Disk, Ring
from ltdesk.plugins import BUILT_IN

SCAN, FRAME = (6, 7), (16, 20)


def ltdesk(*words: object, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command; its exit status must be `status`, a failure is one line and never a traceback."""
    command = [sys.executable, "-m", "ltdesk", *map(str, words)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=250)
    assert done.returncode == status, done.stderr
    if status:
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done


@pytest.fixture(scope="module")
def array() -> np.ndarray:
    return np.random.default_rng(3).poisson(20, SCAN + FRAME).astype(np.uint16)


@pytest.fixture
def folder(tmp_path: Path, array: np.ndarray) -> Path:
    np.save(tmp_path / "scan.npy", array)
    array.tofile(tmp_path / "scan.raw")
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["a/data"] = array
        file["b/data"] = array[:2]
        file["a/data"].attrs["scan_step_nm"] = 0.5
    return tmp_path


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_run_writes_what_was_asked(folder: Path, array: np.ndarray) -> None:
    out = ltdesk(
        "run", "scan.npy", "-o", "out.npz", "--detector", "bf=disk:8,9,3",
        "--detector", "adf*0.5=ring:8,9,3,7-disk:8,4,1",
        "--analysis", "com:mask=bf,cy=8,cx=9", "--analysis", "sum_frame", cwd=folder,
    )  # fmt: skip
    assert out.stdout.strip() == "out.npz"
    assert out.stderr == "", "no progress bar where there is no terminal"
    with np.load(folder / "out.npz", allow_pickle=False) as result:
        assert set(result) == {"bf", "adf", "com_y", "com_x", "sum_frame", "valid", "recipe", "execution"}
        bf = Disk(cy=8, cx=9, r=3).mask(FRAME)
        adf = (Ring(cy=8, cx=9, r_in=3, r_out=7) - Disk(cy=8, cx=4, r=1)).mask(FRAME)
        np.testing.assert_array_equal(result["bf"], array[..., bf].sum(-1, dtype=np.uint64))
        np.testing.assert_allclose(result["adf"], array[..., adf].sum(-1) * 0.5)
        np.testing.assert_array_equal(result["sum_frame"], array.sum((0, 1), dtype=np.uint64))
        weighted = array * bf
        expected = (weighted * np.arange(FRAME[0])[:, None]).sum((2, 3)) / weighted.sum((2, 3)) - 8
        np.testing.assert_allclose(result["com_y"], expected, atol=1e-12)
        assert result["valid"].all()
        assert result["recipe"].shape == ()
        execution = json.loads(str(result["execution"]))
        assert {"partitions", "hosts", "threads", "seconds", "bytes_mapped", "bytes_read", "bytes_network"} <= set(
            execution
        )
        assert json.loads(str(result["recipe"]))["dataset"]["size"] == (folder / "scan.npy").stat().st_size


def test_a_detectors_weight_counts_in_its_noise_too(folder: Path, array: np.ndarray) -> None:
    words = ("--detector", "bf*-2=disk:8,9,3", "--analysis", "snr:mask=bf", "--analysis", "com:mask=bf")
    ltdesk("run", "scan.npy", "-o", "o.npz", *words, "--analysis", "snr:mask=bf,weight=3,name=n", cwd=folder)
    with np.load(folder / "o.npz") as result:
        sums = array[..., Disk(cy=8, cx=9, r=3).mask(FRAME)].sum(-1)
        np.testing.assert_allclose(result["noise_sigma"], 2 * np.sqrt(sums))
        np.testing.assert_allclose(result["noise_snr"], result["bf"] / result["noise_sigma"])
        np.testing.assert_allclose(result["n_sigma"], 3 * np.sqrt(sums), err_msg="what is said itself counts")


def test_h5_is_a_nexus_file(folder: Path, array: np.ndarray) -> None:
    ltdesk("run", "scan.h5", "--dataset", "a/data", "-o", "out.h5", "--detector", "bf=disk:8,9,3", cwd=folder)
    with h5py.File(folder / "out.h5") as file:
        group = file["entry/bf"]
        assert file.attrs["default"] == "entry"
        assert (group.attrs["NX_class"], group.attrs["signal"]) == ("NXdata", "data")
        assert list(group.attrs["axes"]) == ["scan_y", "scan_x"]
        assert group["scan_x"].attrs["units"] == "nm"
        np.testing.assert_allclose(group["scan_x"], np.arange(7) * 0.5)
        assert group["data"][2, 3] == array[2, 3][Disk(cy=8, cx=9, r=3).mask(FRAME)].sum()
        assert file["entry/valid"][()].all()


def test_pictures_get_the_results_name(folder: Path, array: np.ndarray) -> None:
    out = ltdesk("run", "scan.npy", "-o", "out.tif", "--analysis", "sum_signal", "--analysis", "com", cwd=folder)
    assert out.stdout.split() == ["out_sum_signal.tif", "out_com_y.tif", "out_com_x.tif"]
    with tifffile.TiffFile(folder / "out_sum_signal.tif") as file:
        np.testing.assert_array_equal(file.asarray(), array.sum((2, 3)))
        assert file.asarray().dtype.kind == "f"
        assert json.loads(file.pages.first.description.removeprefix("ltdesk "))["recipe"]["program"] == "ltdesk"
    ltdesk("run", "scan.npy", "-o", "one.png", "--analysis", "sum_signal", cwd=folder)
    assert (folder / "one.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("made", ["out.npz", "out.h5", "out.tif"])
def test_spectra_of_images_and_frames_are_results_too(folder: Path, array: np.ndarray, made: str) -> None:
    words = ("--analysis", "sum_signal", "--analysis", "sum_frame", "--fft", "sum_signal", "--fft", "sum_frame:window")
    ltdesk("run", "scan.npy", "-o", made, *words, "--region", "rect:1,1,4,5", cwd=folder)
    image = array.sum((2, 3)).astype(float)
    inside = np.zeros(image.shape, bool)
    inside[1:4, 1:5] = True
    spectrum = np.abs(np.fft.fftshift(np.fft.fft2(np.where(inside, image, image[inside].mean()))))
    again = "again.npz"
    source = made if made != "out.tif" else "out_sum_signal_fft.tif"
    ltdesk("run", "scan.npy", "-o", again, "--recipe", source, cwd=folder)
    with np.load(folder / again) as result:
        np.testing.assert_allclose(result["sum_signal_fft"], spectrum, rtol=1e-12)
        frame = array[1:4, 1:5].sum((0, 1)).astype(float)
        hann = [0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(size) + 0.5) / size) for size in frame.shape]
        windowed = frame.mean() + (frame - frame.mean()) * np.outer(*hann)
        expected = np.abs(np.fft.fftshift(np.fft.fft2(windowed)))
        np.testing.assert_allclose(result["sum_frame_fft"], expected, rtol=1e-12, atol=1e-9 * expected.max())
    if made == "out.tif":
        np.testing.assert_allclose(tifffile.imread(folder / source), spectrum, rtol=1e-6)
    if made == "out.h5":
        with h5py.File(folder / made) as file:
            np.testing.assert_allclose(file["entry/sum_signal_fft/data"][()], spectrum, rtol=1e-12)


@pytest.mark.parametrize("source", ["out.npz", "out.h5", "out.tif", "out.png", "recipe.json"])
def test_a_result_can_be_repeated_from_itself(folder: Path, source: str) -> None:
    made = source if source != "recipe.json" else "out.npz"
    np.save(folder / "mask.npy", np.eye(*FRAME))
    ltdesk("run", "scan.npy", "-o", made, "--detector", "m=mask:mask.npy", "--region", "rect:1,1,4,5", cwd=folder)
    if source == "recipe.json":
        with np.load(folder / made) as result:
            (folder / source).write_text(str(result["recipe"]))
    (folder / "mask.npy").unlink()
    ltdesk("run", "scan.raw", "--scan-shape", "6,7", "--frame-shape", "16,20", "--dtype", "<u2", "--recipe", source,
           "-o", "again.npz", cwd=folder)  # fmt: skip
    ltdesk("run", "scan.npy", "--recipe", source, "-o", "there.npz", cwd=folder)
    with np.load(folder / "again.npz") as again, np.load(folder / "there.npz") as there:
        np.testing.assert_array_equal(again["m"], there["m"])
        assert again["valid"].sum() == 12


def test_several_files_get_a_result_each(folder: Path) -> None:
    (folder / "results").mkdir()
    ltdesk("run", "scan.npy", "scan.h5", "-o", "results", "--analysis", "sum_signal", cwd=folder)
    assert files(folder / "results") == {"scan.npz", "scan-2.npz"}
    ltdesk("run", "scan.npy", "scan.h5", "-o", "out.npz", "--analysis", "sum_signal", cwd=folder)
    assert {"out_scan.npz", "out_scan-2.npz"} <= files(folder)


def test_the_first_of_several_datasets_is_taken_and_said(folder: Path) -> None:
    out = ltdesk("run", "scan.h5", "-o", "out.npz", "--analysis", "sum_signal", cwd=folder)
    assert "b/data" in out.stderr


def test_a_cut_file_gives_its_good_frames_and_says_so(folder: Path, array: np.ndarray) -> None:
    data = array.tobytes()
    (folder / "cut.raw").write_bytes(data[: len(data) * 3 // 4])
    shapes = ("--scan-shape", "6,7", "--frame-shape", "16,20", "--dtype", "<u2", "--analysis", "sum_signal")
    out = ltdesk("run", "cut.raw", *shapes, "-o", "out.npz", cwd=folder)
    assert "31" in out.stderr
    assert "42" in out.stderr
    with np.load(folder / "out.npz") as result:
        assert result["valid"].ravel().tolist() == [True] * 31 + [False] * 11
        np.testing.assert_array_equal(result["sum_signal"].ravel()[:31], array.sum((2, 3)).ravel()[:31])
        assert not result["sum_signal"].ravel()[31:].any()
    out = ltdesk("run", "cut.raw", *shapes, "-o", "strict.npz", "--strict", cwd=folder, status=1)
    assert "31 of 42" in out.stderr
    assert "strict.npz" not in files(folder)


USAGE = {
    "nothing to compute": ("run", "scan.npy", "-o", "o.npz"),
    "no format for results": ("run", "scan.npy", "-o", "o.xyz", "--analysis", "com"),
    "is given twice": ("run", "scan.npy", "-o", "o.npz", "--detector", "a=disk:1,1,1", "--detector", "a=disk:2,2,2"),
    "reserved": ("run", "scan.npy", "-o", "o.npz", "--detector", "valid=disk:1,1,1"),
    "r: must be at least 0, not -1": ("run", "scan.npy", "-o", "o.npz", "--detector", "a=disk:1,1,-1"),
    "finite": ("run", "scan.npy", "-o", "o.npz", "--detector", "a=disk:nan,1,1"),
    "'blob:1' is not known": ("run", "scan.npy", "-o", "o.npz", "--detector", "a=blob:1"),
    "analysis 'magic' is not known": ("run", "scan.npy", "-o", "o.npz", "--analysis", "magic"),
    "no detector 'bf'": ("run", "scan.npy", "-o", "o.npz", "--analysis", "com:mask=bf"),
    "no picture has that name": ("run", "scan.npy", "-o", "o.npz", "--analysis", "com", "--fft", "com"),
    "there is no 'hann'": ("run", "scan.npy", "-o", "o.npz", "--analysis", "com", "--fft", "com_x:hann"),
    "--fft com_x and --fft com_x:window contradict": (
        *("run", "scan.npy", "-o", "o.npz", "--analysis", "com"),
        *("--fft", "com_x:window", "--fft", "com_x"),
    ),
    "two positive numbers": ("run", "scan.npy", "-o", "o.npz", "--analysis", "com", "--scan-shape", "0,7"),
    "scan itself": ("run", "out.npz", "-o", "out.npz", "--analysis", "com"),
    "ftp://x: is not a scheduler's address": (
        "run",
        "scan.npy",
        "-o",
        "o.npz",
        "--analysis",
        "com",
        "--on",
        "ftp://x",
    ),
    "required: -o": ("run", "scan.npy", "--analysis", "com"),
    "invalid choice": ("demo", "--size", "huge"),
}


@pytest.mark.parametrize("said", USAGE)
def test_a_request_that_makes_no_sense_is_a_usage_error(folder: Path, said: str) -> None:
    (folder / "out.npz").write_bytes(b"")
    before = files(folder)
    assert said in ltdesk(*USAGE[said], cwd=folder, status=2).stderr
    assert files(folder) == before


@pytest.mark.parametrize(
    ("name", "content"),
    [("missing.h5", None), ("empty.h5", b""), ("nonsense.h5", b"nonsense" * 100), ("folder", "folder")],
)
def test_a_bad_file_is_named_and_leaves_nothing(folder: Path, name: str, content: bytes | str | None) -> None:
    if content == "folder":
        (folder / name).mkdir()
    elif isinstance(content, bytes):
        (folder / name).write_bytes(content)
    before = files(folder)
    for command in (("run", name, "-o", "o.npz", "--analysis", "com"), ("info", name)):
        assert name in ltdesk(*command, cwd=folder, status=1).stderr
    assert files(folder) == before


def test_an_hdf5_file_cut_in_half_is_an_error(folder: Path) -> None:
    data = (folder / "scan.h5").read_bytes()
    (folder / "half.h5").write_bytes(data[: len(data) // 2])
    assert "half.h5" in ltdesk("run", "half.h5", "-o", "o.npz", "--analysis", "com", cwd=folder, status=1).stderr


def test_a_mask_that_selects_nothing_is_a_warning(folder: Path) -> None:
    out = ltdesk("run", "scan.npy", "-o", "o.npz", "--detector", "far=disk:500,500,3", cwd=folder)
    assert "'far' selects no pixel" in out.stderr
    with np.load(folder / "o.npz") as result:
        assert not result["far"].any()


def test_an_output_that_cannot_be_written_leaves_nothing(folder: Path) -> None:
    out = ltdesk("run", "scan.npy", "-o", "nowhere/o.npz", "--analysis", "com", cwd=folder, status=1)
    assert "nowhere" in out.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
@pytest.mark.parametrize("name", ["o.npz", "o.h5", "o.tif", "o.png"])
def test_a_full_disk_leaves_no_half_result(folder: Path, name: str) -> None:
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))\n"  # any file over 1000 bytes: no space
        "from ltdesk.cli import main; status = main(sys.argv[1:])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, limits); sys.exit(status)"  # what measures coverage writes too
    )
    command = [sys.executable, "-c", script, "run", "scan.npy", "-o", name, "--analysis", "sum_frame"]
    before = files(folder)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=250)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith(f"ltdesk: {name}: cannot be written: File too large. Free some space")
    assert len(done.stderr.splitlines()) == 1
    assert files(folder) == before


def test_an_output_folder_is_made(folder: Path) -> None:
    ltdesk("run", "scan.npy", "scan.h5", "-o", "results/", "--analysis", "sum_frame", cwd=folder)
    assert files(folder / "results") == {"scan.npz", "scan-2.npz"}
    failed = ltdesk("run", "scan.npy", "-o", "no/such/", "--analysis", "sum_frame", cwd=folder, status=1)
    assert failed.stderr.startswith("ltdesk: no/such/: there is no folder no to make it in")
    ltdesk("run", "missing.npy", "-o", "other/", "--analysis", "sum_frame", cwd=folder, status=1)
    assert not (folder / "other").exists()


def test_an_output_that_the_system_refuses_to_look_at_is_said(folder: Path) -> None:
    """As in a folder that one may not enter."""
    name = "o" * 300 + ".npz"
    done = ltdesk("run", "scan.npy", "-o", name, "--analysis", "sum_frame", cwd=folder, status=1)
    assert done.stderr.startswith(f"ltdesk: {name}: cannot be written: File name too long")


@pytest.mark.parametrize("options", [(), ("--debug",)])
def test_what_libraries_log_is_shown_on_request_only(folder: Path, options: tuple[str, ...]) -> None:
    program = """
import logging, sys
from ltdesk.commands import info
from ltdesk import cli
real = info.main
def noisy(args):
    import distributed
    for name in ("asyncio", "distributed.core", "tornado.application"):
        logging.getLogger(name).error("%s: never retrieved", name)
    return real(args)
info.main = noisy
sys.exit(cli.main(sys.argv[1:]))
"""
    command = [sys.executable, "-c", program, *options, "info", "scan.npy"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("never retrieved") == (3 if options else 0), done.stderr
    assert options or done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM"])
def test_a_stop_lets_an_import_come_to_its_end(folder: Path, stop: str) -> None:
    """Else it may keep Python's lock, for which other threads then wait for ever."""
    (folder / "slow.py").write_text(
        f"import os, signal\nos.kill(os.getpid(), signal.{stop})\nprint('imported', sum(range(9)), flush=True)\n"
    )
    program = """
import sys, threading
from ltdesk import cli
from ltdesk.commands import info
def main(args):
    import slow
    threading.Event().wait(240)
    return 0
info.main = main
sys.exit(cli.main(sys.argv[1:]))
"""
    command = [sys.executable, "-c", program, "info", "scan.npy"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=250)
    assert (done.returncode, done.stdout) == (1, "imported 36\n"), done.stderr
    assert done.stderr.strip().splitlines() == ["ltdesk: stopped; nothing was written"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_cache_that_cannot_be_written_stops_nothing(folder: Path) -> None:
    (folder / "cache").write_text("a file where a folder should be")
    environment = {**os.environ, "NUMBA_CACHE_DIR": "", "LTDESK_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-m", "ltdesk", "run", "scan.npy", "-o", "o.npz", "--analysis", "sum_signal"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250)
    assert (done.returncode, done.stderr) == (0, "")


BIG_SHAPES = ("--scan-shape", "1024,1024", "--frame-shape", "128,160", "--dtype", "<u2", "--analysis", "sum_frame")


def run_on_a_big_file(folder: Path) -> subprocess.Popen[str]:
    """The command in the middle of a scan of 43 GB (a sparse file)."""
    with open(folder / "big.raw", "wb") as file:
        file.truncate(1024 * 1024 * 128 * 160 * 2)
    command = [sys.executable, "-m", "ltdesk", "run", "big.raw", *BIG_SHAPES, "-o", "o.npz"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    while "big.raw" not in Path(f"/proc/{process.pid}/maps").read_text():
        assert process.poll() is None, process.communicate()
    return process


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="looks into /proc for the moment of the fault")
def test_a_stop_leaves_no_half_result(folder: Path) -> None:
    process = run_on_a_big_file(folder)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert said.strip().splitlines() == ["ltdesk: stopped; nothing was written"]
    assert files(folder) == {"scan.npy", "scan.raw", "scan.h5", "big.raw"}


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="looks into /proc for the moment of the fault")
def test_a_file_cut_while_it_is_read_is_an_error_that_names_it(folder: Path) -> None:
    process = run_on_a_big_file(folder)
    os.truncate(folder / "big.raw", 1 << 20)
    _, said = process.communicate(timeout=250)
    assert process.returncode == 1, said
    assert len(said.strip().splitlines()) == 1
    assert "of 1024 partitions failed" in said
    assert "big.raw: has 1,048,576 bytes now" in said
    assert "o.npz" not in files(folder)


def test_info_says_what_is_in_a_file(folder: Path) -> None:
    facts = json.loads(ltdesk("info", "scan.h5", "--json", cwd=folder).stdout)
    assert (facts["scan_shape"], facts["frame_shape"], facts["dtype"]) == ([6, 7], [16, 20], "<u2")
    assert (facts["frames_good"], facts["frames_expected"]) == (42, 42)
    assert facts["calibration"]["scan_step"] == 0.5
    assert {entry["path"].strip("/") for entry in facts["datasets"]} == {"a/data", "b/data"}
    text = ltdesk("info", "scan.h5", cwd=folder).stdout
    assert "16 x 20 pixels, <u2" in text
    assert "26.9 kB of frames, 1 partition\n" in text
    assert "42 good of 42 expected" in text


def test_demo_is_made_where_asked(folder: Path) -> None:
    assert ltdesk("demo", "--out", "demo.h5", cwd=folder).stdout.strip() == "demo.h5"
    facts = json.loads(ltdesk("info", "demo.h5", "--json", cwd=folder).stdout)
    assert (facts["scan_shape"], facts["frame_shape"]) == ([64, 64], [96, 96])


def test_the_help_names_all_commands_and_analyses(folder: Path) -> None:
    commands = ltdesk("--help", cwd=folder).stdout
    assert all(f"ltdesk {name}" in commands for name in COMMANDS)
    words = ltdesk("run", "--help", cwd=folder).stdout.replace(",", " ").split()
    assert {kind_of(spec) for spec in BUILT_IN} - {"virtual_detector"} <= set(words)


def test_the_help_tells_of_every_key_of_an_analysis(folder: Path) -> None:
    everything = ltdesk("run", "--analysis", "help", cwd=folder).stdout
    assert {kind_of(spec) for spec in BUILT_IN} - {"virtual_detector"} <= set(everything.splitlines())
    assert "Keys: name, mask, weight, gain" in everything
    one = ltdesk("run", "--analysis", "com:help", cwd=folder).stdout
    assert {f"  {key}=" for key in keys_of(CenterOfMass)} <= {f"{line.partition('=')[0]}=" for line in one.splitlines()}
    assert "descan=plane|paraboloid|NUMBER+NUMBER+..." in one
    assert "docs/analyses.md" in one
    unknown = ltdesk("run", "--analysis", "con:help", cwd=folder, status=2).stderr
    assert "'con' is not known. Did you mean 'com'?" in unknown


def test_the_examples_of_the_help_run_as_they_stand(tmp_path: Path) -> None:
    frames = np.random.default_rng(4).poisson(5.0, (6, 5, 128, 128)).astype("<u2")
    for name in ("scan", "monday", "tuesday"):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file["data"] = frames
    (tmp_path / "scan.raw").write_bytes(frames.tobytes())
    examples = [shlex.split(line) for line in EXAMPLES.splitlines() if line.startswith("  ltdesk ")]
    assert len(examples) == 7
    for _, *words in examples:
        ltdesk(*words, cwd=tmp_path)
    assert {"bf.png", "result.npz", "result.h5", "frame.tif", "results"} <= files(tmp_path)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "frame_3_4.tif"), frames[3, 4])
    assert files(tmp_path / "results") == {"monday.npz", "tuesday.npz"}


def test_importing_ltdesk_is_light() -> None:
    code = (
        "import sys, ltdesk; ltdesk.Disk, ltdesk.open\n"
        "print([m for m in ('PyQt5', 'dask', 'numba', 'h5py') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=250)
    assert done.stdout.strip() == "[]"
