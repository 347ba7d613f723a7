"""An outage of one region, a flood after it and kills on the way end at the rows of the shop that had none."""

from __future__ import annotations

import pytest

from tests.drills.outage.drill import Drill
from tests.drills.outage.picture import curve, draw, page


@pytest.mark.slow
def test_a_shop_recovers_from_an_outage_as_if_there_had_been_none(tmp_path, monkeypatch):
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    drill = Drill(tmp_path, print)
    drill.play()
    assert drill.judge() == []

    points = [one for one in curve(drill) if one["region"] == "eu"]
    assert max(one["records"] for one in points) > 100
    assert max(one["hours"] for one in points) > 0  # how long depends on how far the killed recoveries came
    assert points[-1]["records"] == 0
    draw(curve(drill), tmp_path / "drill.svg")
    assert "events that wait" in (tmp_path / "drill.svg").read_text()
    assert page(drill, [], "drill.svg").count("\n## Incident ") == 2
