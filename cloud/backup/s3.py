"""Backups in a bucket of S3, or of what speaks like it (Ceph, MinIO, Swift's s3api), by boto3.

Credentials are STACKLING_BACKUP_S3_ACCESS_KEY and _SECRET_KEY, which lie in keys/settings.control and in no argument; where they are empty, those that
boto3 finds by itself (its shared credentials file, the role of the machine).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from cloud.backup.errors import BackupError
from cloud.backup.places import PIECE, Place, checked
from common.clock import now

CHUNK: Final = 16 << 20  # bytes of one part of an upload; S3 takes 10,000 of them
MOST_CHUNKS: Final = 9_000
ABANDONED: Final = timedelta(days=1)  # an upload that nobody ended in this time was cut


class Bucket(Place):
    """s3://bucket/prefix."""

    def __init__(self, url: str) -> None:
        """Take the bucket and prefix from `url`, s3://bucket/prefix. Raises: BackupError."""
        parts = urlsplit(url)
        if not parts.netloc or parts.query or parts.username or parts.port:
            raise BackupError(
                f"{url}: S3's address is s3://bucket/prefix. The server and the keys are settings (STACKLING_BACKUP_S3_…)."
            )
        self.where = url
        self._bucket = parts.netloc
        self._prefix = f"{parts.path.strip('/')}/".lstrip("/")
        #: Checksums that only newer servers know are left out: each part has its own, in the manifest.
        how = Config(
            retries={"max_attempts": 5, "mode": "standard"},
            connect_timeout=10,
            read_timeout=60,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        with self._said():
            self._client: Any = boto3.client(
                "s3",
                endpoint_url=settings.BACKUP_S3_ENDPOINT or None,
                region_name=settings.BACKUP_S3_REGION or None,
                aws_access_key_id=settings.BACKUP_S3_ACCESS_KEY or None,
                aws_secret_access_key=settings.BACKUP_S3_SECRET_KEY or None,
                config=how,
            )

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            said = error.response.get("Error", {})
            raise BackupError(f"{self.where}: S3 answered {said.get('Code')}: {said.get('Message')}") from error
        except (BotoCoreError, ValueError) as error:
            raise BackupError(f"{self.where}: {error}") from error

    def _key(self, folder: str, name: str) -> str:
        return f"{self._prefix}{folder}/{checked(name)}"

    def folders(self) -> list[str]:
        found = []
        with self._said():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
            )
            for page in pages:
                found += [
                    one["Prefix"].removeprefix(self._prefix).rstrip("/") for one in page.get("CommonPrefixes", ())
                ]
        return sorted(found)

    def has(self, folder: str, name: str) -> bool:
        with self._said():
            try:
                self._client.head_object(Bucket=self._bucket, Key=self._key(folder, name))
            except ClientError as error:
                if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                    return False
                raise
        return True

    def put(self, folder: str, name: str, pieces: Iterable[bytes], about: int = 0) -> None:
        how = TransferConfig(multipart_chunksize=max(CHUNK, about // MOST_CHUNKS), max_concurrency=2)
        with self._said():
            self._client.upload_fileobj(_Stream(pieces), self._bucket, self._key(folder, name), Config=how)

    def get(self, folder: str, name: str) -> Iterator[bytes]:
        with self._said():
            answer = self._client.get_object(Bucket=self._bucket, Key=self._key(folder, name))
            yield from answer["Body"].iter_chunks(PIECE)

    def remove(self, folder: str) -> None:
        with self._said():
            self._client.delete_object(Bucket=self._bucket, Key=self._key(folder, "manifest.json"))
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=f"{self._prefix}{folder}/"
            )
            for page in pages:
                for one in page.get("Contents", ()):
                    self._client.delete_object(Bucket=self._bucket, Key=one["Key"])

    def forget_halves(self) -> None:
        with self._said():
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            for page in pages:
                for one in page.get("Uploads", ()):
                    if now() - one["Initiated"] > ABANDONED:
                        self._client.abort_multipart_upload(
                            Bucket=self._bucket, Key=one["Key"], UploadId=one["UploadId"]
                        )


class _Stream:
    """Pieces as a file that is read once."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._next: Callable[[], bytes] = iter(pieces).__next__
        self._kept = b""

    def read(self, size: int = -1) -> bytes:
        found = bytearray(self._kept)
        with suppress(StopIteration):
            while size < 0 or len(found) < size:
                found += self._next()
        end = len(found) if size < 0 else size
        self._kept = bytes(found[end:])
        return bytes(found[:end])
