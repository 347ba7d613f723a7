"""What a run says of its jobs beside what they do."""

from __future__ import annotations

from operations.rights import subjects
from operations.rights.persons import Subject
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


def test_a_file_that_was_loaded_again_says_what_erased_persons_take_along(tmp_path):
    shop = Shop.ran(tmp_path)
    line = told_of_a_lost_file(shop)
    assert "eu.duckdb is gone" in line
    assert "all that it must hold was loaded again" in line
    assert "erased" not in line
    subjects.erase(shop.settings, Subject(anonymous_id="a-1"), "eu")
    assert "their orders keep their money, but what is credited for them moves to (unattributed)" in (
        told_of_a_lost_file(shop)
    )
