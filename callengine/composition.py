"""The services of one engine, opened in order: what is not given by a URL is a real part of our own, started here."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import structlog
import trio
from pydantic import SecretStr

from callengine.agent import AgentProfile
from callengine.call.parts import Services
from callengine.config import Settings
from callengine.errors import ConfigError, ReasoningError, RecognizerError, ServiceError, SynthesisError
from callengine.plugins import load_backend
from callengine.ports.recognition import OpenRecognizer
from callengine.services.bridge import open_bridge
from callengine.services.embedded_postgres import open_postgres
from callengine.services.embedded_valkey import open_valkey
from callengine.services.journal import open_journal
from callengine.services.own_parts import open_demo_store, open_whisper
from callengine.services.registry import open_registry
from callengine.services.schema import migrate
from callengine.services.store import open_toolbox

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_services(settings: Settings, agent: AgentProfile) -> AsyncIterator[Services]:
    """Everything a call asks of the world, ready: checked, warmed, migrated. Raises ConfigError, ServiceError, …"""
    # Named before anything is started: a wrong name costs nobody the start of a database.
    open_recognizer = load_backend("callengine.stt", settings.stt_backend)
    open_fallback = _load_fallback(settings)
    open_voice = load_backend("callengine.tts", settings.tts_backend)
    open_dialog = load_backend("callengine.dialog", settings.dialog_backend)
    async with AsyncExitStack() as stack:
        settings = await _with_embedded(settings, stack)
        enter = stack.enter_async_context
        bridge = await enter(open_bridge())
        database = _secret(settings.database_url)
        with _to_blame("DATABASE_URL"):
            await migrate(database)
        journal = await enter(open_journal(database, bridge))
        registry = await enter(open_registry(_secret(settings.redis_url), settings.node_name, bridge))
        toolbox = await enter(open_toolbox(settings.store_api_url, _secret(settings.store_api_token)))
        recognizer = await enter(open_recognizer(settings, bridge))
        fallback = await enter(open_fallback(settings, bridge)) if open_fallback is not None else None
        voice = await enter(open_voice(settings, bridge))
        dialog = await enter(open_dialog(settings, bridge))
        services = Services(
            recognizer, voice, dialog, toolbox, journal, registry, fallback=fallback, stt_gate=settings.stt_gate
        )
        await _check(services, settings)
        with _to_blame("TTS_BACKEND"):
            await voice.warm(agent.fixed_prompts())
        yield services


async def _check(services: Services, settings: Settings) -> None:
    with _to_blame("DATABASE_URL"):
        await services.journal.check()
    with _to_blame("REDIS_URL"):
        await services.registry.check()
    await _check_recognizers(services, settings)
    with _to_blame("TTS_BACKEND"):
        await services.voice.check()
    with _to_blame("DIALOG_BACKEND"):
        await services.dialog.check()


async def _check_recognizers(services: Services, settings: Settings) -> None:
    """One of two that is away is no reason not to serve; both are, and one that would refuse every call."""
    sources = services.sources
    away = 0
    for at, (recognizer, name) in enumerate(
        zip(sources.recognizers, (settings.stt_backend, settings.stt_fallback), strict=False)
    ):
        variable = "WHISPER_URL" if name == "whisper" else ("STT_BACKEND", "STT_FALLBACK")[at]
        try:
            await recognizer.check()
        except RecognizerError as error:
            away += 1
            if not error.retryable or away == len(sources.recognizers):
                raise ConfigError(variable, str(error)) from error
            sources.blame(at, str(error), trio.current_time(), for_good=True)


def _load_fallback(settings: Settings) -> OpenRecognizer | None:
    if not settings.stt_fallback:
        return None
    if settings.stt_fallback == settings.stt_backend:
        raise ConfigError("STT_FALLBACK", f"is {settings.stt_fallback!r}, the same as STT_BACKEND: name another one")
    opened: OpenRecognizer = load_backend("callengine.stt", settings.stt_fallback, "STT_FALLBACK")
    return opened


@contextmanager
def _to_blame(variable: str) -> Iterator[None]:
    """What is not there when the engine starts is a setting that cannot be used; later it is only away."""
    try:
        yield
    except (ServiceError, RecognizerError, SynthesisError, ReasoningError) as error:
        raise ConfigError(variable, str(error)) from error


async def _with_embedded(settings: Settings, stack: AsyncExitStack) -> Settings:
    """The settings with every missing URL filled in by a part of our own; `EMBEDDED=off` forbids that."""
    found: dict[str, object] = {}
    enter = stack.enter_async_context
    if settings.database_url is None:
        _allow(settings, "DATABASE_URL", "postgresql://user:password@host/database")
        log.info("starting", part="PostgreSQL", folder=str(settings.data_dir / "postgres"))
        url = await enter(open_postgres(settings.data_dir))
        log.info("started", part="PostgreSQL", url=url)  # for psql; there is no password in it
        found["database_url"] = SecretStr(url)
    if settings.redis_url is None:
        _allow(settings, "REDIS_URL", "redis://host:6379/0")
        log.info("starting", part="Valkey", folder=str(settings.data_dir / "valkey"))
        found["redis_url"] = SecretStr(await enter(open_valkey(settings.data_dir)))
    if not settings.store_api_url:
        _allow(settings, "STORE_API_URL", "http://store-api:3000/api/v1")
        log.info("starting", part="the demo Store")
        found["store_api_url"] = await enter(open_demo_store(settings.data_dir, _secret(settings.store_api_token)))
    if "whisper" in (settings.stt_backend, settings.stt_fallback) and not settings.whisper_url:
        _allow(settings, "WHISPER_URL", "grpcs://gpu-node:8443")
        log.info("starting", part="whisper-server on the CPU")
        found["whisper_url"] = await enter(open_whisper())
    return settings.model_copy(update=found)


def _allow(settings: Settings, variable: str, example: str) -> None:
    if not settings.embedded:
        raise ConfigError(variable, f"is not set, and EMBEDDED=off allows no part of our own (for example {example})")


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""
