"""ARI, the part that works while a channel is in `AudioSocket()`: reading, a global variable, ending a channel.

Everything that writes to such a channel answers 409 "Channel not in Stasis application" (Asterisk 22.10.1)."""

from http import HTTPStatus
from urllib.parse import quote

import httpx

from callengine.errors import ConfigError, ServiceError
from callengine.services.asterisk_channels import Channel, channel_of_json


async def check_ari(client: httpx.AsyncClient) -> None:
    """Ask for something small. Raises ServiceError, or ConfigError where the user is refused."""
    await _ask(client, "GET", "/ari/asterisk/info?only=system")


async def read_channels(client: httpx.AsyncClient) -> list[Channel]:
    """Every channel that is up. Raises ServiceError."""
    response = await _ask(client, "GET", "/ari/channels")
    try:
        return [channel_of_json(item) for item in response.json()]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ServiceError(f"ARI at {client.base_url}: the answer is no list of channels") from None


async def read_variable(client: httpx.AsyncClient, channel: Channel, name: str) -> str:
    """A variable or function of a channel; empty where there is none. Raises ServiceError."""
    path = f"/ari/channels/{quote(channel.id, safe='')}/variable"
    response = await _ask(client, "GET", path, {"variable": name}, missing_is_fine=True)
    try:
        return str(response.json().get("value", ""))
    except (ValueError, AttributeError):
        return ""


async def set_global(client: httpx.AsyncClient, name: str, value: str) -> None:
    """Set a global variable of the dialplan; acknowledged on return. Raises ServiceError."""
    await _ask(client, "POST", "/ari/asterisk/variable", {"variable": name, "value": value})


async def end_channel(client: httpx.AsyncClient, channel: Channel) -> bool:
    """End a channel. False when it is gone already. Raises ServiceError."""
    path = f"/ari/channels/{quote(channel.id, safe='')}"
    response = await _ask(client, "DELETE", path, {"reason": "normal"}, missing_is_fine=True)
    return response.status_code != HTTPStatus.NOT_FOUND


async def _ask(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    query: dict[str, str] | None = None,
    *,
    missing_is_fine: bool = False,
) -> httpx.Response:
    try:
        response = await client.request(method, path, params=query)
    except httpx.HTTPError as error:
        raise ServiceError(f"ARI at {client.base_url}: cannot be reached ({type(error).__name__})") from None
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise ConfigError("ASTERISK_ARI_PASSWORD", f"Asterisk at {client.base_url} refuses this user and password")
    if response.is_success or (missing_is_fine and response.status_code == HTTPStatus.NOT_FOUND):
        return response
    raise ServiceError(f"ARI at {client.base_url}: {method} {path.split('?')[0]} answers {response.status_code}")
