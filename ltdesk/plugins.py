"""Plug-ins: analyses and formats that installed packages add by entry points.

``ltdesk.analyses`` names spec classes (kernels are found by ``ltdesk.engine``), ``ltdesk.formats`` names openers.
Entry points are loaded on first use only.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from ltdesk import analysis, noise, polar
from ltdesk.analysis import Analysis, kind_of
from ltdesk.errors import LtdeskError, UsageError, nearest_text

BUILT_IN: tuple[type[Analysis], ...] = (
    analysis.VirtualDetector,
    analysis.CenterOfMass,
    analysis.SumFrame,
    analysis.MeanFrame,
    analysis.MaxFrame,
    analysis.FftFrame,
    analysis.StdFrame,
    analysis.VarFrame,
    analysis.SumSignal,
    analysis.MeanSignal,
    analysis.StdSignal,
    analysis.MaxSignal,
    polar.RadialProfile,
    polar.AnnularSeries,
    polar.RadialFourier,
    noise.SignalToNoise,
)

OWN = {"binned_frames": "ltdesk.engine.preview.binned:BinnedFrames"}
"""What the window's jobs compute for itself, by kind: workers have to know it, users are not offered it."""


@cache
def analysis_specs() -> dict[str, type[Analysis]]:
    """Spec classes by kind: the built-in ones and those of plug-ins."""
    specs = {kind_of(spec): spec for spec in BUILT_IN}
    for point in entry_points(group="ltdesk.analyses"):
        loaded = load(point)
        specs.setdefault(kind_of(loaded), loaded)
    return specs


def analysis_spec(kind: str) -> type[Analysis]:
    """The spec class of `kind`. Raises UsageError with the known names."""
    specs = analysis_specs()
    if kind in OWN:
        module, _, name = OWN[kind].partition(":")
        own: type[Analysis] = getattr(import_module(module), name)
        return own
    if kind not in specs:
        known = sorted(specs.keys() - {kind_of(analysis.VirtualDetector)})  # which is asked for by its shape
        raise UsageError(f"analysis '{kind}' is not known", f"{nearest_text(kind, known)}There are {', '.join(known)}.")
    return specs[kind]


def load(point: EntryPoint) -> type[Analysis]:
    """Load a plug-in's entry point. Raises LtdeskError naming the plug-in if its code cannot be loaded."""
    try:
        return point.load()  # type: ignore[no-any-return]
    except Exception as error:
        name = point.dist.name if point.dist else point.value
        raise LtdeskError(f"plug-in {name}: cannot be loaded: {error}", "Update or uninstall it.") from error
