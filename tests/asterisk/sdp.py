"""The little of SDP (RFC 4566, RFC 3264) that two telephones with A-law need. Pure."""

import re
from dataclasses import dataclass
from typing import Literal

from tests.asterisk.rtp import PCMA, TELEPHONE_EVENT

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]


@dataclass(frozen=True, slots=True)
class Media:
    """Where the other side wants its RTP, and which way it goes as it sees it."""

    host: str
    port: int
    direction: Direction


def describe(host: str, port: int, ptime_ms: int, direction: Direction = "sendrecv", version: int = 1) -> str:
    """An offer or answer: A-law and telephone events at host and port. `version` grows with each change."""
    lines = (
        "v=0",
        f"o=- 1 {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {PCMA} {TELEPHONE_EVENT}",
        f"a=rtpmap:{PCMA} PCMA/8000",
        f"a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000",
        f"a=fmtp:{TELEPHONE_EVENT} 0-16",
        f"a=ptime:{ptime_ms}",
        f"a=maxptime:{max(ptime_ms, 20)}",
        f"a={direction}",
    )
    return "".join(f"{line}\r\n" for line in lines)


def media_of(body: str) -> Media | None:
    """The audio of an offer or answer; None where it has none that we can use."""
    address = re.search(r"^c=IN IP4 (\S+)", body, re.MULTILINE)
    audio = re.search(r"^m=audio (\d+) RTP/AVP ([\d ]+)", body, re.MULTILINE)
    if address is None or audio is None or str(PCMA) not in audio[2].split():
        return None
    way = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$", body, re.MULTILINE)
    direction: Direction = way[1] if way else "sendrecv"  # type: ignore[assignment]  # the pattern has only these
    return Media(address[1], int(audio[1]), direction)
