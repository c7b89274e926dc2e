"""What a telephone has heard and sent: every packet with its time, and the questions a test asks of them. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tests.asterisk import alaw, rtp
from tests.asterisk.alaw import Samples

SOUND = 200  # an amplitude over -44 dBFS is sound: A-law silence is 8
GAP_SECONDS = 0.040


@dataclass(frozen=True, slots=True)
class Timed:
    """A packet and when it came or went, on Trio's clock. `lost`: sent, but the line kept it."""

    at: float
    packet: rtp.Packet
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Audio:
    """Audio in the order of its packets: `samples`, and for each packet its first sample and its time."""

    samples: Samples
    begins: tuple[int, ...]
    times: tuple[float, ...]

    def time_of(self, position: int) -> float:
        """When the packet with this sample came or went."""
        return self.times[int(np.searchsorted(self.begins, position, side="right")) - 1]


@dataclass(frozen=True, slots=True)
class StreamFaults:
    """What is wrong with a stream of RTP: sequence numbers, and how many packets do not follow the one before in their
    timestamp (`jumps`) or came over 40 ms after it (`gaps`)."""

    lost: tuple[int, ...]
    doubled: tuple[int, ...]
    reordered: tuple[int, ...]
    jumps: int
    gaps: int


def audio_of(packets: Iterable[Timed], *, lost: bool = False) -> Audio:
    """The speech of packets, keys left out, put one behind the other. `lost`: with those that the line kept."""
    kept = [timed for timed in packets if timed.packet.payload_type == rtp.PCMA and (lost or not timed.lost)]
    samples = alaw.decode(b"".join(timed.packet.payload for timed in kept))
    lengths = [len(timed.packet.payload) for timed in kept]
    begins = np.concatenate(([0], np.cumsum(lengths)))[:-1] if kept else np.zeros(0, np.int64)
    return Audio(samples, tuple(int(begin) for begin in begins), tuple(timed.at for timed in kept))


def is_sound(packet: rtp.Packet) -> bool:
    """The packet holds something to be heard."""
    return packet.payload_type == rtp.PCMA and int(np.abs(alaw.decode(packet.payload)).max(initial=0)) > SOUND


def last_sound(said: Samples, frame: int = 160) -> bytes:
    """The last packet of speech in which there is something to be heard, as a telephone sends it."""
    begin = int(np.flatnonzero(np.abs(alaw.through_alaw(said).astype(np.int32)) > SOUND)[-1]) // frame * frame
    last = said[begin : begin + frame]
    return alaw.encode(np.pad(last, (0, frame - len(last))))


def stream_faults(packets: Sequence[Timed]) -> StreamFaults:
    """What is wrong with a stream, apart from what is in it. Around a key there is no audio, as it should be."""
    seen: set[int] = set()
    doubled, reordered, highest = [], [], -1
    for timed in packets:
        number = _unrolled(timed.packet.sequence, highest)
        if number in seen:
            doubled.append(timed.packet.sequence)
        elif number < highest:
            reordered.append(timed.packet.sequence)
        seen.add(number)
        highest = max(highest, number)
    lost = [number % 2**16 for number in range(min(seen, default=0), highest) if number not in seen]
    steps = list(_steps(packets))
    jumps = sum(not after.packet.follows(before.packet) for before, after in steps)
    gaps = sum(after.at - before.at > GAP_SECONDS for before, after in steps)
    return StreamFaults(tuple(lost), tuple(doubled), tuple(reordered), jumps, gaps)


def spacings_ms(packets: Sequence[Timed]) -> list[float]:
    """The time between each two packets of audio."""
    return [1000 * (after.at - before.at) for before, after in _steps(packets)]


def percentile(values: Sequence[float], percent: float) -> float:
    """A percentile of measurements; not a number where there are none."""
    return float(np.percentile(values, percent)) if len(values) else float("nan")


def _steps(packets: Sequence[Timed]) -> Iterator[tuple[Timed, Timed]]:
    """Each two packets of audio with no key between them."""
    for before, after in pairwise(packets):
        if before.packet.payload_type == after.packet.payload_type == rtp.PCMA:
            yield before, after


def _unrolled(sequence: int, near: int) -> int:
    """A sequence number of 16 bits as one that goes on growing, nearest to the highest so far."""
    return sequence if near < 0 else near + (sequence - near + 2**15) % 2**16 - 2**15
