"""A bucket shows one whole version: the pointer is switched last, by one writer, and names what is there."""

import hashlib
import json
import shutil

import boto3
import pytest

from operations.publishing.targets import bucket
from operations.publishing.targets.bucket import POINTER, upload
from operations.store.versions import version_dir
from settings import PermanentError, Settings, TransientError, UsageError
from tests.kit.object_store import object_store, options
from tests.operations.publishing.conftest import write_version

ORDERS = "insert into finance.orders_daily (date, region, orders) values ('2026-03-01', 'eu', {})"


@pytest.fixture(scope="module")
def server():
    with object_store() as address:
        yield address


@pytest.fixture
def store(server):
    """A client of an empty bucket called ``finance``."""
    client = boto3.client("s3", endpoint_url=f"http://{server}", region_name="us-east-1")
    client.create_bucket(Bucket="finance")
    yield client
    for one in client.list_objects_v2(Bucket="finance").get("Contents", ()):
        client.delete_object(Bucket="finance", Key=one["Key"])
    client.delete_bucket(Bucket="finance")


@pytest.fixture
def shop(tmp_path, server, store):
    address = f"s3://finance/romi?{options(server)}"
    settings = Settings(warehouse=tmp_path / "warehouse", publish={"bucket": address})
    write_version(settings, 1, ORDERS.format(3))
    return settings


def shown_in(shop, address):
    return shop.model_copy(update={"publish": shop.publish.model_copy(update={"bucket": address})})


def shown(store):
    """What the pointer says, once every file that it names is found to be there as it says."""
    said = json.loads(store.get_object(Bucket="finance", Key=f"romi/{POINTER}")["Body"].read())
    for name, file in said["files"].items():
        content = store.get_object(Bucket="finance", Key=f"romi/{said['folder']}{name}")["Body"].read()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    return said


def folders(store):
    keys = [one["Key"] for one in store.list_objects_v2(Bucket="finance").get("Contents", ())]
    return sorted({key.split("/")[2][:6] for key in keys if "/versions/" in key})


def test_a_bucket_shows_the_current_version_whole_and_a_second_upload_does_nothing(shop, store):
    done = upload(shop)
    said = shown(store)
    assert (done.version, done.files) == (said["version"], len(said["files"])) == (1, len(said["files"]))
    assert {"marts.duckdb", "released.duckdb", "manifest.json"} <= set(said["files"])
    assert said["files"].keys() == {
        one.relative_to(version_dir(shop, 1)).as_posix() for one in version_dir(shop, 1).rglob("*") if one.is_file()
    }
    assert upload(shop) is None


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_what_the_bucket_has_lost_of_the_current_version_is_uploaded_again(shop, store, harm):
    """A rule of the bucket removes objects by age, however current they are."""
    upload(shop)
    lost = {"Bucket": "finance", "Key": f"romi/{shown(store)['folder']}marts.duckdb"}
    store.delete_object(**lost) if harm == "gone" else store.put_object(**lost, Body=b"half")
    assert upload(shop).version == shown(store)["version"] == 1
    assert upload(shop) is None


def test_a_pointer_that_is_damaged_is_named_and_switched_by_the_next_run(shop, store):
    upload(shop)
    assert bucket.difference(shop) == (None, None)
    for said in (b"half", b"[1]", b'{"version": 1, "files": []}', b""):
        store.put_object(Bucket="finance", Key=f"romi/{POINTER}", Body=said)
        assert "shows no version, and version 1 is published" in str(bucket.difference(shop)[0]), said
        assert upload(shop).version == shown(store)["version"] == 1
        assert bucket.difference(shop) == (None, None)


def test_what_the_bucket_lacks_or_has_not_heard_of_is_named_with_what_to_do(shop, store):
    assert "shows no version, and version 1 is published" in str(bucket.difference(shop)[0])
    upload(shop)
    write_version(shop, 2, ORDERS.format(4))
    assert "shows version 1, and version 2 is published" in str(bucket.difference(shop)[0])
    upload(shop)
    store.delete_object(Bucket="finance", Key=f"romi/{shown(store)['folder']}marts.duckdb")
    what, mend = bucket.difference(shop)
    assert ("does not have all of version 2" in what, "romi run" in mend) == (True, True)
    assert "refuses: NoSuchBucket" in str(
        bucket.difference(shown_in(shop, shop.publish.bucket.replace("finance", "other")))[0]
    )


def test_a_new_version_is_shown_and_one_that_the_warehouse_disposed_of_is_gone(shop, store):
    upload(shop)
    write_version(shop, 2, ORDERS.format(4))
    assert upload(shop).version == shown(store)["version"] == 2
    assert folders(store) == ["000001", "000002"]
    shutil.rmtree(version_dir(shop, 1))
    assert upload(shop) is None
    assert folders(store) == ["000002"]
    assert shown(store)["version"] == 2


def test_an_upload_that_was_killed_before_the_switch_shows_what_it_showed_and_is_done_by_the_next(
    shop, store, monkeypatch
):
    upload(shop)
    write_version(shop, 2, ORDERS.format(4))
    with monkeypatch.context() as killed:
        killed.setattr(bucket, "_switch", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            upload(shop)
    assert shown(store)["version"] == 1
    assert upload(shop).version == shown(store)["version"] == 2


def test_who_loses_the_race_for_the_pointer_says_so_and_the_next_run_uploads_again(shop, store, monkeypatch):
    real = bucket._put_files

    def raced(place, version, folder):
        files = real(place, version, folder)
        store.put_object(Bucket="finance", Key=f"romi/{POINTER}", Body=b'{"folder": "theirs"}')
        return files

    with monkeypatch.context() as race:
        race.setattr(bucket, "_put_files", raced)
        with pytest.raises(TransientError, match="somebody else has switched"):
            upload(shop)
    assert json.loads(store.get_object(Bucket="finance", Key=f"romi/{POINTER}")["Body"].read())["folder"] == "theirs"
    assert upload(shop).version == shown(store)["version"] == 1


def test_a_switch_whose_answer_was_lost_is_done_though_the_write_that_repeats_it_fails(shop, store, monkeypatch):
    real, lost = bucket.prefix_of, []

    def place(address):
        found = real(address)

        def lose_one_answer(request_dict, attempts, **_):
            if request_dict["url"].endswith(POINTER) and attempts == 1:
                lost.append(attempts)
                return 0  # seconds until it is tried again
            return None

        found.client.meta.events.register_first("needs-retry.s3.PutObject", lose_one_answer)
        return found

    monkeypatch.setattr(bucket, "prefix_of", place)
    upload(shop)
    assert lost == [1]
    assert shown(store)["version"] == 1


def test_what_a_store_or_a_configuration_lacks_is_said_without_its_keys(shop, store, monkeypatch, server):
    with pytest.raises(PermanentError, match=r"publish\.bucket s3://nowhere refuses: NoSuchBucket"):
        upload(shown_in(shop, f"s3://nowhere?endpoint_override={server}&scheme=http&region=us-east-1"))
    with pytest.raises(TransientError, match="cannot be reached"):
        upload(shown_in(shop, "s3://finance/romi?endpoint_override=127.0.0.1:1&scheme=http&region=us-east-1"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(shop.warehouse / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(UsageError, match="AWS_ACCESS_KEY_ID"):
        upload(shop)
    with pytest.raises(ValueError, match="publish"):
        Settings(publish={"bucket": "s3://key:secret@finance"})
