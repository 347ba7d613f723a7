"""A landing zone in a bucket is read as one in a folder is; what the store does wrong is no archive's fault."""

import gzip
from datetime import date

import pyarrow as pa
import pyarrow.fs as pafs
import pytest
from pyarrow import parquet as pq

from ingestion.books import region_file
from ingestion.landing import discover, regions
from ingestion.lines import raw_lines
from ingestion.load import load_region
from ingestion.load_tables import source_name
from ingestion.sources.fx import read_rates
from ingestion.sources.tabular.table import read_table
from ingestion.strays import strays, strays_at_top
from ingestion.zone import ObjectFile
from operations import sample_shop
from settings import Settings, Source, TransientError, UsageError
from tests.kit.object_store import object_store, options


@pytest.fixture(scope="module")
def server():
    with object_store() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROMI_NOW", "2026-03-20T12:00:00Z")
        yield options(address)


@pytest.fixture(scope="module")
def shop(server, tmp_path_factory):
    """The same in a folder and in a bucket: archives of every compression, tables, and names that are not there."""
    folder = tmp_path_factory.mktemp("shop") / "landing"
    sample_shop.write_landing(folder, until=date(2026, 3, 19), days=2, events=400, regions=("eu",), dirt=0.05)
    packed = sorted(folder.glob("eu/events/**/*.json.gz"))
    lines = gzip.decompress(packed[0].read_bytes())
    packed[0].with_suffix("").write_bytes(lines)
    packed[0].unlink()
    rows = gzip.decompress(packed[1].read_bytes()).decode().splitlines()
    pq.write_table(pa.table({"value": rows}), packed[1].with_name(packed[1].name.replace(".json.gz", ".parquet")))
    packed[1].unlink()
    with pa.OSFile(str(packed[2].with_suffix(".zst")), "wb") as raw, pa.CompressedOutputStream(raw, "zstd") as file:
        file.write(gzip.decompress(packed[2].read_bytes()))
    packed[2].unlink()
    (folder / "eu" / "events" / "half.json.tmp").write_text("{}")
    (folder / "eu" / "events" / "notes ü.txt").write_text("of no kind")
    (folder / "orders.csv").write_text("beside the regions")
    store, _ = pafs.FileSystem.from_uri(f"s3://shop?{server}&allow_bucket_creation=true")
    store.create_dir("shop")
    pafs.copy_files(str(folder), "shop/a/landing", destination_filesystem=store)
    return folder, f"s3://shop/a/landing?{server}", store


def settings(tmp_path, landing):
    return Settings(landing=str(landing), warehouse=tmp_path, regions={"eu": {"consent_default": "granted"}})


def loaded(tmp_path, landing):
    """Rows and books, less the moments that differ by nature; under one key, so that pseudonyms are alike."""
    here = settings(tmp_path, landing)
    load_region(here, "eu")
    with region_file(here, "eu", read_only=True) as con:
        return {
            table: sorted(map(repr, con.execute(f"select {columns} from {table}").fetchall()))
            for table, columns in {
                "ops.archives": "archive_id, name, size_bytes, sha256, topic, start_offset, records, state",
                "ops.fates": "*", "raw.events": "*", "raw.ledger_orders": "*", "raw.spend": "*", "raw.fx_rates": "*",
                "ops.dead_letters": "reason",
            }.items()
        }  # fmt: skip


def test_a_bucket_is_loaded_as_a_folder_is(shop, tmp_path, monkeypatch):
    folder, bucket, store = shop
    monkeypatch.setenv("ROMI_KEY_FILE", str(tmp_path / "keys"))
    for landing in (folder, bucket):
        assert regions(settings(tmp_path, landing)) == ["eu"]
        assert strays(settings(tmp_path, landing), "eu") == ["events/notes ü.txt"]
        assert strays_at_top(settings(tmp_path, landing)) == ["orders.csv"]
    found = loaded(tmp_path / "a", bucket)
    assert found == loaded(tmp_path / "b", folder)
    assert len(found["raw.events"]) > 200

    again = settings(tmp_path / "a", bucket)
    assert load_region(again, "eu").archives == 0
    with store.open_output_stream("shop/a/landing/eu/spend/google_ads/later.csv") as file:
        file.write(b"date,campaign_id,spend,currency\n2026-03-18,c,1.00,EUR\n")
    assert load_region(again, "eu").archives == 1


class Broken:
    """A store that ends in the midst of an object."""

    def __init__(self, store, after):
        self._store, self._left = store, after

    def open_input_file(self, key):
        self._file = self._store.open_input_file(key)
        return self

    def readinto(self, buffer):
        if self._left <= 0:
            raise OSError("When reading information: AWS Error NETWORK_CONNECTION")
        self._left -= 1
        return self._file.readinto(buffer)

    def __getattr__(self, name):
        return getattr(self._file, name)


def test_a_store_that_breaks_off_is_no_corrupt_archive(shop, tmp_path):
    _, bucket, store = shop
    suffixes = set()
    for landed in discover(settings(tmp_path, bucket), "eu"):
        broken = ObjectFile(Broken(store, 0), landed.path.key, landed.path.size, landed.path.mtime_ns)
        with pytest.raises(TransientError, match=r"s3://shop/a/landing/.* cannot be read: .*NETWORK_CONNECTION"):
            read_whole(broken, landed)
        suffixes.add(landed.path.suffix)
    assert suffixes == {".json", ".gz", ".zst", ".parquet", ".csv"}


def read_whole(file, landed):
    if landed.kind == "events":
        return list(raw_lines(file))
    return read_rates(file) if landed.kind == "fx" else read_table(file, landed.kind, source_name(landed), Source())


def test_an_object_that_goes_away_holds_back_its_region_only_until_the_next_run(shop, tmp_path, monkeypatch):
    _, bucket, store = shop
    here = settings(tmp_path, bucket)
    gone = next(one.path for one in discover(here, "eu") if one.kind == "events")
    content = store.open_input_file(str(gone.key)).read()
    listed = discover(here, "eu")
    monkeypatch.setattr("ingestion.load.landed_copies", lambda *_: listed)
    store.delete_file(str(gone.key))
    with pytest.raises(TransientError, match="cannot be read"):
        load_region(here, "eu")
    with store.open_output_stream(str(gone.key)) as file:
        file.write(content)
    assert load_region(here, "eu").corrupt == []


def test_a_kept_listing_that_names_what_is_gone_is_made_anew(shop, tmp_path):
    _, bucket, store = shop
    here = settings(tmp_path, bucket)
    place = "shop/a/landing/eu/events/topics/late/partition=0/late+0+0000000000.json"
    with store.open_output_stream(place) as file:
        file.write(b"{}")

    def names(**how):
        return [one.path.key.name for one in discover(here, "eu", **how)]

    kept = next(one.path for one in discover(here, "eu") if one.topic == "late")
    store.delete_file(place)
    assert kept.name not in names(afresh=True)
    with pytest.raises(TransientError, match="cannot be read"):
        kept.open("rb")
    assert kept.listed_in is not None
    assert not kept.listed_in.exists()
    assert kept.name not in names()


def test_what_is_no_landing_zone_is_said_in_a_line(shop, server, tmp_path):
    for address, said in (
        (f"s3://shop/none?{server}", "nothing is there"), (f"s3://nobody/none?{server}", "nothing is there"),
        ("s3://shop?region=x&unknown=1", "Unexpected query parameter"),
        (f"s3://shop/a?{server}", "unknown region in the landing zone"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=said):
            regions(Settings(landing=address, regions={"eu": {}}))
