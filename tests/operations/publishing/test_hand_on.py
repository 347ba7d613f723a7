"""What people read besides the files follows a command that changes which version is published."""

from __future__ import annotations

import pytest

from operations.publishing import hand_on as handing_on
from operations.publishing.hand_on import hand_on
from operations.reports.report import is_of, report_file
from settings import Settings
from tests.operations import marts
from tests.operations.closes import shop as of_closes
from tests.operations.marts import build, publish_now

settings, shop = marts.settings, of_closes.shop


def test_the_report_follows_and_a_database_that_cannot_be_reached_is_named(
    shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROMI_POSTGRES", f"host={shop.warehouse} dbname=finance connect_timeout=1")
    reached = shop.model_copy(update={"publish": shop.publish.model_validate({"postgres": {}})})
    for version, revenue in ((1, 100), (2, 150)):
        build(shop, "eu", revenue=revenue)
        assert publish_now(shop).version == version
        [problem] = hand_on(reached)
        assert "PostgreSQL (ROMI_POSTGRES) cannot be reached" in problem
        assert "an earlier version is shown there" in problem
        assert is_of(report_file(shop), version)


def test_where_only_files_are_published_nothing_is_said(shop: Settings) -> None:
    publish_now(shop)
    assert hand_on(shop) == []


def test_a_place_that_fails_keeps_the_others_from_nothing(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROMI_POSTGRES", f"host={shop.warehouse}")
    asked = []
    monkeypatch.setattr(handing_on, "upload", asked.append)
    publish_now(shop)
    reached = shop.model_copy(update={"publish": shop.publish.model_validate({"postgres": {}})})
    assert len(hand_on(reached)) == 1
    assert asked == [reached]
