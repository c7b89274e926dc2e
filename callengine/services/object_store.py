"""A bucket of S3, or of what speaks its protocol: recordings go there. Every method blocks; threads call them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from callengine.errors import ConfigError, ServiceError

ATTEMPT_SECONDS = 60.0  # of one request; a part of an upload has 5 MB
RETRIES = 2


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """`url`: s3://bucket/prefix; without keys those of the machine are used (AWS_…, or its role). `endpoint`: of a
    store that is not AWS."""

    url: str
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = ""


class Bucket:
    """Files under one prefix of a bucket."""

    def __init__(self, access: BucketAccess) -> None:
        """Nothing is asked of it yet. Raises ConfigError."""
        parts = urlsplit(access.url)
        if parts.scheme != "s3" or not parts.netloc:
            raise ConfigError("RECORDING_S3_URL", "is not a URL like s3://bucket/prefix")
        keys = {"access_key_id": access.access_key, "secret_access_key": access.secret_key}
        options = {"endpoint": access.endpoint, "region": access.region or "us-east-1", **keys}
        try:
            self._store = S3Store(
                parts.netloc,
                prefix=parts.path.strip("/") or None,
                config={name: value for name, value in options.items() if value},  # type: ignore[arg-type]
                client_options={
                    "allow_http": access.endpoint.startswith("http://"),
                    "timeout": timedelta(seconds=ATTEMPT_SECONDS),
                    "connect_timeout": timedelta(seconds=5),
                },
                retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=ATTEMPT_SECONDS)},
            )
        except (BaseError, ValueError) as error:
            raise ConfigError("RECORDING_S3_ENDPOINT", f"cannot be used: {_said(error)}") from None
        self.url = access.url.rstrip("/")

    def put(self, path: Path, key: str) -> str:
        """Store a file; gives its URL. Raises ServiceError, and OSError where the file cannot be read."""
        with path.open("rb") as file:
            try:
                obstore.put(self._store, key, file)
            except BaseError as error:
                raise self._trouble(error) from error
        return f"{self.url}/{key}"

    def size(self, url: str) -> int | None:
        """How many bytes are at this URL; None where nothing is, or where it is not in this bucket. Raises
        ServiceError."""
        if not url.startswith(f"{self.url}/"):
            return None
        try:
            return int(obstore.head(self._store, url.removeprefix(f"{self.url}/"))["size"])
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise self._trouble(error) from error

    def read(self, url: str, start: int, length: int) -> bytes:
        """So many bytes of what is at this URL, from a place on. Raises ServiceError."""
        try:
            key = url.removeprefix(f"{self.url}/")
            return bytes(obstore.get_range(self._store, key, start=start, length=length))
        except (BaseError, FileNotFoundError) as error:
            raise self._trouble(error) from error

    def delete(self, urls: Sequence[str]) -> None:
        """Delete what is at these URLs; what is not there is no error. Raises ServiceError, also where one of them is
        not in this bucket."""
        keys = []
        for url in urls:
            if not url.startswith(f"{self.url}/"):
                raise ServiceError(f"S3: {url} is not under RECORDING_S3_URL ({self.url}): set it to where that is")
            keys.append(url.removeprefix(f"{self.url}/"))
        for key in keys:  # one by one: not every store that speaks S3 knows its bulk deletion
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:
                continue
            except BaseError as error:
                raise self._trouble(error) from error

    def _trouble(self, error: Exception) -> ServiceError:
        return ServiceError(f"S3 {self.url}: {_said(error)} (check RECORDING_S3_URL)")


def _said(error: Exception) -> str:
    """The first line of an error: those below it are the library's own account of it."""
    return " ".join(str(error).split("\n", 1)[0].split())[:200]
