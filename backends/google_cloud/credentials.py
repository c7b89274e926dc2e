"""Who we are for Google: a service account's key, or what the machine has (workload identity, metadata server)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import google.auth
import google.auth.exceptions
import google.auth.transport.grpc
import google.auth.transport.requests
import grpc
import trio
from google.oauth2 import service_account

from callengine.errors import ConfigError
from callengine.key_file import VARIABLE, read_key_file

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


@dataclass(frozen=True, slots=True)
class Identity:
    """Google's credentials, and the project they belong to ("" where they name none)."""

    credentials: Any
    project: str


async def find_identity(path: Path | None) -> Identity:
    """The identity of a key file, or the machine's. Raises ConfigError."""
    return await trio.to_thread.run_sync(_find, path)


def channel_credentials(identity: Identity) -> grpc.ChannelCredentials:
    """TLS with Google's usual authorities, and a token for each RPC, renewed in gRPC's own threads."""
    request = google.auth.transport.requests.Request()
    plugin = google.auth.transport.grpc.AuthMetadataPlugin(  # type: ignore[no-untyped-call]
        identity.credentials, request
    )
    return grpc.composite_channel_credentials(grpc.ssl_channel_credentials(), grpc.metadata_call_credentials(plugin))


def _find(path: Path | None) -> Identity:
    info: dict[str, Any] = read_key_file(path) if path is not None else {}
    try:
        if info.get("type") == "service_account":
            account = service_account.Credentials
            found = account.from_service_account_info(info, scopes=SCOPES)  # type: ignore[no-untyped-call]
            # Signed here: no token server has to be asked, at the start or in a call.
            return Identity(found.with_always_use_jwt_access(True), found.project_id or "")
        credentials, project = google.auth.default(scopes=SCOPES)
    except (google.auth.exceptions.GoogleAuthError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(VARIABLE, f"no credentials that can be used: {reason}") from None
    return Identity(credentials, project or "")
