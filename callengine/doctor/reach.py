"""Can Asterisk reach us? It is asked to try: to open our AudioSocket port, and to `CURL()` our API, as in a call.

The addresses are those its own dialplan uses. The nil UUID is a knock: the engine counts no call for it."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from uuid import UUID

import httpx
import trio

from callengine.config import Settings
from callengine.doctor.asterisk import steps_of
from callengine.doctor.asterisk_http import ask_ami, ask_ari, json_of, open_ami, open_ari
from callengine.doctor.checkup import Patient
from callengine.doctor.dialplan import uses_of
from callengine.doctor.findings import FaultError, Finding

MEDIA = "asterisk to engine"
API = "asterisk to API"
KNOCK = UUID(int=0)
NODES = 9  # CE_ENGINE_1 to CE_ENGINE_9 of docker/asterisk/settings.conf
DROPPED_SECONDS = 1.5  # res_audiosocket.c gives up after 2 s; a refusal comes at once

Ask = Callable[[str], Awaitable[str]]


async def look_at_engine(patient: Patient) -> list[Finding]:
    """Every engine that the dialplan knows, tried from Asterisk."""
    settings = patient.settings
    if not (settings.asterisk_ari_url and settings.asterisk_ari_user):
        return []
    try:
        async with open_ari(settings) as ari:
            return await _knock_by_ari(ari, await _engines(settings, lambda name: _global(ari, name)))
    except FaultError:
        return [Finding(MEDIA, "warn", "could not be tried: see asterisk ARI")]


async def look_at_api(patient: Patient) -> list[Finding]:
    """Every API that the dialplan knows, asked from Asterisk."""
    settings = patient.settings
    if not (settings.asterisk_ari_url and settings.asterisk_ami_user):
        return []
    try:
        async with open_ami(settings) as ami:
            addresses = await _numbered(lambda name: _variable(ami, name), "CE_API")
            return [await _fetch(settings, ami, address) for address in addresses]
    except FaultError:
        return [Finding(API, "warn", "could not be tried: see asterisk AMI")]


async def _numbered(read: Ask, name: str) -> list[str]:
    """CE_ENGINE_1, CE_ENGINE_2 … up to the first that is not set, as the dialplan reads them."""
    found: list[str] = []
    while len(found) < NODES and (value := await read(f"{name}_{len(found) + 1}")):
        found.append(value)
    return found


async def _engines(settings: Settings, read: Ask) -> list[str]:
    """The addresses of the shipped dialplan; else, where AMI may read it, those of whatever dialplan there is."""
    engines = await _numbered(read, "CE_ENGINE")
    if engines or not settings.asterisk_ami_user:
        return engines
    async with open_ami(settings) as ami:
        uses = uses_of(steps_of(await ask_ami(ami, "ShowDialPlan")))
        found = [await _address(ami, use.address) for use in uses]
    return sorted({address for address in found if address})


async def _knock_by_ari(ari: httpx.AsyncClient, engines: list[str]) -> list[Finding]:
    if not engines:
        mend = "set CE_ENGINE_1 in settings.conf of docker/asterisk (or give AMI, to read another dialplan)"
        return [Finding(MEDIA, "warn", "no address of an engine found in Asterisk", mend)]
    return [await _knock(ari, address) for address in engines]


async def _knock(ari: httpx.AsyncClient, address: str) -> Finding:
    began = trio.current_time()
    response = await ask_ari(
        ari, "POST", "channels/externalMedia", app="callengine-doctor", external_host=address, data=str(KNOCK),
        encapsulation="audiosocket", transport="tcp", format="slin",
    )  # fmt: skip
    seconds = trio.current_time() - began
    if response.is_success:
        return Finding(MEDIA, "ok", f"Asterisk reaches the engine at {address}")
    if response.status_code == HTTPStatus.FORBIDDEN:
        return Finding(MEDIA, "warn", "ARI may not be asked to try the engine's port", "read_only = no in ari.conf")
    if seconds > DROPPED_SECONDS:
        mend = "a firewall between them drops the packets, or the address is wrong: CE_ENGINE_1 in settings.conf"
        return Finding(MEDIA, "fail", f"Asterisk gets no answer from {address}", mend)
    mend = "start the engine; AUDIOSOCKET_HOST must let Asterisk in (0.0.0.0), and CE_ENGINE_1 be its address there"
    return Finding(MEDIA, "fail", f"nothing listens at {address}, where Asterisk looks for the engine", mend)


async def _fetch(settings: Settings, ami: httpx.AsyncClient, address: str) -> Finding:
    """What the dialplan does after each call: ask for an outcome."""
    token = await _variable(ami, "CE_TOKEN")
    ours = settings.api_token.get_secret_value() if settings.api_token else ""
    if token != ours and (token or ours):
        mend = "make CE_TOKEN in settings.conf the engine's API_TOKEN; then in Asterisk: dialplan reload"
        return Finding(API, "fail", "CE_TOKEN of the dialplan is not API_TOKEN of the engine", mend)
    path = "/health" if token else f"/api/v1/calls/{KNOCK}/outcome"
    said = await _variable(ami, f"CURL({address}{path})")
    if said == "retry" or '"parts"' in said:
        return Finding(API, "ok", f"Asterisk's CURL() reaches the API at {address}")
    if not said:
        mend = "start the engine; API_HOST must let Asterisk in (0.0.0.0), and CE_API_1 be its address from there"
        return Finding(API, "fail", f"Asterisk's CURL() gets nothing from {address}", mend)
    if "401" in said:
        mend = "set API_TOKEN for the engine and the same as CE_TOKEN in settings.conf"
        return Finding(API, "fail", f"the API at {address} refuses Asterisk", mend)
    return Finding(API, "fail", f"what answers at {address} is not the engine's API", "CE_API_1 in settings.conf")


async def _global(ari: httpx.AsyncClient, name: str) -> str:
    answer = json_of(ari, await ask_ari(ari, "GET", "asterisk/variable", variable=name))
    return str(answer.get("value", ""))


async def _variable(ami: httpx.AsyncClient, name: str) -> str:
    """A global variable, or a function that needs no channel; empty where there is none. Not EVAL(): for that AMI wants
    rights that docker/asterisk/manager.conf does not give."""
    return (await ask_ami(ami, "Getvar", variable=name))[0].get("Value", "").strip()


async def _address(ami: httpx.AsyncClient, written: str) -> str:
    """An address as the dialplan writes it: as it is, or a global variable's value; empty where it is made of more."""
    if "$" not in written:
        return written
    name = re.fullmatch(r"\$\{(?:GLOBAL\()?(\w+)\)?\}", written)
    return await _variable(ami, name[1]) if name else ""
