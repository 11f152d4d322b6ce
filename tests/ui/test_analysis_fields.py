"""What forms know of an analysis, from its spec alone: a plug-in's too; and sessions that hold analyses."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pytest
from pydantic import Field
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest

from ltdesk.analysis import Analysis, CenterOfMass, Name, ResultSpec
from ltdesk.geometry import AnyShape, Disk
from ltdesk.parameters import summary_of
from ltdesk.plugins import BUILT_IN
from ltdesk.polar import RadialFourier, RadialProfile
from ltdesk.session import Detector, Display, Follows, Session, session_from_json
from ltdesk.ui.analyses import edits
from ltdesk.ui.analyses.fields import fields_of
from ltdesk.ui.analyses.form import AnalysisForm
from ltdesk.ui.analyses.kinds import kind_of_spec, title_of
from ltdesk.ui.session_model import SessionModel


class BraggSpots(Analysis):
    """Finds spots. More about it.

    Attributes
    ----------
    spread : how wide a spot is in pixels
    angle : of the lattice, in degrees
    method : which way
    """

    kind: Literal["test_spots"] = "test_spots"
    name: Name = "spots"
    spread: Annotated[float, Field(gt=0, le=20)] = 2.5
    angle: float = 0.0
    voltage: Annotated[float, Field(json_schema_extra={"unit": "kV"})] = 300.0
    method: Literal["fast", "sure"] = "fast"
    count: Annotated[int, Field(ge=1)] | None = None
    where: AnyShape | None = None
    smooth: bool = True

    def results(self, frame_shape: tuple[int, int], dtype: object) -> tuple[ResultSpec, ...]:
        return (ResultSpec(name=self.name, kind="scan", dtype="float64"),)


def test_a_plug_ins_parameters_are_read_from_its_spec() -> None:
    fields = {field.name: field for field in fields_of(BraggSpots)}
    assert list(fields) == ["spread", "angle", "voltage", "method", "count", "where", "smooth"]
    spread = fields["spread"]
    assert (spread.kind, spread.least, spread.above, spread.most, spread.unit) == ("number", 0, True, 20, "px")
    assert spread.tip == "How wide a spot is in pixels"
    assert fields["angle"].unit == "°"
    assert fields["voltage"].unit == "kV"
    assert fields["method"].options == ("fast", "sure")
    assert (fields["count"].kind, fields["count"].optional, fields["count"].least) == ("integer", True, 1)
    assert (fields["where"].kind, fields["where"].optional) == ("shape", True)
    assert fields["smooth"].kind == "flag"
    assert title_of(BraggSpots) == "Bragg spots"
    assert summary_of(BraggSpots) == "Finds spots. More about it."
    assert kind_of_spec(BraggSpots) == "image"


def test_a_plug_in_has_a_form_that_edits_the_session(qtbot) -> None:
    disk = Detector(name="spot", colour="#E69F00", shape=Disk(cy=3, cx=4, r=2))
    model = SessionModel(edits.added(Session(detectors=(disk,), selected=disk.id), BraggSpots))
    form = AnalysisForm(model)
    qtbot.addWidget(form)
    assert form.names == ("spread", "angle", "voltage", "method", "count", "where", "smooth", "name")
    QTest.keyClick(form.widget("spread"), Qt.Key_Up)
    QTest.keyClick(form.widget("count"), Qt.Key_Up)
    form.widget("smooth").click()
    method = form.widget("method")
    method.setCurrentIndex(1)
    method.activated.emit(1)
    where = form.widget("where")
    where.setCurrentIndex(where.findText("spot"))
    where.activated.emit(where.currentIndex())
    now = model.session.analysis("spots")
    assert (now.spread, now.count, now.smooth, now.method, now.where) == (3.5, 1, False, "sure", disk.shape)
    QTest.keyClick(form.widget("count"), Qt.Key_Down)
    assert model.session.analysis("spots").count is None
    assert form.widget("count").text() == "automatic"
    for _ in range(5):
        model.undo_stack.undo()
    assert model.session.analysis("spots") in (BraggSpots(), BraggSpots(spread=3.5))


def test_a_number_below_the_least_is_the_word_for_automatic(qtbot) -> None:
    """``-0.1 px`` was shown, and automatic meant."""
    model = SessionModel(edits.added(Session(), RadialFourier))
    form = AnalysisForm(model)
    qtbot.addWidget(form)
    r_out = form.widget("r_out")
    for keys in ((Qt.Key_Down, Qt.ControlModifier), (Qt.Key_Down, Qt.NoModifier)):
        QTest.keyClick(r_out, Qt.Key_Up)
        assert r_out.text() == "0 px"
        QTest.keyClick(r_out, *keys)
        assert r_out.text() == "automatic"
        assert model.session.analyses[0].r_out is None
    r_out.selectAll()
    QTest.keyClicks(r_out, "-0.5")
    QTest.keyClick(r_out, Qt.Key_Return)
    assert r_out.text() == "automatic"
    assert model.session.analyses[0].r_out is None


@pytest.mark.parametrize("spec", BUILT_IN, ids=lambda spec: spec.__name__)
def test_every_parameter_is_explained(spec: type[Analysis]) -> None:
    assert summary_of(spec)
    left_out = {"shape", "weight"} if spec.__name__ == "VirtualDetector" else set()
    assert not [field.name for field in fields_of(spec) if not field.tip and field.name not in left_out]


def test_a_session_keeps_analyses_links_and_displays() -> None:
    disk = Detector(name="BF", colour="#E69F00", shape=Disk(cy=3, cx=4, r=2))
    session = Session(
        detectors=(disk,),
        analyses=(CenterOfMass(rotation=12), RadialProfile(nbins=7), RadialFourier(orders=(2, 4))),
        follows=(Follows(analysis="com", detector=disk.id),),
        shown="com_curl",
        frame_source="com",
        spectrum="window",
        frame_spectrum="plain",
        displays={"com_curl": Display(colour_map="bkr", levels=(-1, 1))},
        selected_analysis="fourier",
    )
    again = session_from_json(session.model_dump_json(), "x")
    assert again == session
    assert again.analysis("com").mask == disk.shape


def test_a_session_of_before_analyses_had_links_is_read() -> None:
    old = '{"version": 1, "shown": "com", "frame_source": "region", "analyses": [{"kind": "com", "name": "com"}]}'
    session = session_from_json(old, "old.ltdesk")
    assert session.analyses == (CenterOfMass(),)
    assert session.follows == ()
    assert session.frame_spectrum == ""


def test_the_distance_of_the_edge_is_that_of_all_pixels_on_it() -> None:
    rng = np.random.default_rng(4)
    for cy, cx, ratio, deg in rng.uniform((-5, -5, 0.5, 0), (25, 20, 2, 180), (50, 4)):
        spec = RadialProfile(cy=cy, cx=cx, ratio=ratio, deg=deg)
        distances = np.sqrt(spec.squared_distances((20, 17)))
        edge = np.ones((20, 17), bool)
        edge[1:-1, 1:-1] = False
        inside = 0 <= cy <= 19 and 0 <= cx <= 16
        assert spec.reach((20, 17)) == (distances[edge].min() if inside else distances.max())
