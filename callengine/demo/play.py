"""The call itself: the caller says each recording in its turn, while the record is followed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import trio

from callengine.api.records import CallView
from callengine.caller.address import parse_address
from callengine.caller.phone import Habits, Phone, describe_ending, open_phone
from callengine.caller.recording import open_recording
from callengine.caller.wire import Dropped
from callengine.demo.events import AgentHeard, CallerSays, Connected, Ended, Show
from callengine.demo.record import Follower
from callengine.demo.report import Spoken
from callengine.demo.speech import AGENT_VOICE, VOICES, Language, Utterance

PAUSE_SECONDS = 0.8  # the agent has stopped
OVER_SECONDS = 1.2  # of the agent's answer, before the caller speaks over it
GOODBYE_SECONDS = 30.0  # for the agent's last words and its hang-up
CALL_SECONDS = 300.0


@dataclass(slots=True)
class Played:
    """A call that has been: what was said when, its record, and what went wrong on the wire (one line, or empty)."""

    call_id: UUID
    spoken: list[Spoken] = field(default_factory=list)
    record: CallView | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be said to whom, and where both sides are recorded."""

    language: Language
    utterances: Sequence[Utterance]
    audiosocket: str
    api: str
    recording: Path


def record_url(api: str, call_id: UUID) -> str:
    """Where a call's record is read."""
    return f"http://{api}/api/v1/calls/{call_id}"


async def play_call(plan: Plan, show: Show) -> Played:
    """Hold one call to its end. Raises ServiceError, NotConnectedError, ConfigError."""
    played = Played(uuid4())
    # A proxy named in the environment is for the world outside, not for loopback.
    async with httpx.AsyncClient(trust_env=False) as client:
        follower = Follower(client, record_url(plan.api, played.call_id), played.spoken, show)
        with open_recording(plan.recording) as recording:
            host, port = parse_address(plan.audiosocket)
            async with open_phone(host, port, played.call_id, Habits(PAUSE_SECONDS, recording=recording)) as phone:
                show(Connected(str(played.call_id), VOICES[plan.language], AGENT_VOICE))
                in_time = await _hold(phone, plan.utterances, follower, show)
        played.record = await follower.finish()
    if isinstance(phone.ending, Dropped):
        played.problem = f"Asterisk would have dropped the call: {describe_ending(phone.ending)}"
    elif not in_time:
        played.problem = f"the call was not over after {CALL_SECONDS:g} s"
    return played


async def _hold(phone: Phone, utterances: Sequence[Utterance], follower: Follower, show: Show) -> bool:
    """Talk, and show what is heard and recorded meanwhile; False when it took too long."""
    async with trio.open_nursery() as listening:
        listening.start_soon(_note_events, phone, follower.spoken, show)
        async with trio.open_nursery() as following:
            following.start_soon(follower.run)
            with trio.move_on_after(CALL_SECONDS) as in_time:
                await _talk(phone, utterances, follower.spoken, show)
            following.cancel_scope.cancel("the call is over")
        phone.hang_up()  # which also ends its events
    return not in_time.cancelled_caught


async def _talk(phone: Phone, utterances: Sequence[Utterance], spoken: list[Spoken], show: Show) -> None:
    began = trio.current_time()
    for utterance in utterances:
        if not await (_interrupt(phone) if utterance.over_agent else phone.agent_silent(PAUSE_SECONDS)):
            return
        at = trio.current_time() - began
        spoken.append(Spoken(utterance, at))
        show(CallerSays(utterance.number, utterance.words, at, utterance.over_agent))
        if not await phone.say(utterance.slin):
            return
    with trio.move_on_after(GOODBYE_SECONDS):
        await phone.over()


async def _interrupt(phone: Phone) -> bool:
    """Wait until the agent is well into its answer. A very short answer is not waited for again."""
    if not await phone.agent_speaking():
        return False
    await trio.sleep(OVER_SECONDS)
    return phone.ending is None


async def _note_events(phone: Phone, spoken: Sequence[Spoken], show: Show) -> None:
    async for event in phone.events:
        match event.name:
            case "greeting_started" | "agent_started":
                show(AgentHeard(event.at))
            case "response":
                spoken[-1].response_seconds = event.seconds
                show(AgentHeard(event.at, event.seconds))
            case "hangup":
                show(Ended(event.detail, event.at))
