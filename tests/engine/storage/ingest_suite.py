"""What every storage's ingest must do. Subclass `IngestSuite` and give it `place`, as for `StorageSuite`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hdf5plugin
import numpy as np
import pytest
from numpy.typing import NDArray

from ltdesk.analysis import Analysis, CenterOfMass, SumFrame, VirtualDetector
from ltdesk.engine.assembly import Results
from ltdesk.engine.dataset import Dataset, Tile
from ltdesk.engine.ingest import Ingested, ingest
from ltdesk.engine.ingest_progress import Progress
from ltdesk.engine.ingested import IngestedScan
from ltdesk.engine.local import LocalExecutor
from ltdesk.engine.open import open_dataset, open_ref
from ltdesk.engine.sidecar import BEGUN, PARTITIONS, SIDECAR
from ltdesk.engine.stored_scans import look, look_inside, remove, verify
from ltdesk.errors import DamagedFileError, JobCancelled, OpenError, StorageError, UsageError
from ltdesk.geometry import Disk, Rectangle, Ring
from ltdesk.job import Job, Partition
from ltdesk.plugins import BUILT_IN
from tests.engine.formats.helpers import Array, open_raw, scan, write_h5, write_npy
from tests.engine.storage.storage_suite import Place

DISK = Disk(cy=8, cx=9, r=6)
ANALYSES: tuple[Analysis, ...] = (
    VirtualDetector(DISK, name="bf"),
    VirtualDetector(Ring(cy=8, cx=9, r_in=3, r_out=9) * 0.3, name="weighted"),
    CenterOfMass(name="masked", mask=DISK),
    *(spec.model_validate({}) for spec in BUILT_IN if spec is not VirtualDetector),
)


def cut(path: Path, keep: float) -> Path:
    """The file without its end."""
    with path.open("rb+") as file:
        file.truncate(int(path.stat().st_size * keep))
    return path


SHAPE = (24, 30, 64, 60)  # several partitions of more than 1 MiB

SOURCES: dict[str, Callable[[Path], Dataset]] = {
    "npy": lambda folder: open_dataset(write_npy(folder / "a.npy", scan(SHAPE))),
    "big_endian": lambda folder: open_dataset(write_npy(folder / "a.npy", scan(SHAPE, ">u2"))),
    "floats": lambda folder: open_dataset(write_npy(folder / "a.npy", scan(SHAPE, "<f4"))),
    "half_floats": lambda folder: open_dataset(write_npy(folder / "a.npy", scan(SHAPE, ">f2"))),
    "bits": lambda folder: open_dataset(write_npy(folder / "a.npy", scan(SHAPE, "?"))),
    "fortran": lambda folder: open_dataset(write_npy(folder / "a.npy", np.asfortranarray(scan(SHAPE, "<f4")))),
    "odd_header": lambda folder: open_raw(folder / "a.raw", scan(SHAPE, "<f4"), header=b"odd"),
    "compressed": lambda folder: open_dataset(
        write_h5(folder / "a.h5", scan(SHAPE, "<f4"), chunks=(5, 7, 64, 60), **hdf5plugin.Bitshuffle())
    ),
    "cut_short": lambda folder: open_dataset(cut(write_npy(folder / "a.npy", scan(SHAPE, "<f4")), 0.6)),
    "starts_late": lambda folder: open_dataset(write_npy(folder / "a.npy", scan(SHAPE, "<f4")), sync_offset=-70),
    "skips": lambda folder: open_dataset(write_npy(folder / "a.npy", scan(SHAPE, "<f4")), sync_offset=41),
    "arranged": lambda folder: open_dataset(
        write_npy(folder / "a.npy", scan((720, 64, 60), "<f4")), scan_shape=(25, 29), sync_offset=3
    ),
    "a_stack": lambda folder: open_dataset(write_npy(folder / "a.npy", scan((200, 64, 60), "<f4"))),
    "one_frame": lambda folder: open_dataset(write_npy(folder / "a.npy", scan((1, 1, 2, 3)))),
}


def run(dataset: Dataset, *analyses: Analysis, region: Any = None) -> Results:
    with LocalExecutor(2) as executor:
        job = Job(dataset=dataset.ref, analyses=analyses, region=region)
        return executor.submit(job, dataset).result(250)


def placed_frames(tiles: Iterator[Tile]) -> list[tuple[int, bytes]]:
    """Each frame's place in the partition and bytes, in the order in which they come: how many a tile has is the
    format's own business."""
    return [(tile.start + i, frame.tobytes()) for tile in tiles for i, frame in enumerate(tile.frames)]


