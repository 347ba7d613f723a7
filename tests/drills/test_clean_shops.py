"""No rule of finance cries wolf: thirty clean shops of different sizes, and not one finding."""

from __future__ import annotations

from datetime import date

import pytest

from operations import sample_shop
from operations.service_levels.probe import look
from settings import load_settings
from tests.drills.nursery import Nursery
from tests.drills.test_kills import IMPORTS, RUN
from tests.end_to_end.conftest import Shop

pytestmark = pytest.mark.slow
MONTHS_END = date(2026, 3, 3)  # so that days lie in two months


def test_thirty_clean_shops_have_nothing_that_finance_would_not_expect(tmp_path, monkeypatch):
    from quality.expectations.suites import examine

    monkeypatch.setenv("ROMI_NOW", "2026-03-04T12:00:00Z")
    monkeypatch.delenv("ROMI_KEY_FILE", raising=False)
    with Nursery(IMPORTS) as nursery:
        for seed in range(30):
            folder = tmp_path / str(seed)
            folder.mkdir()
            shop = Shop(folder)
            shop.configure(sample_shop.config_yaml())
            region = ("eu", "us", "jp")[seed % 3]
            sample_shop.write_landing(
                shop.landing, until=MONTHS_END, days=4 + seed % 5, events=300 + 150 * seed, regions=(region,),
                seed=seed, dirt=0.01 * (seed % 4),
            )  # fmt: skip
            config = folder / "romi.yaml"
            places = f"landing={str(shop.landing)!r}, warehouse=Path({str(shop.warehouse)!r})"
            code = f"config = Path({str(config)!r})\nsettings = load_settings(config, {places})\n{RUN}"
            assert nursery.run(code)[0] == 0, seed
            assert look(load_settings(config, warehouse=shop.warehouse)).ok
            done = examine(shop.warehouse / "published", None)
            assert [one for one in done.findings if one.places or one.error] == [], seed
            assert sum(one.rows > 0 for one in done.findings) > 35
