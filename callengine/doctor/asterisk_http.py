"""Asking a real Asterisk, over its one HTTP server: ARI as it is, AMI by `/rawman`. Each refusal names its mend.

Nothing here changes anything in Asterisk but one connection that it is asked to make, which ends at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx

from callengine.config import Settings
from callengine.doctor.figures import shown_url
from callengine.doctor.findings import FaultError
from callengine.services.asterisk import base_of, open_http
from callengine.services.asterisk_channels import fields_of


@asynccontextmanager
async def open_ari(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client that speaks for the ARI user; relative paths begin behind `/ari/`."""
    password = settings.asterisk_ari_password
    auth = (settings.asterisk_ari_user, password.get_secret_value() if password else "")
    async with open_http(f"{base_of(settings.asterisk_ari_url)}/ari/", auth) as client:
        yield client


@asynccontextmanager
async def open_ami(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client that is logged in as the AMI user. Raises FaultError."""
    password = settings.asterisk_ami_password
    secret = password.get_secret_value() if password else ""
    async with open_http(base_of(settings.asterisk_ari_url), None) as client:
        said = await ask_ami(client, "Login", username=settings.asterisk_ami_user, secret=secret, events="off")
        if said[0].get("Response") != "Success":
            raise FaultError(
                f"{place_of(client)} refuses AMI user {settings.asterisk_ami_user!r}",
                "ASTERISK_AMI_USER and ASTERISK_AMI_PASSWORD must be those of a section of manager.conf that permits "
                "this address; then in Asterisk: manager reload",
            )
        yield client


async def ask_ari(client: httpx.AsyncClient, method: str, path: str, **query: str) -> httpx.Response:
    """One request. Raises FaultError where Asterisk cannot be reached, has no ARI, or refuses the user."""
    try:
        response = await client.request(method, path, params=query)
    except httpx.HTTPError as error:
        raise _away(client, error) from None
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise FaultError(
            f"{place_of(client)} refuses ARI user and password",
            "ASTERISK_ARI_USER and ASTERISK_ARI_PASSWORD must be those of a section of ari.conf; then in Asterisk: "
            "module reload res_ari",
        )
    return response


def json_of(client: httpx.AsyncClient, response: httpx.Response) -> Any:
    """What ARI answered. Raises FaultError for what is not ARI's JSON."""
    if response.is_success:
        try:
            return response.json()
        except ValueError:
            pass  # told below
    raise FaultError(
        f"{place_of(client)} answers {response.status_code}, which is not ARI",
        "ASTERISK_ARI_URL must be the address of Asterisk's HTTP server, like http://asterisk:8088; enabled = yes in "
        "http.conf and ari.conf, res_ari.so loaded",
    )


async def ask_ami(client: httpx.AsyncClient, action: str, **fields: str) -> list[dict[str, str]]:
    """One action: the blocks of the answer, the first is the response. Raises FaultError."""
    try:
        response = await client.post("/rawman", data={"action": action, **fields})
    except httpx.HTTPError as error:
        raise _away(client, error) from None
    if not response.is_success:
        raise FaultError(
            f"{place_of(client)}/rawman answers {response.status_code}: no AMI over HTTP there",
            "webenabled = yes in manager.conf, enabled = yes in http.conf; then in Asterisk: manager reload",
        )
    blocks = response.content.decode("utf-8", "replace").split("\r\n\r\n")
    return [fields_of(block) for block in blocks if block.strip()] or [{}]


def place_of(client: httpx.AsyncClient) -> str:
    """Where it asks, without a user or password that the setting may hold."""
    return shown_url(str(client.base_url))


def _away(client: httpx.AsyncClient, error: httpx.HTTPError) -> FaultError:
    said = str(error) or type(error).__name__
    return FaultError(
        f"Asterisk's HTTP server at {place_of(client)} cannot be reached: {said}",
        "is Asterisk up? ASTERISK_ARI_URL, and enabled = yes, bindaddr and bindport in http.conf",
    )
