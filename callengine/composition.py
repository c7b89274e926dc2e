"""The services of one engine, opened in order: what is not given by a URL is a real part of our own, started here."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec

import structlog
from pydantic import SecretStr

from callengine.agent import AgentProfile
from callengine.call.parts import Services
from callengine.config import Settings
from callengine.errors import ConfigError
from callengine.plugins import load_backend
from callengine.services.bridge import open_bridge
from callengine.services.children import open_child, python_child
from callengine.services.embedded_postgres import open_postgres
from callengine.services.embedded_valkey import open_valkey
from callengine.services.journal import open_journal
from callengine.services.registry import open_registry
from callengine.services.schema import migrate
from callengine.services.store import open_toolbox

MODEL_SECONDS = 120.0  # the first start joins the model's parts; a cold disk is slow
START_SECONDS = 30.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_services(settings: Settings, agent: AgentProfile) -> AsyncIterator[Services]:
    """Everything a call asks of the world, ready: checked, warmed, migrated. Raises ConfigError, ServiceError, …"""
    async with AsyncExitStack() as stack:
        settings = await _with_embedded(settings, stack)
        enter = stack.enter_async_context
        bridge = await enter(open_bridge())
        database = _secret(settings.database_url)
        await migrate(database)
        journal = await enter(open_journal(database, bridge))
        registry = await enter(open_registry(_secret(settings.redis_url), settings.node_name, bridge))
        toolbox = await enter(open_toolbox(settings.store_api_url, _secret(settings.store_api_token)))
        recognizer = await enter(load_backend("callengine.stt", settings.stt_backend)(settings, bridge))
        voice = await enter(load_backend("callengine.tts", settings.tts_backend)(settings, bridge))
        dialog = await enter(load_backend("callengine.dialog", settings.dialog_backend)(settings, bridge))
        services = Services(recognizer, voice, dialog, toolbox, journal, registry)
        await _check(services)
        await voice.warm(agent.fixed_prompts())
        yield services


async def _check(services: Services) -> None:
    for part in (services.journal, services.registry, services.recognizer, services.voice, services.dialog):
        await part.check()


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
        found["store_api_url"] = await enter(_open_demo_store(settings))
    if settings.stt_backend == "whisper" and not settings.whisper_url:
        _allow(settings, "WHISPER_URL", "grpcs://gpu-node:8443")
        log.info("starting", part="whisper-server on the CPU")
        found["whisper_url"] = await enter(_open_whisper())
    return settings.model_copy(update=found)


@asynccontextmanager
async def _open_demo_store(settings: Settings) -> AsyncIterator[str]:
    command = python_child("callengine.services.demo_store", "--port", "0")
    env = {**os.environ, "STORE_API_TOKEN": _secret(settings.store_api_token)}
    async with open_child(command, env, "the demo Store", START_SECONDS) as child:
        yield f"http://{child.address}/api/v1"


@asynccontextmanager
async def _open_whisper() -> AsyncIterator[str]:
    if find_spec("faster_whisper") is None:
        problem = "is not set, and the `whisper` extra is not installed here (pip install 'callengine[whisper]')"
        raise ConfigError("WHISPER_URL", problem)
    env = {**os.environ, "WHISPER_LISTEN": "127.0.0.1:0", "WHISPER_METRICS_PORT": "off", "WHISPER_TOKEN": ""}
    async with open_child(python_child("whisper_server.main"), env, "whisper-server", MODEL_SECONDS) as child:
        yield f"grpc://{child.address}"


def _allow(settings: Settings, variable: str, example: str) -> None:
    if not settings.embedded:
        raise ConfigError(variable, f"is not set, and EMBEDDED=off allows no part of our own (for example {example})")


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""
