"""Whom an engine talks to over the network, as its settings say: the rows of the network table."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from backends.addresses import CLAUDE, GOOGLE_SPEECH, GOOGLE_VOICE, address_of
from callengine.config import Settings

# From the users' network plan: Asterisk's and the Store's. A GPU node stands on the engine's network as the Store does.
# For the internet this is our own word: each answer waits for it once at the recogniser and once at the dialog.
ASTERISK_SECONDS, NEAR_SECONDS, FAR_SECONDS = 0.005, 0.010, 0.100
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Peer:
    """One server: its round trip must be shorter than `limit_seconds`. `near`: on our network, so no proxy is asked,
    and one that is too far fails. `origin`: where it can be asked for the time by HTTP; empty where it cannot."""

    name: str
    variable: str
    host: str
    port: int
    limit_seconds: float
    near: bool
    origin: str = ""


def peers_of(settings: Settings) -> list[Peer]:
    """All that the settings name; parts of the engine's own are on this machine, and not among them. Raises ConfigError
    for an endpoint of Google's that is none."""
    return [*_on_our_network(settings), *_on_the_internet(settings)]


def _on_our_network(settings: Settings) -> Iterator[Peer]:
    if settings.asterisk_ari_url:
        yield _web("Asterisk", "ASTERISK_ARI_URL", settings.asterisk_ari_url, ASTERISK_SECONDS)
    if settings.store_api_url:
        yield _web("the Store", "STORE_API_URL", settings.store_api_url, NEAR_SECONDS)
    if "whisper" in _recognisers(settings):
        for url in filter(None, settings.whisper_url.split(",")):
            host, port = _address(url.strip())
            yield Peer(f"whisper-server at {host}", "WHISPER_URL", host, port, NEAR_SECONDS, True)


def _on_the_internet(settings: Settings) -> Iterator[Peer]:
    if "google" in _recognisers(settings):
        yield _google("Google's recogniser", GOOGLE_SPEECH, "GOOGLE_STT_ENDPOINT", settings)
    if "google" in (settings.tts_backend, settings.tts_fallback):
        yield _google("Google's voice", GOOGLE_VOICE, "GOOGLE_TTS_ENDPOINT", settings)
    if settings.dialog_backend == "claude":
        url = settings.anthropic_base_url or CLAUDE
        host, port = _address(url)
        yield Peer("Claude", "ANTHROPIC_BASE_URL", host, port, FAR_SECONDS, False, _origin(url))


def _recognisers(settings: Settings) -> tuple[str, str]:
    return settings.stt_backend, settings.stt_fallback


def _google(name: str, service: str, variable: str, settings: Settings) -> Peer:
    speech = service == GOOGLE_SPEECH
    endpoint = settings.google_stt_endpoint if speech else settings.google_tts_endpoint
    location = settings.google_stt_location if speech else settings.google_tts_location
    address, plaintext = address_of(endpoint, service, location, variable)
    host, port = _address(f"//{address}")
    return Peer(name, variable, host, port, FAR_SECONDS, False, "" if plaintext else f"https://{address}/")


def _web(name: str, variable: str, url: str, limit_seconds: float) -> Peer:
    host, port = _address(url)
    return Peer(name, variable, host, port, limit_seconds, True, _origin(url))


def _address(url: str) -> tuple[str, int]:
    """Host and port; an empty host, or port 0, where there is none. What is no address is told by whoever uses it."""
    parts = urlsplit(url)
    try:
        return parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", 0


def _origin(url: str) -> str:
    """Scheme, host and port alone: nobody's path, user or password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
