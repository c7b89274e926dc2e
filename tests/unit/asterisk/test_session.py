"""Two telephones that call each other without a network: every way a call begins and ends."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.asterisk import sip
from tests.asterisk.session import Ending, Place, Session

CALLER, CALLED = Place("127.0.0.1", 5080, 40000), Place("127.0.0.1", 5070, 40002, ptime_ms=30, user="operator")
URI = "sip:operator@127.0.0.1:5070"


class Line:
    """Carries messages between two phones; `lines` are their first lines."""

    def __init__(self) -> None:
        self.caller, self.called = Session(CALLER), Session(CALLED)
        self.lines: list[str] = []
        self._waiting: deque[tuple[Session, sip.Message]] = deque()

    def carry(self, sender: Session, messages: list[sip.Message]) -> None:
        """Deliver messages, and what comes back, until nothing is on its way."""
        other = self.called if sender is self.caller else self.caller
        self._waiting.extend((other, message) for message in messages)
        while self._waiting:
            receiver, message = self._waiting.popleft()
            self.lines.append(message.first_line().removeprefix("SIP/2.0 ").partition(" ")[0])
            back = receiver.receive(sip.decode(message.encode()))
            self._waiting.extend((self.called if receiver is self.caller else self.caller, item) for item in back)

    def ring(self) -> None:
        """As far as an INVITE that rings."""
        self.carry(self.caller, self.caller.invite(URI, 'Анна "А"', {"X-Call-UUID": "1"}))
        self.carry(self.called, self.called.ring())

    def up(self) -> None:
        """A call that is up."""
        self.ring()
        self.carry(self.called, self.called.answer())


@pytest.fixture
def line() -> Line:
    return Line()


def test_a_call_is_answered_and_both_know_where_audio_goes(line: Line) -> None:
    line.up()
    assert line.lines == ["INVITE", "180", "200", "ACK"]
    assert (line.caller.state, line.called.state) == ("up", "up")
    assert line.caller.media is not None
    assert line.called.media is not None
    assert (line.caller.media.port, line.called.media.port) == (40002, 40000)
    assert line.called.offered is not None
    assert line.called.offered.get("X-Call-UUID") == "1"
    assert line.called.offered.get("From").startswith('"Анна \\"А\\"" <sip:tester@')
    assert line.caller.unanswered == []


@pytest.mark.parametrize("who", ["caller", "called"])
def test_either_hangs_up(who: str, line: Line) -> None:
    line.up()
    one, other = (line.caller, line.called) if who == "caller" else (line.called, line.caller)
    line.carry(one, one.hang_up())
    assert line.lines[4:] == ["BYE", "200"]
    assert (one.ending, other.ending) == (Ending("us"), Ending("them"))
    assert one.unanswered == other.unanswered == []
    assert one.hang_up() == []


def test_a_call_that_rings_is_taken_back(line: Line) -> None:
    line.ring()
    line.carry(line.caller, line.caller.hang_up())
    assert line.lines[2:] == ["CANCEL", "200", "487", "ACK"]
    assert line.caller.ending == Ending("us", 487)
    assert line.called.ending == Ending("them", 487)


def test_a_call_taken_back_before_it_rings_is_cancelled_when_it_does(line: Line) -> None:
    line.carry(line.caller, line.caller.invite(URI))
    line.carry(line.caller, line.caller.hang_up())
    assert line.lines == ["INVITE"]
    line.carry(line.called, line.called.ring())
    assert line.lines == ["INVITE", "180", "CANCEL", "200", "487", "ACK"]


def test_a_call_answered_while_it_is_taken_back_is_ended(line: Line) -> None:
    line.carry(line.caller, line.caller.invite(URI))
    line.carry(line.caller, line.caller.hang_up())
    line.carry(line.called, line.called.answer())
    assert line.lines == ["INVITE", "200", "ACK", "BYE", "200"]
    assert (line.caller.state, line.called.state) == ("over", "over")


@pytest.mark.parametrize("status", [480, 486, 603])
def test_a_refusal(status: int, line: Line) -> None:
    line.ring()
    line.carry(line.called, line.called.refuse(status))
    assert line.lines[2:] == [str(status), "ACK"]
    assert line.caller.ending == Ending("them", status)


def test_hold_and_back(line: Line) -> None:
    line.up()
    line.carry(line.caller, line.caller.turn("sendonly"))
    held = line.called.media
    line.carry(line.caller, line.caller.turn("sendrecv"))
    back = line.called.media
    assert held is not None
    assert back is not None
    assert (held.direction, back.direction) == ("sendonly", "sendrecv")
    assert line.lines[4:] == ["INVITE", "200", "ACK"] * 2
    assert not line.caller.unanswered_offer


def test_a_phone_in_a_call_is_busy(line: Line) -> None:
    line.up()
    third = Session(Place("127.0.0.1", 5090, 40004))
    (invite,) = third.invite(URI)
    (refusal,) = line.called.receive(sip.decode(invite.encode()))
    assert refusal.status == 486
    assert line.called.state == "up"


def test_the_end_of_a_call_that_another_phone_had_here_is_not_ours(line: Line) -> None:
    other = Line()
    other.up()
    line.ring()
    (bye,) = other.caller.hang_up()
    (answer,) = line.called.receive(bye)
    assert answer.status == 481
    assert line.called.receive(answer) == []
    assert line.called.state == "ringing"
    line.carry(line.called, line.called.answer())
    cancel = sip.Message("CANCEL", uri=bye.uri, headers=bye.headers)
    assert [reply.status for reply in line.called.receive(cancel)] == [481]
    assert (line.called.state, line.called.ending) == ("up", None)


def test_a_phone_that_ignores_a_call_says_nothing_when_it_comes_again(line: Line) -> None:
    (invite,) = line.caller.invite(URI)
    assert line.called.receive(invite) == line.called.receive(invite) == []
    assert line.caller.unanswered == [invite]


@given(st.integers(1, 3))
def test_what_comes_again_gets_the_same_answer(times: int) -> None:
    line = Line()
    line.up()
    (bye,) = line.caller.hang_up()
    answers = [line.called.receive(sip.decode(bye.encode())) for _ in range(1 + times)]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0].status == 200


def test_an_answer_that_comes_again_is_acknowledged_again() -> None:
    line = Line()
    (invite,) = line.caller.invite(URI)
    line.called.receive(invite)
    (answer,) = line.called.answer()
    for _ in range(2):
        (acknowledgement,) = line.caller.receive(answer)
        assert acknowledgement.method == "ACK"


def test_a_reason_for_the_end_is_kept(line: Line) -> None:
    line.up()
    (bye,) = line.called.hang_up()
    bye.headers.append(("Reason", "Q.850;cause=16"))
    line.carry(line.called, [bye])
    assert line.caller.ending == Ending("them", reason="Q.850;cause=16")


@given(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])))
def test_any_name_is_a_quoted_string(name: str) -> None:
    quoted = sip.quoted(name)
    assert quoted[1:-1].replace("\\\\", "\0").replace('\\"', '"').replace("\0", "\\") == name