def same_bytes(found: Results, expected: Results) -> None:
    assert list(found) == list(expected)
    for name in expected:
        assert found[name].dtype == expected[name].dtype
        assert found[name].tobytes() == expected[name].tobytes(), name
    np.testing.assert_array_equal(found.valid, expected.valid)


class Watched(Dataset):
    """A dataset that calls `seen` with each partition before it is read, which may raise."""

    def __init__(self, inner: Dataset, seen: Callable[[Partition], None]) -> None:
        super().__init__(
            inner.ref, inner.scan_shape, inner.frame_shape, inner.dtype, inner.format, inner.calibration, inner.chunk,
            inner.frames_good, inner.frames_expected, inner.note,
        )  # fmt: skip
        self.inner, self.seen = inner, seen

    def _read_frame(self, y: int, x: int) -> NDArray[Any]:
        return self.inner.frame(y, x)

    def tiles(self, partition: Partition) -> Iterator[Tile]:
        self.seen(partition)
        yield from self.inner.tiles(partition)

    def identity(self) -> Any:
        return self.inner.identity()


class Stopped(Exception):
    """As if the process had been killed."""


def stop_at(count: int) -> tuple[list[int], Callable[[Partition], None]]:
    """Partitions that were read, and a `seen` that breaks off at one of them."""
    read: list[int] = []

    def seen(partition: Partition) -> None:
        if len(read) == count:
            raise Stopped
        read.append(partition.index)

    return read, seen


def never(_: Partition) -> None:
    raise AssertionError("it is read again")


