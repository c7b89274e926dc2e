"""What a telephone sends, one packet time at a time: recordings, keys, silence, nothing; and what its line loses. Pure.

Timestamps count time whether a packet goes out or not; sequence numbers count packets, those that the line loses too
(RFC 3550, section 5.1)."""

import random
from collections import deque
from dataclasses import dataclass

import numpy as np

from tests.asterisk import alaw, rtp
from tests.asterisk.alaw import Samples

KEY_PAUSE_TICKS = 4  # audio between two keys


@dataclass(frozen=True, slots=True)
class Habits:
    """How a telephone and its line behave. `loss`: the share of packets that never arrive, picked by `seed`.
    `suppresses_silence`: sends nothing while it has nothing to say (DTX). `first_number`: of the first packet."""

    ptime_ms: int = 20
    suppresses_silence: bool = False
    loss: float = 0.0
    seed: int = 0
    first_number: int = 1


@dataclass(slots=True)
class Saying:
    """Speech on its way out, as A-law in whole packets."""

    payload: bytes
    position: int = 0
    done: bool = False


@dataclass(slots=True)
class Pressing:
    """A key on its way: events while it is down, its end three times (RFC 4733, section 2.5.1.4), then a pause."""

    key: str
    ticks: int
    began: int = 0
    done: bool = False
    tick: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """A packet of one tick; `lost`: it is not to reach the other side."""

    packet: rtp.Packet
    lost: bool = False


class Mouth:
    """The sending side of a telephone. `muted`: it sends nothing, and what is being said is said to nobody."""

    def __init__(self, habits: Habits) -> None:
        self.muted = False
        self._habits = habits
        self._samples = 8 * habits.ptime_ms
        self._silence = bytes([alaw.SILENCE]) * self._samples
        self._doing: deque[Saying | Pressing] = deque()
        self._chance = random.Random(habits.seed)
        self._ssrc = self._chance.getrandbits(32)
        self._sequence = habits.first_number
        self._timestamp = 0
        self._fresh = True  # the next packet begins a talkspurt

    def say(self, speech: Samples) -> Saying:
        """Speak after what is already waiting; the last packet is filled up with silence."""
        whole = np.pad(speech, (0, -len(speech) % self._samples))
        saying = Saying(alaw.encode(whole), done=not len(whole))
        if not saying.done:
            self._doing.append(saying)
        return saying

    def press(self, keys: str, hold_ms: int = 100) -> list[Pressing]:
        """Press keys one after another, each held for `hold_ms`. Raises ValueError for what is no key."""
        if wrong := [key for key in keys if key not in rtp.KEYS]:
            raise ValueError(f"{wrong[0]!r} is not a telephone key: {rtp.KEYS} are")
        pressings = [Pressing(key, max(1, hold_ms // self._habits.ptime_ms)) for key in keys]
        self._doing.extend(pressings)
        return pressings

    def tick(self) -> list[Sent]:
        """The packets of the next packet time: usually one."""
        sent = self._act()
        self._timestamp = (self._timestamp + self._samples) % 2**32
        return sent

    def _act(self) -> list[Sent]:
        doing = self._doing[0] if self._doing else None
        if isinstance(doing, Pressing):
            sent = self._press(doing)
        elif doing is not None:
            sent = self._audio(self._next_part(doing))
        else:
            sent = [] if self._habits.suppresses_silence else self._audio(self._silence)
        if doing is not None and doing.done:
            self._doing.popleft()
        self._fresh = not sent
        return sent

    def _next_part(self, saying: Saying) -> bytes:
        begin, saying.position = saying.position, saying.position + self._samples
        saying.done = saying.position >= len(saying.payload)
        return saying.payload[begin : saying.position]

    def _press(self, key: Pressing) -> list[Sent]:
        if key.tick == 0:
            key.began = self._timestamp
        key.tick += 1
        key.done = key.tick >= key.ticks + KEY_PAUSE_TICKS
        if key.tick > key.ticks:
            return [] if self._habits.suppresses_silence else self._audio(self._silence)
        released = key.tick == key.ticks
        payload = rtp.key_payload(key.key, key.tick * self._samples, released=released)
        packets = [self._packet(payload, rtp.TELEPHONE_EVENT, key.began) for _ in range(3 if released else 1)]
        return [Sent(packet) for packet in packets if packet is not None]

    def _audio(self, payload: bytes) -> list[Sent]:
        packet = self._packet(payload, rtp.PCMA, self._timestamp)
        return [] if packet is None else [Sent(packet, self._chance.random() < self._habits.loss)]

    def _packet(self, payload: bytes, payload_type: int, timestamp: int) -> rtp.Packet | None:
        if self.muted:
            return None
        sequence, self._sequence = self._sequence, (self._sequence + 1) % 2**16
        first_of_key = payload_type == rtp.TELEPHONE_EVENT and timestamp == self._timestamp
        marker = self._fresh if payload_type == rtp.PCMA else first_of_key
        return rtp.Packet(payload_type, sequence, timestamp, payload, self._ssrc, marker)
