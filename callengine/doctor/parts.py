"""The engine's own surroundings, asked as the engine does at its start: servers behind URLs, a backend, ports."""

import httpx

from callengine.answering import load_agents
from callengine.config import Settings
from callengine.doctor.checkup import Patient
from callengine.doctor.findings import Finding
from callengine.errors import ConfigError
from callengine.listening import bound_socket
from callengine.plugins import load_backend
from callengine.services.journal import open_journal
from callengine.services.memory_writes import MemoryWriteLog
from callengine.services.registry import open_registry
from callengine.services.store import open_store
from callengine.toolboxes import open_toolboxes

ANSWER_SECONDS = 2.0  # of an engine on this machine
DATABASE, REDIS, STORE, RECOGNISER, PORTS = "database", "redis", "store", "recogniser", "ports"


async def look_at_database(patient: Patient) -> list[Finding]:
    """Whether the record can be kept."""
    url = patient.settings.database_url
    if url is None:
        return [_own_part(patient.settings, DATABASE, "DATABASE_URL")]
    async with open_journal(url.get_secret_value(), patient.bridge) as journal:
        await journal.check()
    return [Finding(DATABASE, "ok", "PostgreSQL answers")]


async def look_at_redis(patient: Patient) -> list[Finding]:
    """Whether the live state can be kept."""
    url = patient.settings.redis_url
    if url is None:
        return [_own_part(patient.settings, REDIS, "REDIS_URL")]
    async with open_registry(url.get_secret_value(), patient.settings.node_name, patient.bridge) as registry:
        await registry.check()
    return [Finding(REDIS, "ok", "Redis answers")]


async def look_at_store(patient: Patient) -> list[Finding]:
    """Whether the shop answers, and its document bears the agents' tools."""
    settings = patient.settings
    if not settings.store_api_url:
        return [_own_part(settings, STORE, "STORE_API_URL")]
    token = settings.store_api_token
    agents = load_agents(settings.agent_file, settings.call_language)
    async with open_store(settings.store_api_url, token.get_secret_value() if token else "", MemoryWriteLog()) as store:
        for toolbox in (await open_toolboxes(store, agents)).values():
            await toolbox.check()
    return [Finding(STORE, "ok", f"the Store at {settings.store_api_url} answers")]


async def look_at_recogniser(patient: Patient) -> list[Finding]:
    """Whether speech will be understood."""
    settings = patient.settings
    open_recognizer = load_backend("callengine.stt", settings.stt_backend)
    if settings.stt_backend == "whisper" and not settings.whisper_url:
        return [_own_part(settings, RECOGNISER, "WHISPER_URL")]
    async with open_recognizer(settings, patient.bridge) as recognizer:
        await recognizer.check()
    return [Finding(RECOGNISER, "ok", f"the recogniser {settings.stt_backend!r} answers")]


async def look_at_ports(patient: Patient) -> list[Finding]:
    """The engine's two ports: free for it, or its own already."""
    settings = patient.settings
    return [
        await _look_at_port(settings, "AUDIOSOCKET", settings.audiosocket_host, settings.audiosocket_port),
        await _look_at_port(settings, "API", settings.api_host, settings.api_port),
    ]


async def _look_at_port(settings: Settings, name: str, host: str, port: int) -> Finding:
    try:
        bound_socket(name, host, port).close()
    except ConfigError as error:
        if "in use" not in error.problem:
            return Finding(PORTS, "fail", str(error))
        if await _engine_serves(settings):
            return Finding(PORTS, "ok", f"{name}_PORT {port}: an engine is serving")
        return Finding(PORTS, "fail", str(error), f"end what has it (ss -ltnp 'sport = :{port}'), or set {name}_PORT")
    return Finding(PORTS, "ok", f"{name}_PORT {port} is free: no engine is running here")


async def _engine_serves(settings: Settings) -> bool:
    """Whether our API answers where this engine's would."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(settings.api_host, settings.api_host)  # noqa: S104
    async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS) as client:
        try:
            answer = await client.get(f"http://{host}:{settings.api_port}/health")
        except httpx.HTTPError:
            return False
    return b'"audiosocket"' in answer.content


def _own_part(settings: Settings, check: str, variable: str) -> Finding:
    if settings.embedded:
        return Finding(check, "ok", f"{variable} is not set: the engine starts a part of its own")
    return Finding(
        check, "fail", f"{variable} is not set, and EMBEDDED=off allows no part of our own", f"set {variable}"
    )
