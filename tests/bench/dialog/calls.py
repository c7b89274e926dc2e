"""Callers of the bench: what passed on their wire and when, and what the engine has recorded of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx
import trio

from callengine.caller import wire
from callengine.caller.line import Line, open_line
from callengine.caller.phone import Habits, Phone, open_call
from tests.bench.dialog.sounds import FRAME_SAMPLES, Sound
from tests.bench.engine import BenchEngine

GREETED_SECONDS = 0.6
RECORD_SECONDS = 20.0  # the journal writes behind
SILENCE = bytes(wire.FRAME_BYTES)


class Tap:
    """A Line that keeps the audio that passes, with its times: those of a socket read or written in this process."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._messages = wire.ServerMessages()
        self.sent: list[float] = []
        self.heard: list[tuple[float, bytes]] = []

    def send_nowait(self, message: bytes) -> None:
        self._line.send_nowait(message)
        if message[0] == wire.KIND_AUDIO:
            self.sent.append(trio.current_time())

    async def receive(self) -> bytes:
        data = await self._line.receive()
        now = trio.current_time()
        self.heard += [(now, message.slin) for message in self._messages.feed(data) if isinstance(message, wire.Audio)]
        return data

    def last_sound(self) -> float:
        """When the agent last was no silence."""
        return next((at for at, slin in reversed(self.heard) if slin != SILENCE), float("-inf"))


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sound on the wire; `frame` is its first, among those the caller sent."""

    tap: Tap
    sound: Sound
    frame: int

    def sent(self, sample: int) -> float:
        """When the frame with this sample of it was sent."""
        return self.tap.sent[self.frame + sample // FRAME_SAMPLES]

    @property
    def over(self) -> float:
        """When its last frame was sent."""
        return self.tap.sent[self.frame + self.sound.frames - 1]


@dataclass
class Caller:
    """One call: `said` in order, `record` once it is over."""

    phone: Phone
    tap: Tap
    said: list[Utterance] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)

    async def say(self, sound: Sound) -> bool:
        """Put a sound on the line; returns when its last frame is out. False: the call has ended."""
        self.said.append(Utterance(self.tap, sound, len(self.tap.sent)))
        done = await self.phone.say(sound.slin)
        if not done:
            self.said.pop()
        return done

    def answers(self) -> list[tuple[Utterance, dict[str, Any]]]:
        """What the record has as the agent's answer, for every sound whose words it has as a turn."""
        turns, found = self.record["turns"], []
        said = {utterance.sound.text: utterance for utterance in self.said if utterance.sound.text}
        for turn, following in pairwise(turns):
            if turn["role"] == "caller" and following["role"] == "agent" and turn["text"] in said:
                found.append((said[turn["text"]], following))
        return found


@asynccontextmanager
async def open_caller(engine: BenchEngine) -> AsyncIterator[Caller]:
    """A call that has been greeted; behind the block its record is there."""
    async with open_line(engine.host, engine.port) as line:
        tap = Tap(line)
        async with open_call(tap, uuid4(), Habits()) as phone:
            caller = Caller(phone, tap)
            await phone.agent_silent(GREETED_SECONDS)
            yield caller
            phone.hang_up()
    caller.record = await _record(engine, str(phone.call_id))


async def _record(engine: BenchEngine, call_id: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        with trio.fail_after(RECORD_SECONDS):
            while True:
                response = await client.get(f"{engine.api}/api/v1/calls/{call_id}")
                if response.status_code == httpx.codes.OK and response.json()["closed_at"] is not None:
                    record: dict[str, Any] = response.json()
                    return record
                await trio.sleep(0.1)
