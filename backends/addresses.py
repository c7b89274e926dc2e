"""Where the services are that nobody's setting moved, as they stand before anything of theirs is imported. Pure."""

from callengine.errors import ConfigError

GOOGLE_SPEECH, GOOGLE_VOICE = "speech.googleapis.com", "texttospeech.googleapis.com"
CLAUDE = "https://api.anthropic.com"
PLAINTEXT = "grpc://"


def address_of(endpoint: str, host: str, location: str, variable: str) -> tuple[str, bool]:
    """`host:port` of one of Google's services, by default `host`, and whether it is in the clear.

    Raises ConfigError for `variable`, the setting of `endpoint`."""
    if not endpoint:
        return (host if location == "global" else f"{location}-{host}") + ":443", False
    address = endpoint.removeprefix(PLAINTEXT)
    name, _, port = address.rpartition(":")
    if endpoint.startswith(PLAINTEXT) and name and port.isdecimal():
        return address, True
    if "/" in endpoint or (":" in endpoint and not port.isdecimal()):
        problem = f"must be host, host:port (both over TLS) or grpc://host:port (in the clear), not {endpoint!r}"
        raise ConfigError(variable, problem)
    return (endpoint if ":" in endpoint else f"{endpoint}:443"), False
