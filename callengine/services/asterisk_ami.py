"""AMI over HTTP (`/rawman`): moving a channel that is in `AudioSocket()`, which ARI cannot.

An error is HTTP 200 too: the body says. A session is a cookie of 60 s; logging in again with it goes on in the same
session, so every use begins with a log-in and no session can have expired. What is sent stands in a form, not in the
address: addresses are logged."""

from dataclasses import dataclass

import httpx
import trio

from callengine.errors import ConfigError, ServiceError
from callengine.ports.control import Place
from callengine.services.asterisk_channels import Channel, channels_of_events, fields_of

SUCCESS = "Success"


@dataclass(frozen=True, slots=True)
class Ami:
    """One AMI user of one Asterisk. `busy` keeps two uses of the one session apart."""

    client: httpx.AsyncClient
    user: str
    password: str
    busy: trio.Lock


async def check_ami(ami: Ami) -> None:
    """Log in. Raises ServiceError, or ConfigError where the user is refused."""
    async with ami.busy:
        await _log_in(ami)


async def list_channels(ami: Ami) -> list[Channel]:
    """Every channel that is up (needs `write = reporting`). Raises ServiceError."""
    async with ami.busy:
        await _log_in(ami)
        return channels_of_events(await _act(ami, "CoreShowChannels"))


async def redirect(ami: Ami, channel: Channel, place: Place) -> None:
    """Move a channel to a place of the dialplan (needs `write = call,reporting`). Raises ServiceError.

    Asterisk says Success for a place that is not there, and then drops the call: so the place is looked up first."""
    async with ami.busy:
        await _log_in(ami)
        await _act(ami, "ShowDialPlan", context=place.context, extension=place.exten)
        where = {"context": place.context, "exten": place.exten, "priority": str(place.priority)}
        await _act(ami, "Redirect", channel=channel.id, **where)


async def drop_channel(ami: Ami, channel: Channel) -> None:
    """End a channel (needs `write = call`). Raises ServiceError."""
    async with ami.busy:
        await _log_in(ami)
        await _act(ami, "Hangup", channel=channel.id)


async def _log_in(ami: Ami) -> None:
    answer = await _send(ami, "Login", username=ami.user, secret=ami.password, events="off")
    if fields_of(answer).get("Response") != SUCCESS:
        address = ami.client.base_url
        raise ConfigError("ASTERISK_AMI_PASSWORD", f"Asterisk at {address} refuses this user and password")


async def _act(ami: Ami, action: str, **fields: str) -> str:
    answer = await _send(ami, action, **fields)
    said = fields_of(answer.partition("\r\n\r\n")[0])
    if said.get("Response") != SUCCESS:
        problem = said.get("Message", "not an answer of AMI")
        raise ServiceError(f"AMI at {ami.client.base_url}: {action}: {problem}")
    return answer


async def _send(ami: Ami, action: str, **fields: str) -> str:
    try:
        response = await ami.client.post("/rawman", data={"action": action, **fields})
    except httpx.HTTPError as error:
        raise ServiceError(f"AMI at {ami.client.base_url}: cannot be reached ({type(error).__name__})") from None
    if not response.is_success:
        wanted = "webenabled = yes in manager.conf, enabled = yes in http.conf"
        raise ServiceError(f"AMI at {ami.client.base_url}: /rawman answers {response.status_code}; it needs {wanted}")
    return response.content.decode("utf-8", "replace")
