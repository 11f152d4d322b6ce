"""LiberTEM, by the executor that is the argument: pipelined, dask or inline. Several UDFs go in one pass."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

import hdf5plugin  # noqa: F401  (registers filters)
import numpy as np
import sparse
from libertem.api import Context
from libertem.executor.dask import DaskJobExecutor, cluster_spec
from libertem.executor.inline import InlineJobExecutor
from libertem.executor.pipelined import PipelinedExecutor
from libertem.udf.com import CoMUDF
from libertem.udf.masks import ApplyMasksUDF
from libertem.udf.stddev import StdDevUDF
from libertem.udf.sum import SumUDF
from libertem.udf.sumsigudf import SumSigUDF
from protocol import NotOffered, Results, Work, serve

FEW = 0.1
"""Several masks of less than this share of the frame are faster as sparse ones."""


class LiberTEM:
    """Masks of one analysis go into one UDF."""

    def __init__(self, executor: str) -> None:
        self._executor = executor
        self.version = f"LiberTEM {version('libertem')}, {executor}"

    def open(self, path: str, dataset: str, threads: int) -> None:
        self._context = Context(executor=_executor(self._executor, threads))
        self._dataset = self._context.load("hdf5", path=path, ds_path=dataset)
        self._frame_shape = tuple(self._dataset.shape.sig)

    def close(self) -> None:
        """End the workers: they don't end by themselves."""
        if hasattr(self, "_context"):
            self._context.close()

    def prepare(self, analyses: list[dict[str, Any]], masks: np.ndarray | None) -> Work:
        udfs, names = [], list[dict[str, Any]]()
        detectors = [one for one in analyses if one["kind"] == "virtual_detector"]
        if detectors:
            udfs.append(_masks(masks[[one["mask"] for one in detectors]].astype(np.float32)))
            names.append({one["name"]: ("intensity", number) for number, one in enumerate(detectors)})
        kinds = {one["kind"]: one for one in analyses if one["kind"] != "virtual_detector"}
        if {"std_frame", "sum_frame"} <= set(kinds):
            udfs.append(StdDevUDF())
            names.append({"std_frame": ("std",), "sum_frame": ("sum",)})
            del kinds["std_frame"], kinds["sum_frame"]
        for kind, analysis in kinds.items():
            udf, found = self._other(kind, analysis)
            udfs.append(udf)
            names.append(found)
        return lambda: self._run(udfs, names)

    def _run(self, udfs: list[Any], names: list[dict[str, Any]]) -> Results:
        found = self._context.run_udf(dataset=self._dataset, udf=udfs)
        results = {}
        for one, wanted in zip(found, names, strict=True):
            for name, (buffer, *place) in wanted.items():
                data = one[buffer].data
                results[name] = data[(..., *place)] if place else data
        return results

    def _other(self, kind: str, analysis: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        if kind == "com":
            return CoMUDF.with_params(cy=analysis["cy"], cx=analysis["cx"]), {
                "com_y": ("raw_shifts", 0),
                "com_x": ("raw_shifts", 1),
            }
        if kind == "radial":
            return _masks(_rings(self._frame_shape, **{key: analysis[key] for key in ("cy", "cx", "nbins")})), {
                "radial": ("intensity",)
            }
        simple = {
            "sum_frame": (SumUDF, "intensity"),
            "sum_signal": (SumSigUDF, "intensity"),
            "std_frame": (StdDevUDF, "std"),
        }
        if kind not in simple:
            raise NotOffered(f"has no {kind}")
        make, buffer = simple[kind]
        return make(), {kind: (buffer,)}


def _executor(name: str, threads: int) -> Any:
    if name == "inline":
        return InlineJobExecutor(inline_threads=threads)
    if name == "dask":
        return DaskJobExecutor.make_local(spec=cluster_spec(cpus=range(threads), cudas=(), has_cupy=False))
    return PipelinedExecutor(spec=PipelinedExecutor.make_spec(cpus=range(threads), cudas=()))


def _masks(stack: np.ndarray) -> ApplyMasksUDF:
    many_small = len(stack) > 1 and bool(np.count_nonzero(stack) < FEW * stack.size)
    chosen = sparse.COO(stack) if many_small else stack
    return ApplyMasksUDF(
        mask_factories=lambda: chosen, mask_count=len(stack), mask_dtype=np.float32, use_sparse=many_small
    )


def _rings(frame_shape: tuple[int, ...], cy: float, cx: float, nbins: int) -> np.ndarray:
    y, x = np.indices(frame_shape)
    labels = np.floor(np.hypot(y - cy, x - cx) + 0.5)
    members = np.stack([labels == number for number in range(nbins)]).astype(np.float32)
    return members / members.sum(axis=(1, 2), keepdims=True)


if __name__ == "__main__":
    serve(LiberTEM(sys.argv[1]))
