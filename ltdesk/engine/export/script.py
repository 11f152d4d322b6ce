"""A job as a Python script that gives the same numbers, and runs as it is."""

from __future__ import annotations

import re

from ltdesk.analysis import Analysis, VirtualDetector
from ltdesk.correction import Correction
from ltdesk.geometry import AnyShape, Combination, PixelMask
from ltdesk.job import DatasetRef, Job

CLASS_OF = {
    "virtual_detector": "VirtualDetector",
    "com": "CenterOfMass",
    "sum_frame": "SumFrame",
    "mean_frame": "MeanFrame",
    "max_frame": "MaxFrame",
    "fft_frame": "FftFrame",
    "std_frame": "StdFrame",
    "var_frame": "VarFrame",
    "sum_signal": "SumSignal",
    "mean_signal": "MeanSignal",
    "std_signal": "StdSignal",
    "max_signal": "MaxSignal",
    "radial": "RadialProfile",
    "annular": "AnnularSeries",
    "radial_fourier": "RadialFourier",
    "snr": "SignalToNoise",
}


def job_script(job: Job, show: str | None = None, bin: int | None = None, spectrum: str = "") -> str:
    """Python that opens the dataset, runs the job and saves it; `show` names the result that is printed, `bin` says
    which image of it, where it has several; of a `spectrum`, ``plain`` or after a Hann ``window``, its Fourier
    transform."""
    image = f'results["{show or _first_result(job)}"]{"" if bin is None else f"[..., {bin}]"}'
    lines = [
        '"""Made by ltdesk: computes the images shown, with ltdesk\'s Python API."""',
        "",
        *(["import numpy as np", ""] if spectrum else []),
        "import ltdesk",
        "",
        f"dataset = ltdesk.open({_open_arguments(job.dataset)})",
        "analyses = [",
        *(f"    {_analysis(spec)}," for spec in job.analyses),
        "]",
        f"results = ltdesk.run(dataset, analyses{_region(job)})",
        f"image = {_spectrum(image, spectrum) if spectrum else image}",
        "print(image.shape, image.dtype, image.min(), image.max())",
        'ltdesk.save(results, "result.npz")',
    ]
    return "\n".join(lines) + "\n"


def shape_code(shape: AnyShape) -> str:
    """A shape as a Python expression of the API."""
    if isinstance(shape, Combination):
        code = shape_code(shape.terms[0].shape)
        for term in shape.terms[1:]:
            code = f"({code} {term.op} {shape_code(term.shape)})"
        return code
    if isinstance(shape, PixelMask):
        return f"ltdesk.PixelMask.model_validate_json({shape.model_dump_json()!r})"
    values = ", ".join(f"{name}={value!r}" for name, value in shape if name != "kind")
    return f"ltdesk.{type(shape).__name__}({values})"


def _open_arguments(ref: DatasetRef) -> str:
    given = {name: value for name, value in ref if name not in ("uri", "correction") and value not in (None, 0)}
    correction = [] if ref.correction is None else [f"correction={_correction(ref.correction)}"]
    return ", ".join([repr(ref.uri), *(f"{name}={value!r}" for name, value in given.items()), *correction])


def _correction(correction: Correction) -> str:
    return f"ltdesk.Correction.model_validate_json({correction.model_dump_json(exclude_none=True)!r})"


def _analysis(spec: Analysis) -> str:
    if isinstance(spec, VirtualDetector):
        weight = "" if spec.weight == 1.0 else f", weight={spec.weight!r}"
        return f"ltdesk.VirtualDetector({shape_code(spec.shape)}, name={spec.name!r}{weight})"
    values = [f"name={spec.name!r}"]
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        if name not in ("kind", "name") and value != field.default:
            values.append(f"{name}={shape_code(value) if hasattr(value, 'mask') else repr(value)}")
    return f"ltdesk.{_class_name(spec)}({', '.join(values)})"


def _class_name(spec: Analysis) -> str:
    return CLASS_OF.get(spec.kind, re.sub(r"\W", "", type(spec).__name__))


def _region(job: Job) -> str:
    return "" if job.region is None else f", region={shape_code(job.region)}"


def _spectrum(image: str, spectrum: str) -> str:
    """As the window shows it: what is not valid counts as the image's mean."""
    window = ", window=True" if spectrum == "window" else ""
    return f"ltdesk.fft_magnitude(np.where(results.valid, {image}, np.nan){window})"


def _first_result(job: Job) -> str:
    return job.analyses[0].result_names()[0]
