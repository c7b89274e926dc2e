"""How one of Google's services is reached: our identity, the proxy; or a stand-in, in the clear."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.request import getproxies, proxy_bypass

import grpc.aio

from backends.google_cloud.credentials import Identity, channel_credentials, find_identity

Option = tuple[str, Any]
Connect = Callable[[], grpc.aio.Channel]


async def way_in(settings: Any, address: str, plaintext: bool, options: tuple[Option, ...]) -> tuple[str, Connect]:
    """The project, and how to connect: in the clear without credentials, or over TLS as who we are."""
    if plaintext:
        options = (*options, ("grpc.enable_http_proxy", 0))
        return settings.google_cloud_project or "-", partial(grpc.aio.insecure_channel, address, options=options)
    identity: Identity = await find_identity(settings.google_application_credentials)
    options = (*options, proxy_option(address))
    return settings.google_cloud_project or identity.project, partial(_connect, address, identity, options)


def proxy_option(address: str) -> Option:
    """gRPC reads https_proxy and no_proxy in small letters alone; HTTPS_PROXY and NO_PROXY count as well."""
    proxy = getproxies().get("https", "")
    if not proxy or proxy_bypass(address):
        return "grpc.enable_http_proxy", 0
    return "grpc.http_proxy", proxy if "://" in proxy else f"http://{proxy}"


def _connect(address: str, identity: Identity, options: tuple[Option, ...]) -> grpc.aio.Channel:
    return grpc.aio.secure_channel(address, channel_credentials(identity), options=options)
