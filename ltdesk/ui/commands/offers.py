"""What can be exported: the image and the frame that are seen, and every other result, each under its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ltdesk.analysis import CenterOfMass, MeanFrame, ResultSpec, SumFrame, spectrum_spec
from ltdesk.engine.dataset import Dataset
from ltdesk.geometry import Rectangle, Size2D
from ltdesk.session import Session
from ltdesk.ui.analyses.results import arrays_of, com_map, frame_transform
from ltdesk.ui.live.answers import Answer
from ltdesk.ui.live.wishes import MEAN_FRAME, Wish, Wishes, frame_analysis, image_wishes, shown_analysis, shown_wishes

Known = Callable[[Wish], Answer | None]
CURSOR = "cursor"
"""Who wants the frame at the cursor: it is read, not computed."""


@dataclass(frozen=True)
class Offer:
    """An array that can be exported.

    Attributes
    ----------
    spec : its name, and what it is
    wish : what computes it
    result : the name of the result that it is, or is made of, among those of `wish`
    bin : of a result with several values at each position, which one it is; None: all
    spectrum : as in the session: the absolute Fourier transform of that
    """

    spec: ResultSpec
    wish: Wish
    result: str
    bin: int | None = None
    spectrum: str = ""

    def array(self, answer: Answer) -> NDArray[Any]:
        """The values, from what is known of the wish."""
        values = arrays_of(answer, self.wish.analysis)[self.result]
        if self.bin is not None:
            values = values.reshape(*values.shape[:2], -1)[..., self.bin]
        if not self.spectrum:
            return values
        from ltdesk.engine.spectrum import fft_magnitude

        known = np.where(answer.valid, values, np.nan) if self.spec.axes[0].of == "scan" else values
        return fft_magnitude(known, self.spectrum == "window")


def as_seen(session: Session) -> str:
    """What is shown where it has no numbers of its own: a composite, vectors. Empty: it has, or nothing is shown.

    As a picture it is written as it is seen, as numbers what it is made of.
    """
    if session.spectrum:
        return ""
    return session.shown if session.shown == "composite" or _com_map_shown(session) == "" else ""


def scripted(session: Session) -> Wishes:
    """What a script computes that gives the image shown: no other map of a centre of mass."""
    session = _without_spectrum(session)
    which = _com_map_shown(session)
    maps = (which,) if which else ("y", "x")
    return tuple(
        replace(wish, analysis=wish.analysis.model_copy(update={"maps": maps}))
        if isinstance(wish.analysis, CenterOfMass)
        else wish
        for wish in shown_wishes(session)
    )


def parts(session: Session, dataset: Dataset) -> tuple[str, ...]:
    """The results that `as_seen` is made of."""
    return tuple(spec.name for wish in scripted(session) for spec in _specs(wish, dataset)) if as_seen(session) else ()


def offered(session: Session, dataset: Dataset, known: Known) -> tuple[Offer, ...]:
    """All that can be exported: the image shown, every other image, frame and profile, the mean frame once it is
    known, and the frame shown, also as its spectrum where that is seen."""
    image, base = shown_image(session, dataset), _without_spectrum(session)
    wishes = {(wish.key, wish.analysis): _with_shown(wish, base) for wish in image_wishes(session)}
    mean, frame = Wish("mean", MEAN_FRAME), _shown_frame(session)
    frames = [wish for wish in (mean, frame) if wish is not None and (wish.owner == CURSOR or known(wish) is not None)]
    all_of_them = [Offer(spec, w, spec.name) for w in (*wishes.values(), *frames) for spec in _specs(w, dataset)]
    transform = frame_transform(session)
    if transform:
        shown = [offer for offer in all_of_them if offer.spec.name == _frame_name(session)]
        all_of_them += [_spectrum(offer, transform, dataset.frame_shape) for offer in shown]
    if image is None or image.result == image.spec.name:
        return tuple(all_of_them)
    return (image, *(offer for offer in all_of_them if offer.spec.name != image.spec.name))


def shown_image(session: Session, dataset: Dataset) -> Offer | None:
    """The image on the right, where it has numbers of its own: a result, a slice of one, a spectrum."""
    base = _without_spectrum(session)
    wishes = shown_wishes(base)
    if as_seen(base) or not wishes:
        return None
    wish = _with_shown(wishes[0], base)
    specs = _specs(wish, dataset)
    spec = next((spec for spec in specs if spec.name == base.shown), specs[0])
    image = _slice(spec, wish, base.shown_slice) if spec.extra else Offer(spec, wish, spec.name)
    return image if not session.spectrum else _spectrum(image, session.spectrum, dataset.scan_shape)


def shown_frame_name(session: Session) -> str:
    """What the picture on the left is called among what is offered."""
    name, transform = _frame_name(session), frame_transform(session)
    return _spectrum_name(name, transform) if transform else name


def _frame_name(session: Session) -> str:
    """What the frame on the left is called, or that whose spectrum is there."""
    analysis, wish = frame_analysis(session), _shown_frame(session)
    return analysis.name if analysis is not None else MEAN_FRAME.name if wish is None else wish.analysis.name


def read_frame(wish: Wish, dataset: Dataset) -> Answer:
    """The answer to the wish for the frame at the cursor. Not for the GUI thread. Raises LtdeskError."""
    (spec,) = _specs(wish, dataset)
    assert isinstance(wish.region, Rectangle)
    frame = dataset.frame(int(wish.region.y0), int(wish.region.x0)).astype(spec.dtype)
    valid = wish.region.mask(dataset.scan_shape)
    return Answer(wish, 0, "exact", (frame,), (spec,), valid, None, {}, 0.0, {})


def _specs(wish: Wish, dataset: Dataset) -> tuple[ResultSpec, ...]:
    return wish.analysis.results(dataset.frame_shape, dataset.dtype)


def _com_map_shown(session: Session) -> str | None:
    """Which map of a centre of mass is shown, empty for vectors; None where none is."""
    analysis = shown_analysis(session)
    return com_map(analysis, session.shown) if isinstance(analysis, CenterOfMass) else None


def _without_spectrum(session: Session) -> Session:
    """Showing the image itself whose spectrum is shown: of vectors that is their length."""
    if not session.spectrum:
        return session
    shown = f"{session.shown}_magnitude" if _com_map_shown(session) == "" else session.shown
    return session.but(spectrum="", shown=shown)


def _with_shown(wish: Wish, session: Session) -> Wish:
    """A centre of mass with the maps that are shown among its results."""
    analysis, which = wish.analysis, _com_map_shown(session)
    if not isinstance(analysis, CenterOfMass) or analysis != shown_analysis(session):
        return wish
    shown = (which,) if which else ("y", "x")
    more = tuple(name for name in shown if name not in analysis.maps)
    return replace(wish, analysis=analysis.model_copy(update={"maps": (*analysis.maps, *more)})) if more else wish


def _shown_frame(session: Session) -> Wish | None:
    """The frame on the left, where it is neither the mean of all nor that of an analysis."""
    if session.frame_source == "cursor":
        y, x = session.cursor
        return Wish(CURSOR, SumFrame(name=f"frame_{y}_{x}"), Rectangle(y0=y, x0=x, y1=y + 1, x1=x + 1))
    if session.frame_source == "region" and session.region is not None:
        return Wish("region", MeanFrame(name="region_mean_frame"), session.region)
    return None


def _slice(spec: ResultSpec, wish: Wish, index: int) -> Offer:
    """One bin of a result that has several at each position."""
    bin = min(index, int(np.prod(spec.extra)) - 1)
    return Offer(spec.model_copy(update={"name": f"{spec.name}_{bin}", "extra": (), "axes": ()}), wish, spec.name, bin)


def _spectrum(of: Offer, spectrum: str, shape: Size2D) -> Offer:
    """The absolute Fourier transform of an image or a frame ``shape``; positions that are not valid count as mean."""
    return replace(of, spec=spectrum_spec(_spectrum_name(of.spec.name, spectrum), of.spec, shape), spectrum=spectrum)


def _spectrum_name(name: str, spectrum: str) -> str:
    return f"{name}_spectrum{'_hann' if spectrum == 'window' else ''}"
