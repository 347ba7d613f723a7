"""`romi move` where there is nothing to build anew."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from ingestion.books import put_meta, region_file
from orchestration.cli.main import main
from tests.operations import marts
from tests.operations.closes import shop as closed_shop

settings, shown = marts.settings, closed_shop.shown


@pytest.mark.slow
def test_where_retention_has_closed_every_day_the_copies_are_compared_as_they_are_and_the_engine_is_switched(
    shown, tmp_path
):
    for region in ("eu", "us"):
        with region_file(shown, region) as con:
            put_meta(con, "closed_through", "2026-02-01")
    config = tmp_path / "romi.yaml"
    config.write_text("regions: {eu: {}, us: {}}\nengine: spark\n")
    told = CliRunner().invoke(
        main, ["move", "--to", "duckdb", "--config", str(config), "--warehouse", str(shown.warehouse)],
        catch_exceptions=False,
    )  # fmt: skip
    assert (told.exit_code, told.output.startswith("duckdb builds the models from now on: ")) == (0, True), told.output
    assert " 0 rows" not in told.output
    assert "engine: duckdb" in config.read_text()
