"""A scheduler and a worker that speak TLS, set up as dask's own configuration has it: who is trusted, who is not."""

from __future__ import annotations

import gc
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import dask
import numpy as np
import pytest

from ltdesk.analysis import SumFrame
from ltdesk.engine.cluster import ClusterExecutor
from ltdesk.engine.open import open_dataset
from ltdesk.errors import ClusterError
from tests.dask_processes import DaskProcesses, until
from tests.engine.executor_suite import job_for

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("dask")]


def authority(folder: Path, name: str) -> dict[str, str]:
    """A new authority, and a certificate of its for all sides, as dask's configuration names them."""
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make certificates with (Debian: openssl)")
    folder = folder / name
    folder.mkdir()

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", f"/CN={name}")
    openssl("req", *key, "-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=ltdesk")
    openssl("x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", "own.pem")  # fmt: skip
    sides = {f"{side}.{part}": str(folder / f"own.{suffix}") for side in ("scheduler", "worker", "client")
             for part, suffix in (("cert", "pem"), ("key", "key"))}  # fmt: skip
    return {
        f"distributed.comm.tls.{name}": value for name, value in {"ca-file": str(folder / "ca.pem"), **sides}.items()
    }


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return authority(tmp_path_factory.mktemp("certificates"), "ours")


@pytest.fixture(scope="module")
def encrypted(ours: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    """They take no other way in."""
    settings = {**ours, "distributed.comm.require-encryption": "True"}
    environment = {
        f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": value for name, value in settings.items()
    }
    processes = DaskProcesses(tmp_path_factory.mktemp("dask"), "", "tls", **environment)
    processes.start_worker("one", "127.0.0.2")
    yield processes
    processes.stop()


def test_a_job_runs_over_tls(encrypted: DaskProcesses, ours: dict[str, str], tmp_path: Path) -> None:
    array = np.random.default_rng(2).integers(0, 9999, (8, 9, 10, 11)).astype("<u2")
    np.save(tmp_path / "scan.npy", array)
    with dask.config.set(ours), ClusterExecutor(encrypted.address, timeout=150) as executor:
        until(lambda: executor.workers == (encrypted.addresses["one"],), "the worker joins")
        assert executor.address.startswith("tls://")
        assert executor.workers[0].startswith("tls://127.0.0.2:")
        with open_dataset(tmp_path / "scan.npy") as scan:
            results = executor.submit(job_for(scan, SumFrame()), scan).result(250)
    np.testing.assert_array_equal(results["sum_frame"], array.sum(axis=(0, 1)))
    assert results.execution["hosts"] == ["127.0.0.2"]


def test_no_certificates_here(encrypted: DaskProcesses) -> None:
    with pytest.raises(ClusterError, match=r"there are no certificates here to connect with.*distributed\.comm\.tls"):
        ClusterExecutor(encrypted.address, timeout=100)


def test_a_scheduler_of_another_authority_is_not_trusted(encrypted: DaskProcesses, tmp_path: Path) -> None:
    with (
        dask.config.set(authority(tmp_path, "other")),
        pytest.raises(ClusterError, match=rf"{encrypted.address}: its certificate is not trusted here \(.*ca-file"),
    ):
        ClusterExecutor(encrypted.address, timeout=100)


def test_a_certificate_that_the_scheduler_does_not_trust(
    encrypted: DaskProcesses, ours: dict[str, str], tmp_path: Path
) -> None:
    """We trust its authority; it doesn't trust ours."""
    other = authority(tmp_path, "other") | {"distributed.comm.tls.ca-file": ours["distributed.comm.tls.ca-file"]}
    with dask.config.set(other), pytest.raises(ClusterError, match=rf"{encrypted.address}: ") as caught:
        ClusterExecutor(encrypted.address, timeout=100)
    assert "does not trust the certificate given" in str(caught.value)


def test_one_that_speaks_no_tls(ours: dict[str, str], tmp_path: Path) -> None:
    plain = DaskProcesses(tmp_path)
    try:
        with dask.config.set(ours), pytest.raises(ClusterError, match="speaks no TLS"):
            ClusterExecutor(plain.address.replace("tcp:", "tls:"), timeout=100)
    finally:
        plain.stop()
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            gc.collect()  # tornado leaves its socket to the collector where the scheduler greets first