class IngestSuite:
    """Every storage's ingest does exactly this."""

    def ingest(self, place: Place, dataset: Dataset, **options: Any) -> Ingested:
        return ingest(dataset, place.storage.uri(place.path("twin")), **options)

    def twin(self, place: Place) -> Dataset:
        return open_dataset(place.storage.uri(place.path("twin")))

    def partition_files(self, place: Place) -> dict[str, int]:
        return {entry.name: entry.size for entry in place.storage.list(place.path(f"twin/{PARTITIONS}"))}

    def flip(self, place: Place, name: str) -> None:
        """Another byte in the middle of a partition file, under the same name."""
        path = place.path(f"twin/{PARTITIONS}/{name}")
        data = bytearray(place.storage.read_bytes(path))
        data[len(data) // 2] ^= 255
        place.storage.put(path, bytes(data))

    @pytest.fixture(params=list(SOURCES))
    def source(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Dataset]:
        (tmp_path / "source").mkdir()
        with SOURCES[request.param](tmp_path / "source") as dataset:
            yield dataset

    @pytest.fixture
    def npy(self, tmp_path: Path) -> Iterator[Dataset]:
        (tmp_path / "source").mkdir()
        with SOURCES["npy"](tmp_path / "source") as dataset:
            yield dataset

    def test_the_twin_is_the_source(self, place: Place, source: Dataset) -> None:
        """Its plan, its frames, and so, byte for byte, the results of every analysis."""
        self.ingest(place, source)
        with self.twin(place) as twin:
            assert twin.plan() == source.plan()
            for name in ("shape", "dtype", "calibration", "frames_good", "frames_expected", "note", "nbytes"):
                assert getattr(twin, name) == getattr(source, name)
            for partition in source.plan():
                assert placed_frames(twin.tiles(partition)) == placed_frames(source.tiles(partition))
            region = Rectangle(y0=3, x0=2, y1=20, x1=17)
            same_bytes(run(twin, *ANALYSES), run(source, *ANALYSES))
            same_bytes(run(twin, *ANALYSES, region=region), run(source, *ANALYSES, region=region))
            self.same_frames(twin, source)

    def same_frames(self, twin: Dataset, source: Dataset) -> None:
        for y, x in np.ndindex(source.scan_shape):
            if (y * source.scan_shape[1] + x) % 97 in (0, 1):
                try:
                    expected: Array | None = source.frame(y, x)
                except DamagedFileError:
                    expected = None
                if expected is None:
                    with pytest.raises(DamagedFileError, match="is missing"):
                        twin.frame(y, x)
                else:
                    np.testing.assert_array_equal(twin.frame(y, x), expected)
                    assert twin.frame(y, x).dtype == expected.dtype

    def test_what_lies_in_the_storage(self, place: Place, npy: Dataset) -> None:
        done = self.ingest(place, npy)
        assert done.bytes_sent == npy.nbytes == sum(self.partition_files(place).values())
        assert [entry.name for entry in place.storage.list(place.path("twin"))] == [SIDECAR, PARTITIONS]
        assert len(self.partition_files(place)) == len(npy.plan()) > 4
        assert done.sidecar.source.identity == npy.identity()

    def test_the_same_again_does_nothing(self, place: Place, npy: Dataset) -> None:
        self.ingest(place, npy)
        before = [*place.storage.list(place.path("twin")), *place.storage.list(place.path(f"twin/{PARTITIONS}"))]
        again = self.ingest(place, Watched(npy, never))
        after = [*place.storage.list(place.path("twin")), *place.storage.list(place.path(f"twin/{PARTITIONS}"))]
        assert (again.bytes_sent, after) == (0, before)

    def test_another_scan_is_refused(self, place: Place, npy: Dataset, tmp_path: Path) -> None:
        self.ingest(place, npy)
        other = write_npy(tmp_path / "b.npy", scan(SHAPE, seed=8))
        with open_dataset(other) as dataset, pytest.raises(StorageError, match=r"twin: holds another scan.*a\.npy"):
            self.ingest(place, dataset)
        with open_dataset(npy.ref.uri, sync_offset=1) as dataset, pytest.raises(StorageError, match="another scan"):
            self.ingest(place, dataset)

    def test_frames_that_have_changed_in_another_file_are_refused(self, place: Place, tmp_path: Path) -> None:
        """The file that is opened is the same, and says only where they lie."""
        raw, xml = tmp_path / "scan_x4_y3.raw", tmp_path / "scan.xml"
        xml.write_text('<root><raw_file filename="scan_x4_y3.raw"/></root>')
        frames = np.ones((12, 130, 128), "<f4")
        raw.write_bytes(frames.tobytes())
        with open_dataset(xml) as dataset:
            self.ingest(place, dataset)
        raw.write_bytes((frames * 2).tobytes() + b"more")
        with open_dataset(xml) as dataset, pytest.raises(StorageError, match="another scan"):
            self.ingest(place, dataset)

    def test_a_folder_of_other_things_is_refused(self, place: Place, npy: Dataset) -> None:
        place.write("twin/notes.txt", b"mine")
        with pytest.raises(StorageError, match="a folder with other things"):
            self.ingest(place, npy)
        ingest(npy, place.storage.uri(place.path("twin")) + "/")
        with open_dataset(place.storage.uri(place.path("twin/a"))) as twin:
            np.testing.assert_array_equal(twin.frame(1, 2), npy.frame(1, 2))

    def test_it_goes_on_where_it_stopped(self, place: Place, npy: Dataset) -> None:
        read, seen = stop_at(3)
        with pytest.raises(Stopped):
            self.ingest(place, Watched(npy, seen), in_flight=1)
        assert BEGUN in [entry.name for entry in place.storage.list(place.path("twin"))]
        with pytest.raises(OpenError, match="its ingest is not finished"):
            self.twin(place)
        rest: list[int] = []
        done = self.ingest(place, Watched(npy, lambda partition: rest.append(partition.index)), in_flight=1)
        assert sorted(read + rest) == [partition.index for partition in npy.plan()]
        assert done.bytes_sent < npy.nbytes
        with self.twin(place) as twin:
            same_bytes(run(twin, *ANALYSES), run(npy, *ANALYSES))

    def test_what_a_broken_off_put_left_counts_as_nothing(self, place: Place, npy: Dataset) -> None:
        """Of what marks the folder, before there is anything else in it, and of the sidecar."""
        left = [f"twin/.{name}.{number:032x}" for number, name in enumerate((BEGUN, SIDECAR))]
        place.write(left[0], b"{")
        assert look(place.storage, place.path("twin")).state == "unfinished"
        remove(place.storage, place.path("twin"))
        assert place.names() == []
        for name in left:
            place.write(name, b"{")
        self.ingest(place, npy)
        assert [entry.name for entry in place.storage.list(place.path("twin"))] == [SIDECAR, PARTITIONS]
        place.write(left[1], b"{")
        remove(place.storage, place.path("twin"))
        assert place.names() == []

    def test_another_scan_may_not_go_on(self, place: Place, npy: Dataset, tmp_path: Path) -> None:
        with pytest.raises(Stopped):
            self.ingest(place, Watched(npy, stop_at(1)[1]))
        other = write_npy(tmp_path / "b.npy", scan(SHAPE, seed=8))
        with open_dataset(other) as dataset, pytest.raises(StorageError, match="another scan"):
            self.ingest(place, dataset)

    def test_a_break_in_a_damaged_scan(self, place: Place, tmp_path: Path) -> None:
        with SOURCES["starts_late"](tmp_path) as dataset:
            with pytest.raises(Stopped):
                self.ingest(place, Watched(dataset, stop_at(5)[1]), in_flight=1)
            self.ingest(place, dataset)
            with self.twin(place) as twin:
                same_bytes(run(twin, *ANALYSES), run(dataset, *ANALYSES))

    def test_cancel(self, place: Place, npy: Dataset) -> None:
        reached: list[Progress] = []
        with pytest.raises(JobCancelled, match=r"Start it again to go on"):
            self.ingest(place, npy, progress=reached.append, cancelled=lambda: True)
        assert reached[-1].partitions_done < len(npy.plan())
        assert self.ingest(place, npy).uri

    def test_progress(self, place: Place, npy: Dataset) -> None:
        seen: list[Progress] = []
        self.ingest(place, npy, progress=seen.append)
        assert [progress.bytes_done for progress in seen][-1] == npy.nbytes
        assert (seen[-1].partitions_done, seen[-1].partitions_total) == (len(npy.plan()),) * 2
        assert seen[-1].bytes_total == npy.nbytes
        assert seen[-1].rate > 0
        assert seen[-1].time_left == 0

    def test_what_is_gone_is_put_back(self, place: Place, npy: Dataset) -> None:
        self.ingest(place, npy)
        names = self.partition_files(place)
        place.storage.remove(place.path(f"twin/{PARTITIONS}/{min(names)}"))
        assert look(place.storage, place.path("twin")).state == "damaged"
        assert self.ingest(place, npy).bytes_sent == names[min(names)]
        assert self.partition_files(place) == names

    def test_a_damaged_file_is_found_and_put_right(self, place: Place, npy: Dataset) -> None:
        self.ingest(place, npy)
        name = max(self.partition_files(place))
        assert verify(place.storage, place.path("twin")) == []
        self.flip(place, name)
        (problem,) = verify(place.storage, place.path("twin"))
        assert problem == f"{PARTITIONS}/{name}: is damaged"
        with self.twin(place) as twin, pytest.raises(DamagedFileError, match=rf"{name}: is damaged: its CRC32C"):
            list(twin.tiles(twin.plan()[-1]))
        assert self.ingest(place, npy, check=True).bytes_sent == self.partition_files(place)[name]
        assert verify(place.storage, place.path("twin")) == []
        with self.twin(place) as twin:
            same_bytes(run(twin, SumFrame()), run(npy, SumFrame()))

    def test_a_source_that_breaks_stops_it(self, place: Place, npy: Dataset) -> None:
        def seen(partition: Partition) -> None:
            if partition.index == 2:
                raise DamagedFileError("a.npy: has 10 bytes now", "Reopen it.")

        with pytest.raises(DamagedFileError, match="10 bytes now"):
            self.ingest(place, Watched(npy, seen))
        with pytest.raises(OpenError, match="not finished"):
            self.twin(place)

    def test_listing_and_removing(self, place: Place, npy: Dataset) -> None:
        self.ingest(place, npy)
        place.write("folder/file", b"12345")
        with pytest.raises(Stopped):
            ingest(Watched(npy, stop_at(0)[1]), place.storage.uri(place.path("begun")))
        found = {stored.name: stored for stored in look_inside(place.storage, place.folder)}
        states = {name: stored.state for name, stored in found.items()}
        assert states == {"twin": "whole", "folder": "folder", "begun": "unfinished"}
        assert found["twin"].nbytes == npy.nbytes
        assert found["twin"].sidecar is not None
        with open_dataset(found["twin"].uri) as twin:
            assert twin.shape == npy.shape
        with pytest.raises(StorageError, match="is not an ingested scan"):
            remove(place.storage, place.path("folder"))
        place.write("twin/mine", b"stays")
        for name in ("twin", "begun"):
            remove(place.storage, place.path(name))
        assert place.names() == ["folder", "twin"]
        assert [entry.name for entry in place.storage.list(place.path("twin"))] == ["mine"]

    def test_a_twin_can_be_ingested(self, place: Place, npy: Dataset) -> None:
        self.ingest(place, npy)
        with self.twin(place) as twin:
            ingest(twin, place.storage.uri(place.path("again")))
            with open_dataset(place.storage.uri(place.path("again"))) as again:
                same_bytes(run(again, *ANALYSES), run(npy, *ANALYSES))

    def test_opening(self, place: Place, npy: Dataset, tmp_path: Path) -> None:
        uri = self.ingest(place, npy).uri
        for same in (uri, f"{uri}/", f"{uri}/{SIDECAR}"):
            with open_dataset(same) as twin:
                assert isinstance(twin, IngestedScan)
                with open_ref(twin.ref) as again:
                    assert again.identity() == twin.identity()
                results = run(twin, SumFrame())
                assert results.recipe["dataset"]["path"] == uri
        for options in ({"scan_shape": (1, 720)}, {"dtype": "<u4"}, {"sync_offset": 1}, {"dataset": "/data"}):
            with pytest.raises(UsageError, match="ltdesk ingest"):
                open_dataset(uri, **options)
        with open_dataset(uri, scan_shape=SHAPE[:2], frame_shape=SHAPE[2:], dtype="<u2") as twin:
            assert twin.shape == SHAPE
        twin.close()
        with pytest.raises(OpenError, match="is closed"):
            twin.frame(0, 0)
        with pytest.raises(OpenError, match="is closed"):
            list(twin.tiles(twin.plan()[0]))

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda text: text[: len(text) // 2], "EOF"),
            (lambda text: text.replace('"version":1', '"version":2'), "version"),
            (lambda text: text.replace('"scan_shape":[24,30]', '"scan_shape":[0,30]'), "shape is empty"),
            (lambda text: text.replace('"scan_shape":[24,30]', '"scan_shape":[25,30]'), "don't make up"),
            (lambda text: text.replace('"scan_shape":[24,30]', '"scan_shape":[23,30]'), "does not fit"),
            (lambda text: text.replace('"dtype":"<u2"', '"dtype":"<c8"', 1), "pixels are <c8"),
            (lambda text: text.replace('"dtype":"<u2"', '"dtype":"nothing"', 1), "pixels are nothing"),
            (lambda text: text.replace('"dtype":"<u2"', '"dtype":"99999999999999999999i4"', 1), "pixels are 999"),
            (lambda text: text.replace('"dtype":"<u2"', '"dtype":"i4, ,"', 1), "pixels are i4, ,"),
            (lambda text: text.replace('"present":[]', '"present":[[0,5],[4,30]]', 1), "partition 0 does not fit"),
        ],
    )
    def test_a_sidecar_that_is_damaged(
        self, place: Place, npy: Dataset, change: Callable[[str], str], reason: str
    ) -> None:
        self.ingest(place, npy)
        path = place.path(f"twin/{SIDECAR}")
        text = place.storage.read_bytes(path).decode()
        assert change(text) != text
        place.storage.put(path, change(text).encode())
        with pytest.raises(OpenError, match=reason) as caught:
            self.twin(place)
        assert SIDECAR in caught.value.what
