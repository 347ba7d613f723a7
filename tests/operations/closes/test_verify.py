"""Whatever is changed of a closed month, in its lock or in a version that shows it, is found and named."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from operations.backups.backup import back_up
from operations.backups.restore import restore
from operations.closes.close import close, reopen, signing_key
from operations.closes.locks import Lock, in_force
from operations.closes.verify import verify
from operations.doctor import examine
from operations.register import register_audit
from operations.store.memory.remembered import WAREHOUSE, warehouse_memory, write
from operations.store.rollback import rollback, unpin
from operations.store.versions import current_version, version_dir
from privacy import signing
from privacy.keys import Key
from settings import Settings, UnknownValueError
from tests.kit.prebuilt import copy_of
from tests.operations import marts
from tests.operations.closes import shop as closed_shop
from tests.operations.closes.shop import JANUARY, let_ledger_pass, rows_of, told
from tests.operations.marts import NOW, build, publish_now

settings, shop, plain_documents = marts.settings, closed_shop.shop, closed_shop.plain_documents


def _close_and_adjust(folder: Path) -> None:
    closed_shop.close_january(folder)
    build(marts.settings_of(folder), "eu", revenue=130)
    publish_now(marts.settings_of(folder))


@pytest.fixture
def closed(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """January is closed, and adjusted since."""
    monkeypatch.setenv("ROMI_NOW", NOW.isoformat())
    copy_of(_close_and_adjust, tmp_path)
    return settings


def found(settings: Settings, public: bytes | None = None) -> list[str]:
    """What differs, each with the end of its path."""
    [one] = verify(settings, "2026-01", public)
    root = f"{settings.warehouse}/"
    return [str(difference).replace(root, "") for difference in one.differences]


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.chmod(0o640)
    path.write_bytes(change(path.read_bytes()))


def lock_of(settings: Settings) -> Lock:
    [lock] = in_force(settings)
    return lock


def test_what_nobody_has_touched_is_equal(closed: Settings) -> None:
    assert found(closed) == []
    assert register_audit.audit(closed, lambda _: {}) == []
    assert [one.name for one in examine(closed) if one.name == "closes" and one.is_right] == ["closes"]


def test_a_tampered_file_of_the_lock_is_named(closed: Settings) -> None:
    for name in ("report.html", "workbook.xlsx", "configuration.json", "figures/finance/romi_monthly.parquet"):
        path = lock_of(closed).folder / name
        whole = path.read_bytes()
        rewrite(path, lambda content: content[:-1] + bytes([content[-1] ^ 1]))
        assert f"closes/2026-01/1/{name}: is not what was locked" in found(closed)
        [check] = [one for one in examine(closed) if one.name == "closes"]
        assert "closes/2026-01/1 is missing or not what was locked" in str(check.problem)
        assert "romi close verify" in str(check.mend)
        path.write_bytes(whole)
    assert found(closed) == []


def test_a_tampered_manifest_is_named(closed: Settings) -> None:
    rewrite(lock_of(closed).folder / "manifest.json", lambda text: text.replace(b'"ann"', b'"bob"'))
    differences = found(closed)
    assert "closes/2026-01/1/manifest.json: is another than the warehouse remembers" in differences
    assert any("manifest.json: the document was changed, or was not signed by key" in one for one in differences)


def test_a_manifest_that_another_key_signed_is_named(closed: Settings) -> None:
    path = lock_of(closed).folder / "manifest.json"
    manifest = signing.verified(path.read_text(), signing.public_key(signing_key(closed)))
    other = Key("x", "certificate", os.urandom(32))
    rewrite(path, lambda _: signing.signed(other, {**manifest, "closed_by": "bob"}).encode())
    write(closed, WAREHOUSE, warehouse_memory(closed).model_copy(update={"closes": {}}))
    assert any("was not signed by key" in one for one in found(closed))
    assert not any("was not signed by key" in one for one in found(closed, signing.public_key(other)))


def test_a_file_that_is_missing_or_was_added_is_named(closed: Settings) -> None:
    folder = lock_of(closed).folder
    (folder / "report.html").unlink()
    (folder / "note.txt").write_text("x")
    assert {"closes/2026-01/1/report.html: is missing", "closes/2026-01/1/note.txt: was not locked"} <= set(
        found(closed)
    )


def test_a_tampered_version_is_named_with_its_table(closed: Settings) -> None:
    version = current_version(closed)
    folder = version_dir(closed, version or 0)
    path = folder / "marts.duckdb"
    path.chmod(0o640)
    with duckdb.connect(str(path)) as con:
        con.execute("update finance.orders_daily set revenue = revenue + 1 where date = '2026-01-30' and region = 'eu'")
    parquet = folder / "parquet/finance/spend_daily.parquet"
    parquet.chmod(0o640)
    duckdb.sql(f"copy (select * replace (spend + 1 as spend) from '{parquet}') to '{parquet}' (format parquet)")
    differences = found(closed)
    assert f"version {version}: finance.orders_daily has 2 rows that are not those locked" in differences
    assert f"version {version}: finance.spend_daily (Parquet) has 8 rows that are not those locked" in differences
    assert f"versions/{version:06d}/marts.duckdb: is not what was published" in differences


def test_a_month_that_was_opened_again_is_verified_with_its_reason_and_month_after_month_by_itself(
    closed: Settings,
) -> None:
    reopen(closed, JANUARY, "why", "ann")
    close(closed, JANUARY, "ann")
    first, second = verify(closed, None, None)
    assert (first.is_equal, second.is_equal, first.notes) == (True, True, ["2026-01 was opened again after close 1"])
    rewrite(first.lock.folder / "reopened.json", lambda text: text.replace(b"why", b"who"))
    first, _ = verify(closed, "2026-01", None)
    assert [one.place.rpartition("/")[2] for one in first.differences] == ["reopened.json"]
    with pytest.raises(UnknownValueError, match="known: 2026-01"):
        verify(closed, "2026-02", None)


def test_a_restore_of_a_backup_from_before_keeps_the_close(
    shop: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROMI_NOW", NOW.isoformat())
    let_ledger_pass(shop, "2026-02-02")
    publish_now(shop)
    before = back_up(shop, tmp_path / "backups").folder
    close(shop, JANUARY, "ann")
    rows, lock = rows_of(shop, JANUARY), lock_of(shop)
    restore(shop, before, force=True)
    assert lock_of(shop).sha256 == lock.sha256
    rollback(shop, 1)  # the version that is remembered is not in the backup, and that is what the error names
    unpin(shop)
    build(shop, "eu", revenue=130)
    publish_now(shop)
    assert rows_of(shop, JANUARY) == rows
    assert told(shop, JANUARY) == (200, 60)
    after = back_up(shop, tmp_path / "backups").folder
    assert json.loads((after / "warehouse/closes/2026-01/1/manifest.json").read_text())["month"] == "2026-01"
