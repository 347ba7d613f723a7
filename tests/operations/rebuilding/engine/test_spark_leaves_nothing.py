"""A canary in every field of what lands, sought in all that Spark writes: while a build lasts, and after it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from operations.rebuilding.engine import engine_of, on_spark
from privacy.keys import region_key
from privacy.pseudonyms import pseudonym
from settings import Region, Settings
from tests.end_to_end import canary
from tests.ingestion.conftest import Zone
from tests.ingestion.strategies import order, page
from tests.ingestion.test_nothing_personal_is_written import PLAIN, Names, found, record, spoilt
from tests.operations.rebuilding.engine.both_engines import PLAINLY

pytest.importorskip("pyspark")
pytest.importorskip("dbt.adapters.spark")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("java"), reason="Spark takes Java")]

_ROOT = Path(__file__).parents[4]
_PROGRAM = f"import sys; from {__name__} import build_and_keep as build; build(*sys.argv[1:])"


def build_and_keep(told: str, kept: str) -> None:
    """Build with Spark in a process of its own, and keep what its folder holds when all tables are built."""
    settings, hand_over = Settings.model_validate_json(told), on_spark._hand_over

    def keep_and_hand_over(*arguments: object) -> None:
        with suppress(shutil.Error):  # Spark removes some of its files meanwhile
            shutil.copytree(settings.staging_dir, kept)
        hand_over(*arguments)

    on_spark._hand_over = keep_and_hand_over
    engine_of(settings).build(settings, "eu", date(2026, 3, 8), date(2026, 3, 11))
    from pyspark import SparkContext

    java = SparkContext._gateway.proc
    java.stdin.close()  # which ends it, and with it what it removes when it ends
    java.wait()


def test_no_canary_stands_in_anything_that_spark_writes(tmp_path):
    kept, places = tmp_path / "kept", [tmp_path / name for name in ("temp", "home", "here")]
    for place in places:
        place.mkdir()
    options = f"{PLAINLY['spark.driver.extraJavaOptions']} -Djava.io.tmpdir={places[0]} -Duser.home={places[1]}"
    told = PLAINLY | {"spark.driver.extraJavaOptions": options}
    spark = {"memory": "1g", "shuffle_partitions": 2, "settings": told}
    regions, name = {"eu": Region(consent_default="granted")}, Names()
    zone = Zone(tmp_path, regions=regions, privacy=PLAIN, engine="spark", spark=spark)
    events = ("Order Completed", "Order Refunded", "Order Cancelled")
    records = [record(name, "page", page()), *(record(name, event, order(event)) for event in events)]
    zone.archive(*records, *spoilt(name))
    zone.put("eu/spend/google_ads/a.csv", "date,campaign_id,campaign_name,spend,currency,owner\n"
             f"2026-03-10,c,{name('spend')}@example.com,5,EUR,{name('owner')}\n")  # fmt: skip
    zone.load()
    surroundings = {"TMPDIR": str(places[0]), "HOME": str(places[1]), "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, zone.settings.model_dump_json(), str(kept)],
        env=os.environ | surroundings, cwd=places[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert set(found(zone.landing, name)) == set(name.given), "the control"
    assert len(name.given) > 150
    for place in (kept, zone.warehouse):
        assert found(place, name) == {}
    written = [path for place in places for path in place.rglob("*") if path.is_file()]
    assert not [path for path in written if any(one.encode() in path.read_bytes() for one in name.given.values())]
    assert not [path for path in written if path.suffix == ".parquet"]
    assert not [one for one in name.given.values() if one in done.stdout + done.stderr]
    assert not (zone.settings.staging_dir / "eu" / "spark").exists()
    # Persons stand in the copies by pseudonyms, which the search finds, and in nothing that Spark shuffles or spills.
    key = region_key(zone.warehouse, "eu", "pseudonym", make=False)
    persons = canary.Search(str(UUID(pseudonym(key, "anonymous", one["anonymousId"]))) for one in records)
    assert canary.in_files(persons, kept / "eu" / "spark" / "in")
    shuffled = kept / "eu" / "spark" / "local"
    assert list(shuffled.rglob("shuffle_*.data"))
    assert canary.in_files(persons, shuffled, *places) == {}
