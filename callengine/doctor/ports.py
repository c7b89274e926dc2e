"""The engine's two ports: free for it, or its own already; and how many files it may open."""

import resource
from http import HTTPStatus

import httpx

from callengine.config import Settings
from callengine.doctor.checkup import Patient
from callengine.doctor.findings import Finding
from callengine.doctor.limit_rules import judge_open_files
from callengine.errors import ConfigError
from callengine.listening import bound_socket

ANSWER_SECONDS = 2.0  # of an engine on this machine
CHECK = "ports"
# The address to ask where an engine listens at all of them.
LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104


async def look_at_ports(patient: Patient) -> list[Finding]:
    """AudioSocket's port, the API's, and the limit of open files."""
    settings = patient.settings
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return [
        await _look_at_port(settings, "AUDIOSOCKET", settings.audiosocket_host, settings.audiosocket_port),
        await _look_at_port(settings, "API", settings.api_host, settings.api_port),
        judge_open_files(limit, settings.max_calls, recording=settings.recording),
    ]


async def _look_at_port(settings: Settings, name: str, host: str, port: int) -> Finding:
    try:
        bound_socket(name, host, port).close()
    except ConfigError as error:
        if "in use" not in error.problem:
            mend = f"another {error.variable}" + (", or cap_add: NET_BIND_SERVICE" if 0 < port < 1024 else "")
            return Finding(CHECK, "fail", str(error), mend)
        if serving := await _engine_says(settings):
            return Finding(CHECK, "ok", f"{name}_PORT {port}: an engine is serving ({serving})")
        return Finding(CHECK, "fail", str(error), f"end what has it (ss -ltnp 'sport = :{port}'), or set {name}_PORT")
    return Finding(CHECK, "ok", f"{name}_PORT {port} is free: no engine is running here")


async def _engine_says(settings: Settings) -> str:
    """How full the engine is whose API answers where this one's would; empty where none does."""
    host = LOOPBACK.get(settings.api_host, settings.api_host)
    async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS) as client:
        try:
            answer = await client.get(f"http://{host}:{settings.api_port}/health/accepting")
            said = answer.json()
        except (httpx.HTTPError, ValueError):
            return ""
    match said:
        case {"accepting": True, "calls": int(calls), "capacity": int(capacity)}:
            return f"{calls} of {capacity} calls up"
        case {"detail": str(detail)} if answer.status_code == HTTPStatus.NOT_FOUND:
            return detail  # draining, or full
        case _:
            return ""
