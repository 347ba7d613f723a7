"""What a run says of its jobs beside what they do."""

from __future__ import annotations

from operations.store.memory.published import at_start
from orchestration.jobs import Jobs
from orchestration.outcome import Outcome
from tests.ingestion import conftest
from tests.operations.store.memory.shop import Shop

clock = conftest.clock


def told_of_a_lost_file(shop: Shop) -> str:
    shop.file.unlink()
    jobs = Jobs(None, shop.settings, None, Outcome(), {}, True, at_start(shop.settings, ["eu"]), None)  # type: ignore[arg-type]
    shop.run()
    jobs.tell_if_loaded_again("eu")
    [line] = jobs.outcome.warnings
    return line


def test_a_file_that_was_loaded_again_is_told(tmp_path):
    line = told_of_a_lost_file(Shop.ran(tmp_path))
    assert "eu.duckdb is gone" in line
    assert "all that it must hold was loaded again" in line
