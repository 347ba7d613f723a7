"""A prefix of an S3 bucket, or of one in a compatible store: lists of what lies there, and files to it and from it."""

from __future__ import annotations

import base64
import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from settings import PermanentError, TransientError, UsageError
from settings.digests import sha256_of

# What may pass if it is tried again; anything else that a store answers is a refusal.
_PASSING = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "RequestTimeTooSkewed", "500", "503"}
ABSENT = {"NoSuchKey", "404"}
_LARGEST_PUT = 4 << 30  # bytes; S3 takes 5 GiB in one request

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """An object as it was listed."""

    place: str  # its key, relative to the prefix
    size: int  # bytes
    mtime_ns: int


@dataclass(frozen=True)
class Prefix:
    """A prefix of a bucket. Errors are the client's: ``botocore.exceptions.ClientError`` and ``BotoCoreError``."""

    client: Any
    bucket: str
    prefix: str  # "" or ends with a slash

    def key(self, place: str) -> dict[str, str]:
        return {"Bucket": self.bucket, "Key": f"{self.prefix}{place}"}

    def below(self, folder: str) -> Prefix:
        """The prefix of a folder in it; "" is itself."""
        return Prefix(self.client, self.bucket, f"{self.prefix}{folder}/") if folder else self

    def walk(self, start: str = "", after: str = "") -> Iterator[Entry]:
        """Every object whose place begins with `start` and comes after `after`, by place; 1,000 a request."""
        for page in self._pages(start, after):
            yield from self._entries(page)

    def children(self, folder: str = "") -> tuple[list[Entry], list[str]]:
        """The objects that lie directly in a folder ("" or with a slash at its end), and the folders in it, likewise.

        It costs a request for each 1,000 of them, however much lies in the folders.
        """
        entries: list[Entry] = []
        folders: list[str] = []
        for page in self._pages(folder, "", Delimiter="/"):
            entries += self._entries(page)
            folders += [one["Prefix"].removeprefix(self.prefix) for one in page.get("CommonPrefixes", ())]
        return entries, folders

    def put_file(self, place: str, path: Path, **condition: str) -> str:
        """Upload a file, which the store checks by its sum; its SHA-256.

        What is too large for one request goes in parts, without that sum and without conditions.
        """
        md5 = hashlib.md5(usedforsecurity=False)
        with path.open("rb") as file:
            sha256 = sha256_of(file, also=md5)
            if path.stat().st_size > _LARGEST_PUT:
                self.client.upload_file(str(path), self.bucket, f"{self.prefix}{place}")
                return sha256
            file.seek(0)
            told = {"ContentMD5": base64.b64encode(md5.digest()).decode(), **condition}
            self.client.put_object(**self.key(place), Body=file, **told)
        return sha256

    def get_file(self, place: str, to: Path) -> None:
        """Download an object as a new file that only its owner reads; a connection lost on the way is tried again."""
        to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Not download_file: it makes a file of its own under another name, which everybody may read.
        with os.fdopen(os.open(to, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            self.client.download_fileobj(self.bucket, f"{self.prefix}{place}", file)

    def remove(self, start: str = "") -> None:
        """Delete every object whose place begins with `start`; what is gone already is no matter."""
        for one in list(self.walk(start)):
            self.client.delete_object(**self.key(one.place))

    def _pages(self, start: str, after: str, **options: str) -> Iterator[dict[str, Any]]:
        if after:
            options["StartAfter"] = self.prefix + after
        pages = self.client.get_paginator("list_objects_v2")
        yield from pages.paginate(Bucket=self.bucket, Prefix=self.prefix + start, **options)

    def _entries(self, page: dict[str, Any]) -> Iterator[Entry]:
        for one in page.get("Contents", ()):
            if not one["Key"].endswith("/"):  # what some tools put for a folder
                mtime_ns = (one["LastModified"] - _EPOCH) // timedelta(microseconds=1) * 1000
                yield Entry(one["Key"].removeprefix(self.prefix), one["Size"], mtime_ns)


def prefix_of(address: str) -> Prefix:
    """The prefix of an address such as ``s3://bucket/prefix?endpoint_override=minio:9000&scheme=http&region=…``.

    Credentials come from the environment or from AWS's own files. What may pass is tried five times.
    """
    import boto3
    from botocore.config import Config

    parts = urlsplit(address)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    endpoint = options.get("endpoint_override")
    client = boto3.Session().client(
        "s3",
        endpoint_url=f"{options.get('scheme', 'https')}://{endpoint}" if endpoint else None,
        region_name=options.get("region"),
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=10, read_timeout=60,
            request_checksum_calculation="when_required", response_checksum_validation="when_required",
        ),
    )  # fmt: skip
    prefix = parts.path.strip("/")
    return Prefix(client, parts.netloc, f"{prefix}/" if prefix else "")


@contextmanager
def errors_told(where: str, then: str) -> Iterator[None]:
    """Has what a store or the network says of the body end as an error of ours.

    Args:
        where: what is configured, such as ``publish.bucket s3://finance/romi``.
        then: what comes next, such as "the next `romi run` uploads again".

    Raises:
        UsageError: no credentials are found.
        TransientError: the store cannot be reached, or asks to be asked again later.
        PermanentError: it refuses.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError as error:
        raise UsageError(f"{where}: no credentials are in the environment, such as AWS_ACCESS_KEY_ID") from error
    except ClientError as error:
        kind = TransientError if code_of(error) in _PASSING else PermanentError
        raise kind(f"{where} refuses: {code_of(error)}; {then}") from error
    except (BotoCoreError, Boto3Error, OSError) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # it is this machine's disk
        raise TransientError(f"{where} cannot be reached: {error}; {then}") from error


def without_options(address: str) -> str:
    """The address as people are told it."""
    return urlsplit(address)._replace(query="").geturl()


def code_of(error: Any) -> str:
    """What a store answered, such as ``NoSuchKey``; "" where it says nothing."""
    return str(error.response.get("Error", {}).get("Code", ""))
