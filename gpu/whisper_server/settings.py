"""The settings of whisper-server, from the environment; every secret also as `NAME_FILE`, a file that not everybody
on the machine can read."""

import os
import re
import stat
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from whisper_server.errors import StartError
from whisper_server.faults import read_faults
from whisper_server.model_files import default_cache

_FROM_FILES = ("token", "tls_cert", "tls_key")
_SECRETS = ("token", "tls_key")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ANY = ("0.0.0.0", "::")  # noqa: S104  (compared with, not bound to)
_PEM = "-----BEGIN"


class Settings(BaseSettings):
    """What WHISPER_… variables say. The descriptions are what `--help` prints."""

    model_config = SettingsConfigDict(env_prefix="WHISPER_", frozen=True, env_ignore_empty=True)

    listen: str = Field("0.0.0.0:8443", description="HOST:PORT, port 0 a free one; loopback only without a token")
    model: str = Field("", description="a name or a folder; empty: large-v3 on a GPU, base on a CPU")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto takes the GPU where there is one")
    compute_type: str = Field("", description="CTranslate2's; empty: float16 on a GPU, int8 on a CPU")
    max_streams: int = Field(0, ge=0, description="streams at once; 0: 24 on a GPU, 4 for each core on a CPU")
    beam_size: int = Field(5, ge=1, le=10, description="beams of the decoder for finals; interims have one")
    batch_size: int = Field(0, ge=0, le=64, description="utterances in a batch; 0: 16 on a GPU, 2 or 4 on a CPU")
    batch_wait_ms: int | None = Field(None, ge=0, le=500, description="wait to fill a batch; 30 on a GPU, 0 on a CPU")
    cpu_threads: int = Field(0, ge=0, description="threads of the decoder on a CPU; 0: one for each core, at most 4")
    workers: int = Field(0, ge=0, le=64, description="batches decoded beside each other; 0: 1 on a GPU, one a thread")
    cache: Path = Field(default_factory=default_cache, description="folder for model files")
    token: str = Field("", repr=False, description="bearer token that requests must carry (or WHISPER_TOKEN_FILE)")
    tls_cert: str = Field("", description="certificate chain, a PEM file; with its key: TLS, no plaintext")
    tls_key: str = Field("", repr=False, description="its private key, a PEM file (or WHISPER_TLS_KEY_FILE)")
    metrics_port: int | None = Field(9095, ge=0, le=65535, description="Prometheus metrics; 0: a free port; off: none")
    drain_seconds: float = Field(30.0, ge=0, description="how long open streams may go on after SIGTERM")
    faults: str = Field("", description="for tests, on loopback only: faults on purpose, as limit=20,streams=1")
    exit_with_parent: bool = Field(False, description="on: end when standard input, a pipe the parent holds, closes")

    @field_validator("metrics_port", mode="before")
    @classmethod
    def _off_is_none(cls, value: object) -> object:
        return None if value == "off" else value

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]+):\d{1,5}", value) or int(value.rpartition(":")[2]) > 65535:
            raise ValueError("must be HOST:PORT, for instance 0.0.0.0:8443 or [::1]:8443")
        return value

    @field_validator("tls_cert", "tls_key")
    @classmethod
    def _pem(cls, value: str, field: ValidationInfo) -> str:
        if not value or value.startswith(_PEM):
            return value
        text = _read(value, secret=field.field_name in _SECRETS)
        if _PEM not in text:
            raise ValueError(f"{value} is not a PEM file")
        return text

    @field_validator("faults")
    @classmethod
    def _known_faults(cls, value: str) -> str:
        read_faults(value)
        return value

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("WHISPER_TLS_CERT and WHISPER_TLS_KEY go together; one of them is missing")
        if not self.token and self.host not in _LOOPBACK + _ANY:
            raise ValueError(f"WHISPER_TOKEN: needed to listen on {self.host}; without one only loopback is served")
        if self.faults and self.host not in _LOOPBACK:
            raise ValueError("WHISPER_FAULTS: for tests only; WHISPER_LISTEN must name a loopback address")
        return self

    @property
    def host(self) -> str:
        """The host of `listen`, without brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def bind_host(self) -> str:
        """The address to bind: without a token nothing beyond loopback."""
        if not self.token and self.host in _ANY:
            return "127.0.0.1" if self.host == _ANY[0] else "::1"
        return self.host

    @property
    def bind_address(self) -> str:
        """The address to bind as gRPC wants it."""
        host = f"[{self.bind_host}]" if ":" in self.bind_host else self.bind_host
        return f"{host}:{self.listen.rpartition(':')[2]}"


def load_settings() -> Settings:
    """Read the environment. Raises `StartError` with one line that names the variable."""
    try:
        return Settings(**_secrets_from_files())
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        name = f"WHISPER_{'_'.join(map(str, first['loc']))}".upper()
        raise StartError(f"{name}: {message}" if first["loc"] else message) from error


def _secrets_from_files() -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in _FROM_FILES:
        name = f"WHISPER_{field}".upper()
        if path := os.environ.get(f"{name}_FILE"):
            try:
                values[field] = _read(path, secret=field in _SECRETS)
            except ValueError as error:
                raise StartError(f"{name}_FILE: {error}") from error
    return values


def _read(path: str, *, secret: bool) -> str:
    """The file's text. The engine has the same rule for its own (`callengine.secret_file`)."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if secret and mode & stat.S_IROTH:
        raise ValueError(f"everybody can read {path} (mode {mode:04o}): chmod 640 {path}")
    if not text:
        raise ValueError(f"{path} is empty")
    return text
