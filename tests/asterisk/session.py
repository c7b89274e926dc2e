"""One call as SIP sees it (RFC 3261), from either end: messages in, messages out. Pure, no socket and no time.

Whatever a method or `receive` returns is to be sent; `unanswered` is to be sent again until it is empty."""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Literal

from tests.asterisk.sdp import Direction, Media, describe, media_of
from tests.asterisk.sip import Headers, Message, new_branch, quoted, tag_of, uri_of

State = Literal["idle", "calling", "cancelling", "ringing", "up", "over"]
PHRASES = {180: "Ringing", 200: "OK", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
           486: "Busy Here", 487: "Request Terminated", 603: "Decline"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where this phone is: `port` is SIP's, `rtp_port` its audio's."""

    host: str
    port: int
    rtp_port: int
    ptime_ms: int = 20
    user: str = "tester"

    @property
    def contact(self) -> str:
        """Its own URI."""
        return f"<sip:{self.user}@{self.host}:{self.port}>"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended: who ended it, the status of a refusal (else 0), and the Reason header of a BYE (RFC 3326)."""

    by: Literal["us", "them"]
    status: int = 0
    reason: str = ""


class Session:
    """A call of one phone. `state` and `media` (where our RTP goes) follow the messages."""

    def __init__(self, place: Place) -> None:
        self.state: State = "idle"
        self.media: Media | None = None
        self.ending: Ending | None = None
        self.holding = False
        self.offered: Message | None = None  # the INVITE that came to us
        self._place = place
        self._unanswered: dict[tuple[str, int], Message] = {}
        self._replies: dict[tuple[str, str], Message] = {}  # a request that comes again gets what it got
        self._invite: Message | None = None
        self._provisional = False
        self._call_id = token_hex(12)
        self._local = self._remote = self._target = ""
        self._sequence = 0
        self._version = 0

    @property
    def unanswered(self) -> list[Message]:
        """Requests of ours without a final answer (and, for an INVITE, without any): UDP may have lost them."""
        sent = self._unanswered.values()
        return [message for message in sent if not (message.method == "INVITE" and self._provisional)]

    @property
    def unanswered_offer(self) -> bool:
        """An INVITE of ours has no final answer yet."""
        return any(method == "INVITE" for method, _ in self._unanswered)

    def invite(self, uri: str, name: str = "", headers: Mapping[str, str] | None = None) -> list[Message]:
        """Call somebody. `name` is what they see of us; `headers` go out as they are."""
        assert self.state == "idle", "a phone makes one call"
        self.state = "calling"
        self._local = f"{quoted(name)} " * bool(name) + f"{self._place.contact};tag={token_hex(4)}"
        self._remote, self._target = f"<{uri}>", uri
        self._invite = self._offer("sendrecv", list((headers or {}).items()))
        return [self._invite]

    def hang_up(self) -> list[Message]:
        """End the call, whatever its state: BYE, CANCEL, or a refusal."""
        if self.state == "calling":
            self.state = "cancelling"
            return self._cancel() if self._provisional else []
        if self.state == "ringing":
            return self.refuse(480, by="us")
        if self.state == "up":
            self._end(Ending("us"))
            return [self._request("BYE")]
        return []

    def turn(self, direction: Direction) -> list[Message]:
        """Offer another direction of audio: `sendonly` puts the other side on hold, `sendrecv` takes it back."""
        assert self.state == "up", "hold is for a call that is up"
        self.holding = direction != "sendrecv"
        return [self._offer(direction, [])]

    def ring(self) -> list[Message]:
        """Say that we ring."""
        assert self.offered is not None
        return [self._reply(self.offered, 180)]

    def answer(self) -> list[Message]:
        """Take the call that rings."""
        assert self.offered is not None
        assert self.state == "ringing"
        self.state = "up"
        return [self._reply(self.offered, 200, self._answer_body())]

    def refuse(self, status: int, *, by: Literal["us", "them"] = "us") -> list[Message]:
        """Do not take the call that rings."""
        assert self.offered is not None
        self._end(Ending(by, status))
        return [self._reply(self.offered, status)]

    def receive(self, message: Message) -> list[Message]:
        """Take what came; returns what is to be sent. At the port there may have been another telephone before, and the
        other side may still be ending its call: that one is not ours."""
        ours = message.get("Call-ID") == self._call_id
        if message.status:
            return self._take_response(message) if ours else []
        if message.method == "ACK":
            return []
        key = (message.method, message.get("Via"))
        if key in self._replies:
            return [self._replies[key]]
        if not ours and (tag_of(message.get("To")) or message.method == "CANCEL"):
            return [self._reply(message, 481)]
        return self._take_request(message)

    def _take_response(self, response: Message) -> list[Message]:
        if response.status < 200:
            return self._take_provisional(response)
        request = self._unanswered.pop((response.method, response.sequence), None)
        if response.method != "INVITE":
            return []
        acknowledged = [self._acknowledge(response)]
        if request is None:  # the answer comes again: our ACK was lost
            return acknowledged
        if response.status >= 300:
            if request is self._invite:
                self._end(Ending("us" if self.state == "cancelling" else "them", response.status))
            return acknowledged
        self.media = media_of(response.body) or self.media
        if self.state == "cancelling":  # it was answered before our CANCEL came there
            self.state = "up"
            return acknowledged + self.hang_up()
        if self.state == "calling":
            self.state = "up"
        return acknowledged

    def _take_provisional(self, response: Message) -> list[Message]:
        if response.method != "INVITE" or self._provisional:
            return []
        self._provisional = True
        return self._cancel() if self.state == "cancelling" else []

    def _take_request(self, request: Message) -> list[Message]:
        match request.method:
            case "INVITE" if tag_of(request.get("To")):
                self.media = media_of(request.body) or self.media
                return [self._reply(request, 200, self._answer_body())]
            case "INVITE" if self.state == "idle":
                self._ringing(request)
                return []
            case "INVITE" if self.state == "ringing" and request.get("Call-ID") == self._call_id:
                return []  # we have said nothing, and say nothing still
            case "INVITE":
                return [self._reply(request, 486)]
            case "BYE" if self.state == "over":
                return [self._reply(request, 481)]
            case "BYE":
                self._end(Ending("them", reason=request.get("Reason")))
                return [self._reply(request, 200)]
            case "CANCEL" if self.state == "ringing":
                return [self._reply(request, 200), *self.refuse(487, by="them")]
        return [self._reply(request, 200)]

    def _ringing(self, invite: Message) -> None:
        self.state = "ringing"
        self.offered = invite
        self.media = media_of(invite.body)
        self._call_id = invite.get("Call-ID")
        self._local = f"{invite.get('To')};tag={token_hex(4)}"
        self._remote = invite.get("From")
        self._target = uri_of(invite.get("Contact"))

    def _offer(self, direction: Direction, headers: Headers) -> Message:
        self._version += 1
        body = self._describe(direction)
        self._provisional = False
        return self._request("INVITE", [*headers, ("Content-Type", "application/sdp")], body)

    def _answer_body(self) -> str:
        self._version += 1
        return self._describe("sendrecv" if not self.holding else "sendonly")

    def _describe(self, direction: Direction) -> str:
        return describe(self._place.host, self._place.rtp_port, self._place.ptime_ms, direction, self._version)

    def _request(self, method: str, headers: Headers | None = None, body: str = "") -> Message:
        self._sequence += 1
        lines = [*self._dialog_headers(self._sequence, method, new_branch()), *(headers or [])]
        message = Message(method, uri=self._target, headers=lines, body=body)
        self._unanswered[(method, self._sequence)] = message
        return message

    def _dialog_headers(self, sequence: int, method: str, branch: str, remote: str = "") -> Headers:
        return [
            ("Via", f"SIP/2.0/UDP {self._place.host}:{self._place.port};branch={branch};rport"),
            ("From", self._local),
            ("To", remote or self._remote),
            ("Call-ID", self._call_id),
            ("CSeq", f"{sequence} {method}"),
            ("Contact", self._place.contact),
            ("Max-Forwards", "70"),
        ]

    def _acknowledge(self, response: Message) -> Message:
        """ACK: of a 2xx within the dialog (RFC 3261, 13.2.2.4), of a refusal within the transaction (17.1.1.3)."""
        if response.status < 300:
            self._remote = response.get("To")
            self._target = uri_of(response.get("Contact")) or self._target
            branch = new_branch()
        else:
            branch = response.get("Via").partition("branch=")[2].partition(";")[0]
        headers = self._dialog_headers(response.sequence, "ACK", branch, response.get("To"))
        return Message("ACK", uri=self._target, headers=headers)

    def _cancel(self) -> list[Message]:
        """CANCEL of our INVITE: the same branch and number (RFC 3261, section 9.1)."""
        assert self._invite is not None
        branch = self._invite.get("Via").partition("branch=")[2].partition(";")[0]
        headers = self._dialog_headers(self._invite.sequence, "CANCEL", branch)
        cancel = Message("CANCEL", uri=self._invite.uri, headers=headers)
        self._unanswered[("CANCEL", cancel.sequence)] = cancel
        return [cancel]

    def _reply(self, request: Message, status: int, body: str = "") -> Message:
        to = request.get("To")
        if not tag_of(to):
            to = self._local if request.get("Call-ID") == self._call_id else f"{to};tag={token_hex(4)}"
        headers = [("Via", via) for via in request.get_all("Via")]
        headers += [("From", request.get("From")), ("To", to), ("Call-ID", request.get("Call-ID"))]
        headers += [("CSeq", request.get("CSeq")), ("Contact", self._place.contact)]
        headers += [("Content-Type", "application/sdp")] * bool(body)
        reply = Message(request.method, status=status, phrase=PHRASES[status], headers=headers, body=body)
        self._replies[(request.method, request.get("Via"))] = reply
        return reply

    def _end(self, ending: Ending) -> None:
        self.state = "over"
        self.ending = ending
