"""A backup in an object store comes back from there, whole or not at all, and goes when its period is over."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from ingestion import object_store
from ingestion.object_store import Prefix, errors_told, without_options
from operations import doctor
from operations.backups import backup_book, bucket_copies, verified_backup
from operations.backups import restore as restore_module
from operations.backups.at_hand import looked_over
from operations.backups.backup_book import last_verified
from operations.backups.backup_manifest import MANIFEST
from operations.backups.backup_places import BACKUPS, known_backups, known_in_buckets
from operations.backups.restore import restore
from operations.backups.verified_backup import back_up_and_try
from operations.retention import retention
from operations.rights.certificate import _backups
from settings import Backup, PermanentError, Settings, TransientError, UsageError
from tests.operations import marts
from tests.operations.publishing import test_bucket

settings, shown_eu = marts.settings, marts.shown_eu
server, store = test_bucket.server, test_bucket.store


@pytest.fixture
def shop(shown_eu, server, store) -> Settings:
    to = f"s3://finance/romi?endpoint_override={server}&scheme=http&region=us-east-1"
    return shown_eu.model_copy(update={"backup": Backup(every_hours=6, to=to)})


def keys(store) -> list[str]:
    return [one["Key"] for one in store.list_objects_v2(Bucket="finance").get("Contents", ())]


def files(warehouse) -> dict[str, bytes]:
    return {
        str(path.relative_to(warehouse)): path.read_bytes()
        for path in sorted(warehouse.rglob("*"))
        if path.is_file() and path.suffix in (".duckdb", ".jsonl")
    }


def modes(warehouse) -> dict[str, int]:
    return {
        str(path.relative_to(warehouse)): path.stat().st_mode & 0o777
        for path in [*warehouse.rglob("*.duckdb"), *warehouse.glob("versions/*/"), warehouse / "regions"]
    }


def test_what_is_fetched_is_its_owners_alone_while_it_comes_in(shop, tmp_path, monkeypatch):
    address = back_up_and_try(shop, trial=False).folder
    seen, real = set(), Prefix.get_file

    def look(self, place, to):
        real(self, place, to)
        seen.add(to.stat().st_mode & 0o777)

    monkeypatch.setattr(Prefix, "get_file", look)
    bucket_copies.fetch(address, tmp_path / "fetched")
    assert seen == {0o600}


def test_a_backup_goes_to_the_bucket_is_tried_from_there_and_leaves_nothing_beside_the_warehouse(shop, store):
    done = back_up_and_try(shop)
    assert done.folder.startswith("s3://finance/romi/20260601T120000Z-")
    assert done.recovery_seconds > 0
    assert last_verified(shop) == done
    assert list(known_in_buckets(shop)) == [done.folder]
    assert not any(one.is_dir() for one in known_backups(shop))
    assert list(shop.warehouse.with_name("warehouse.backups").iterdir()) == []
    assert keys(store)[0].endswith(f"/{MANIFEST}")
    assert _backups(shop) == {"at_hand": 1, "gone_by": "2026-07-06"}


def test_a_lost_warehouse_comes_back_from_the_bucket_and_knows_where_its_backup_is(shop):
    address = back_up_and_try(shop).folder
    before, readable = files(shop.warehouse), modes(shop.warehouse)
    shutil.rmtree(shop.warehouse)
    back = restore(shop, address)
    assert back.folder == address
    assert modes(shop.warehouse) == readable  # published tables by who may, persons' data by its owner alone
    after = files(shop.warehouse)
    assert {name: after.get(name) for name in before if name != backup_book.BOOK} == {
        name: data for name, data in before.items() if name != backup_book.BOOK
    }
    assert list(known_in_buckets(shop)) == [address]
    assert [one.name for one in shop.warehouse.parent.glob(".warehouse*")] == []  # what was fetched is gone


def test_what_was_changed_in_the_bucket_is_no_backup(shop, store):
    address = back_up_and_try(shop).folder
    name = next(one for one in keys(store) if one.endswith("eu.duckdb"))
    body = bytearray(store.get_object(Bucket="finance", Key=name)["Body"].read())
    body[len(body) // 2] ^= 1
    store.put_object(Bucket="finance", Key=name, Body=bytes(body))
    with pytest.raises(PermanentError, match="is not what was backed up"):
        restore(shop, address, force=True)
    store.delete_object(Bucket="finance", Key=name)
    with pytest.raises(PermanentError, match=r"refuses: (404|NoSuchKey); nothing was restored"):
        restore(shop, address, force=True)


def test_an_upload_that_ends_half_way_is_no_backup_and_retention_takes_it_away(shop, store, monkeypatch):
    real, count = Prefix.put_file, 0

    def lose_the_connection(self, place, path, **condition):
        nonlocal count
        count += 1
        if count > 3:
            raise ConnectionResetError(104, "reset by peer")
        return real(self, place, path, **condition)

    with monkeypatch.context() as patch:
        patch.setattr(Prefix, "put_file", lose_the_connection)
        with pytest.raises(PermanentError, match=r"was not uploaded: .* the backup is still in /.*/20260601T120000Z"):
            back_up_and_try(shop)
    [address] = known_in_buckets(shop)
    [folder] = known_backups(shop)
    assert folder.is_dir()
    assert last_verified(shop) is None
    assert len(keys(store)) == 3
    with pytest.raises(UsageError, match=r"is no backup \(no backup.json\)"):
        restore(shop, address, force=True)
    assert restore(shop, folder, force=True).folder == folder
    monkeypatch.setenv("ROMI_NOW", "2026-07-08T12:00:00Z")
    done = retention.apply(shop, lambda _: {})
    assert [(one.what, one.count) for one in done.disposed if one.what == "backups"] == [("backups", 2)]
    assert keys(store) == []
    assert known_in_buckets(shop) == {}


def test_what_is_too_large_for_one_request_goes_in_parts_and_comes_back(shop, monkeypatch):
    monkeypatch.setattr(object_store, "_LARGEST_PUT", 4096)
    address = back_up_and_try(shop).folder
    before = (shop.regions_dir / "eu.duckdb").read_bytes()
    shutil.rmtree(shop.warehouse)
    restore(shop, address)
    assert (shop.regions_dir / "eu.duckdb").read_bytes() == before


def test_a_full_disk_of_this_machine_is_not_told_as_a_store_that_cannot_be_reached():
    with pytest.raises(OSError, match="No space left"), errors_told("s3://finance", "nothing was restored"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_book_of_backups_that_is_cut_off_is_named_with_what_to_do(shop):
    back_up_and_try(shop)
    (shop.warehouse / BACKUPS).write_text('{"s3://finance')
    with pytest.raises(PermanentError, match=r"backups.json, the book of backups, is cut off .* or remove it"):
        back_up_and_try(shop)


def test_retention_says_of_a_bucket_that_it_cannot_reach_that_the_backup_is_still_there(shop, monkeypatch):
    address = back_up_and_try(shop, trial=False).folder
    monkeypatch.setenv("ROMI_NOW", "2026-07-08T12:00:00Z")

    def fail(*_):
        raise OSError("no route to host")

    with monkeypatch.context() as patch:
        patch.setattr(Prefix, "remove", fail)
        done = retention.apply(shop, lambda _: {})
    assert "cannot be reached" in done.failures["backups"]
    assert done.exit_code == 1
    assert list(known_in_buckets(shop)) == [address]
    assert retention.find_overdue(shop, lambda _: {})["backups"] == 1
    assert retention.apply(shop, lambda _: {}).failures == {}
    assert known_in_buckets(shop) == {}


def test_a_trial_that_fails_is_told_of_the_copy_in_the_bucket(shop, monkeypatch):
    def fail(*_, **__):
        raise TransientError("not now")

    monkeypatch.setattr(verified_backup, "restore", fail)
    with pytest.raises(PermanentError, match=r"the backup s3://finance/romi/.* cannot be restored: not now"):
        back_up_and_try(shop)


def test_a_backup_into_the_bucket_takes_room_for_one_copy_at_a_time(shop, monkeypatch):
    copies, verify = [], restore_module.verify

    def count(settings, folder, manifest):
        verify(settings, folder, manifest)
        copies.append(sum(1 for _ in shop.warehouse.parent.rglob("eu.duckdb")) - 1)

    monkeypatch.setattr(restore_module, "verify", count)
    back_up_and_try(shop)
    assert copies == [1, 1]  # as it was fetched, and as it is restored


def cut(store, name):
    store.put_object(Bucket="finance", Key=name, Body=b"half")


HARMS = [
    (lambda store, names: [store.delete_object(Bucket="finance", Key=one) for one in names], "is gone from"),
    (lambda store, names: store.delete_object(Bucket="finance", Key=names[0]), "was not uploaded whole"),
    (lambda store, names: cut(store, names[0]), "backup.json is cut off or no JSON"),
    (lambda store, names: cut(store, names[-1]), "is not what was backed up"),
    (lambda store, names: store.delete_object(Bucket="finance", Key=names[-1]), "is not what was backed up"),
]


def test_a_backup_that_the_bucket_has_not_whole_is_named(shop, store):
    address = back_up_and_try(shop, trial=False).folder
    whole = {name: store.get_object(Bucket="finance", Key=name)["Body"].read() for name in keys(store)}
    for harm, what in HARMS:
        assert list(looked_over(shop)) == [(without_options(address), None, None)]
        harm(store, list(whole))
        [(place, problem, mend)] = looked_over(shop)
        assert (place, what in problem, "romi backup" in mend) == (without_options(address), True, True), problem
        assert "endpoint_override" not in problem
        assert list(looked_over(shop, is_fast=True)) == []
        for name, content in whole.items():
            store.put_object(Bucket="finance", Key=name, Body=content)


def test_a_backup_that_is_gone_from_the_bucket_leaves_the_book_with_the_next_one_a_day_later(shop, store, monkeypatch):
    gone = back_up_and_try(shop, trial=False).folder
    for one in keys(store):
        store.delete_object(Bucket="finance", Key=one)
    monkeypatch.setenv("ROMI_NOW", "2026-06-02T12:00:00Z")  # somebody else's of today may have only begun
    second = back_up_and_try(shop, trial=False).folder
    assert set(known_in_buckets(shop)) == {gone, second}
    monkeypatch.setenv("ROMI_NOW", "2026-06-02T12:00:01Z")
    third = back_up_and_try(shop, trial=False).folder
    assert set(known_in_buckets(shop)) == {second, third}


def test_a_store_that_cannot_be_reached_is_named_and_not_taken_for_empty(shop, monkeypatch):
    address = back_up_and_try(shop, trial=False).folder
    checks = doctor.examine(shop)
    assert [(one.place, one.is_right) for one in checks if one.name == "backups"] == [(without_options(address), True)]

    def fail(*_):
        raise OSError("no route to host")

    monkeypatch.setattr(Prefix, "walk", fail)
    [(_, problem, mend)] = looked_over(shop)
    assert ("cannot be reached" in problem, "the network" in mend) == (True, True)


def test_a_backup_in_a_folder_of_which_a_file_is_gone_is_named(settings, shop):
    folder = Path(back_up_and_try(settings).folder)
    assert list(looked_over(settings)) == [(str(folder), None, None)]
    (folder / "warehouse" / "regions" / "eu.duckdb").unlink()
    [(_, problem, _)] = looked_over(settings)
    assert problem == f"the backup {folder} is not whole: regions/eu.duckdb is not what was backed up"
    assert list(looked_over(settings, is_fast=True)) == [(str(folder), None, None)]
    (folder / MANIFEST).unlink()
    [(_, problem, _)] = looked_over(settings, is_fast=True)
    assert problem == f"the backup {folder} has no manifest"


@pytest.mark.parametrize("to", ["s3:/finance", "s3://", "s3://key@finance/x"])
def test_an_address_that_is_none_is_refused_and_not_taken_for_a_folder(to):
    with pytest.raises(ValueError, match="to"):
        Backup(to=to)
