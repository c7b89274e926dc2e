"""The engine's settings: read once from the environment (DESIGN section 2), frozen, and wrong ones named."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails

from callengine.errors import ConfigError
from callengine.ports.recognition import Endpointing
from callengine.secret_file import text_of

PRIVATE_PEERS = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
NO_SPARE = "off"  # TTS_FALLBACK
TABLE_OF_WORDS = "words"  # TURN_END
Port = Annotated[int, Field(ge=0, le=65535)]
Days = Annotated[int, Field(ge=0, le=36500)]  # 0: for ever


def _bare_url(value: str) -> str:
    return value.rstrip("/")


def _own_recogniser(before: dict[str, Any]) -> str:
    return "google" if before.get("google_application_credentials") else "whisper"


def _own_dialog(before: dict[str, Any]) -> str:
    return "claude" if before.get("anthropic_api_key") else "scripted"


def _own_voice(before: dict[str, Any]) -> str:
    return "google" if before.get("google_application_credentials") else "espeak"


def _own_spare_voice(before: dict[str, Any]) -> str:
    return "espeak" if before.get("tts_backend") == "google" else NO_SPARE


class Settings(BaseModel):
    """Every setting of the engine. A field's name in capitals is its environment variable; `NAME_FILE` is read too."""

    model_config = ConfigDict(frozen=True)

    embedded: bool = True
    data_dir: Path = Path("callengine-data")
    database_url: SecretStr | None = None
    database_replica_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    spool_fsync: bool = True
    spool_max_mb: Annotated[int, Field(ge=1)] = 1024
    retention_days: Days = 0
    recording: bool = False
    recording_retention_days: Days = 0
    recording_least_free_mb: Annotated[int, Field(ge=0)] = 1024
    recording_s3_url: Annotated[str, Field(pattern=r"^(s3://[^/?#]+(/[^?#]*)?)?$")] = ""
    recording_s3_endpoint: Annotated[str, AfterValidator(_bare_url), Field(pattern=r"^(https?://[^/?#]+/?)?$")] = ""
    recording_s3_region: str = ""
    recording_s3_access_key: SecretStr | None = None
    recording_s3_secret_key: SecretStr | None = None
    recording_keep_local: bool = True

    google_application_credentials: Path | None = None
    google_cloud_project: str = ""
    google_stt_model: str = ""
    google_stt_location: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] = "eu"
    google_stt_endpoint: str = ""
    google_stt_api_version: Literal["v1", "v2"] = "v2"
    stt_backend: str = Field(default_factory=_own_recogniser)
    stt_fallback: str = ""
    stt_gate: bool = False
    stt_away_seconds: Annotated[float, Field(ge=0, le=55)] = 20.0  # the ring keeps 60 s of a caller's words
    stt_endpointing: Endpointing = "SHORT"
    stt_chunk_ms: Annotated[int, Field(ge=20, le=960)] = 100  # 960 ms are 15,360 bytes, the most Google takes
    whisper_url: str = ""
    whisper_token: SecretStr | None = None
    whisper_ca: Path | None = None
    tts_backend: str = Field(default_factory=_own_voice)
    tts_fallback: str = Field(default_factory=_own_spare_voice)
    google_tts_voice: str = ""
    google_tts_location: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] = "eu"
    google_tts_endpoint: str = ""
    anthropic_api_key: SecretStr | None = None
    anthropic_base_url: Annotated[str, AfterValidator(_bare_url)] = ""
    claude_model: Annotated[str, Field(min_length=1)] = "claude-haiku-5-5"
    claude_fallback_model: str = ""
    claude_max_tokens: Annotated[int, Field(ge=16, le=8192)] = 600
    claude_effort: Literal["low", "medium", "high"] = "low"
    claude_first_token_seconds: Annotated[float, Field(gt=0, le=60)] = 3.0
    claude_turn_seconds: Annotated[float, Field(gt=0, le=300)] = 20.0
    claude_history_tokens: Annotated[int, Field(ge=1000, le=500000)] = 20000
    speculate: bool = False
    turn_end: str = TABLE_OF_WORDS
    dialog_backend: str = Field(default_factory=_own_dialog)
    store_api_url: Annotated[str, AfterValidator(_bare_url)] = ""
    store_api_token: SecretStr | None = None
    agent_file: Path | None = None
    prices_file: Path | None = None
    call_language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] = "ru-RU"

    asterisk_ari_url: Annotated[str, AfterValidator(_bare_url)] = ""
    asterisk_ari_user: str = ""
    asterisk_ari_password: SecretStr | None = None
    asterisk_ami_user: str = ""
    asterisk_ami_password: SecretStr | None = None

    audiosocket_host: str = "0.0.0.0"  # noqa: S104 - Asterisk is another machine
    audiosocket_port: Port = 9092
    audiosocket_proxy_protocol: bool = False
    allowed_peers: tuple[IPv4Network | IPv6Network, ...] = tuple(map(ip_network, PRIVATE_PEERS))
    require_registration: bool = False
    api_host: str = "127.0.0.1"
    api_port: Port = 8080
    api_token: SecretStr | None = None
    api_read_token: SecretStr | None = None

    max_calls: Annotated[int, Field(ge=1, le=10000)] = 200
    max_call_seconds: Annotated[float, Field(gt=0)] = 1800
    no_media_seconds: Annotated[float, Field(gt=0)] = 60
    drain_seconds: Annotated[float, Field(ge=0)] = 60
    realtime: bool = False
    node_name: str = ""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["", "json", "console"] = ""

    @field_validator("allowed_peers", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        return value


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Settings from an environment. Raises ConfigError naming the first variable that cannot be used."""
    values: dict[str, str] = {}
    for field in Settings.model_fields:
        variable = field.upper()
        if text := environ.get(variable, "") or _from_file(environ, variable):
            values[field] = text
    try:
        return Settings(**values)  # type: ignore[arg-type]  # text is what validation turns into types
    except ValidationError as error:
        first = error.errors()[0]
        variable = str(first["loc"][0]).upper()
        raise ConfigError(variable, f"{_problem(first)} (it is {_shown(variable, first['input'])})") from None


def _from_file(environ: Mapping[str, str], variable: str) -> str:
    path = environ.get(f"{variable}_FILE", "")
    if not path:
        return ""
    return text_of(f"{variable}_FILE", path, secret=_holds_secret(variable))


def _problem(error: ErrorDetails) -> str:
    return " ".join(error["msg"].removeprefix("Value error, ").split())


def _holds_secret(variable: str) -> bool:
    return variable.endswith(("_TOKEN", "_URL", "_KEY", "_PASSWORD"))


def _shown(variable: str, value: object) -> str:
    return "not shown, it may hold a secret" if _holds_secret(variable) else repr(value)[:80]
