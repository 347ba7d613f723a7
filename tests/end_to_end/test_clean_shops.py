"""Nothing cries wolf: thirty clean shops, landed and run, on which every check is silent."""

from __future__ import annotations

from datetime import date

import pytest

from operations import sample_shop
from orchestration.definitions import defs
from settings import load_settings
from tests.orchestration.test_checks import evaluations


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
def test_every_check_is_silent_on_a_clean_shop(shop, seed):
    shop.configure(sample_shop.config_yaml())
    region = ("eu", "us", "jp")[seed % 3]
    sample_shop.write_landing(
        shop.landing, until=date(2026, 3, 19), days=45, events=4000, regions=(region,), seed=seed, dirt=0
    )
    assert shop.romi("run")[0] == 0
    settings = load_settings(shop.folder / "romi.yaml", warehouse=shop.warehouse, landing=str(shop.landing))
    found = evaluations(settings, defs().get_repository_def().asset_graph)
    assert len(found) > 60
    assert {key for key, passed in found.items() if not passed} == set()
