"""SIP messages (RFC 3261, sections 7 and 20): requests and responses as text over UDP. Pure."""

import re
from dataclasses import dataclass, field
from secrets import token_hex

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Message:
    """A request where `status` is 0, else a response. Headers keep their order; a name may come more than once."""

    method: str  # of a response: the one in its CSeq
    uri: str = ""
    status: int = 0
    phrase: str = ""
    headers: Headers = field(default_factory=list)
    body: str = ""

    def get(self, name: str) -> str:
        """The first header of that name, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def get_all(self, name: str) -> list[str]:
        """Every header of that name."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def sequence(self) -> int:
        """The number in CSeq."""
        return int(self.get("CSeq").split()[0])

    def first_line(self) -> str:
        """What says which message this is."""
        return f"SIP/2.0 {self.status} {self.phrase}" if self.status else f"{self.method} {self.uri} SIP/2.0"

    def encode(self) -> bytes:
        """The datagram."""
        body = self.body.encode()
        headers = [*self.headers, ("Content-Length", str(len(body)))]
        lines = [self.first_line(), *(f"{name}: {value}" for name, value in headers), "", ""]
        return "\r\n".join(lines).encode() + body


def decode(datagram: bytes) -> Message:
    """The message of a datagram. Raises ValueError where it is none."""
    head, _, body = datagram.decode(errors="replace").partition("\r\n\r\n")
    first, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
    headers = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    if first.startswith("SIP/2.0 "):
        _, status, phrase = (*first.split(" ", 2), "")[:3]
        method = dict(headers).get("CSeq", "").partition(" ")[2].strip()
        return Message(method, status=int(status), phrase=phrase, headers=headers, body=body)
    parts = first.split(" ")
    if len(parts) != 3 or parts[2] != "SIP/2.0":
        raise ValueError(f"no SIP message begins with {first[:80]!r}")
    return Message(parts[0], uri=parts[1], headers=headers, body=body)


def new_branch() -> str:
    """A transaction's id (RFC 3261, section 8.1.1.7)."""
    return "z9hG4bK" + token_hex(8)


def quoted(name: str) -> str:
    """A display name as a quoted string (RFC 3261, section 25.1); any UTF-8 may stand in it."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def uri_of(header: str) -> str:
    """The URI of a From, To or Contact header."""
    found = re.search(r"<([^>]+)>", header)
    return found[1] if found else header.partition(";")[0].strip()


def tag_of(header: str) -> str:
    """The tag of a From or To header, or nothing."""
    found = re.search(r";tag=([^;>\s]+)", header)
    return found[1] if found else ""
