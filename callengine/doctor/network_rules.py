"""The network table: round trips against what is required, and the uplink that streams want. Pure.

The users' plan: Asterisk to engine < 5 ms, engine to Store < 10 ms, an internet of 10 Mbit/s for 50 streams."""

import math
from collections.abc import Sequence

from callengine.doctor.figures import percentile, shown_ms
from callengine.doctor.findings import Finding

CHECK = "network"
PLANNED_KBITS = 200  # a stream: 10 Mbit/s for 50
AUDIO_BYTES_A_MS = 16  # 8 kHz, 16 bit
# Around a message: its protobuf fields, gRPC's length (5), HTTP/2's frame (9), TLS's record (22).
BYTES_OF_A_MESSAGE = 12 + 5 + 9 + 22
BYTES_OF_A_PACKET = 20 + 32 + 14  # IP, TCP with time stamps, Ethernet
PAYLOAD_OF_A_PACKET = 1400


def judge_round_trip(who: str, samples: Sequence[float], limit_seconds: float, *, near: bool) -> Finding:
    """`samples`: seconds of TCP handshakes, which the kernel timed. What is near and too far fails."""
    middle, most = percentile(samples, 0.5), max(samples)
    figures = f"{shown_ms(middle)} (at most {shown_ms(most)} of {len(samples)} handshakes)"
    says = f"{who}: round trip {figures}, wanted < {limit_seconds * 1000:.0f} ms"
    if middle >= limit_seconds:
        mend = "bring both onto one network (one switch, no VPN between)" if near else "a location nearer by"
        return Finding(CHECK, "fail" if near else "warn", says, mend)
    if percentile(samples, 0.9) >= limit_seconds:
        return Finding(CHECK, "warn", f"{says}: it varies", "a busy link or machine between: mtr shows where")
    return Finding(CHECK, "ok", says)


def stream_kbits(chunk_ms: int) -> float:
    """What one stream of a recogniser sends, in kbit/s on the wire, with a message of audio each `chunk_ms`."""
    message = AUDIO_BYTES_A_MS * chunk_ms + BYTES_OF_A_MESSAGE
    wire = message + math.ceil(message / PAYLOAD_OF_A_PACKET) * BYTES_OF_A_PACKET
    return wire * 8 / chunk_ms


def tell_uplink(to: str, streams: int, chunk_ms: int, *, gated: bool) -> Finding:
    """What `streams` at once want of the way to the recogniser. It is reckoned: a measurement would have to fill a line
    that others use, against somebody who is paid by the second."""
    each = stream_kbits(chunk_ms)
    most = " at most (STT_GATE=on)" if gated else ""
    says = (
        f"uplink to {to}: MAX_CALLS={streams} streams send {each * streams / 1000:.1f} Mbit/s{most}, {each:.0f} kbit/s "
        f"each; plan {PLANNED_KBITS * streams / 1000:.0f} Mbit/s; reckoned, not measured"
    )
    return Finding(CHECK, "note", says, "measure what the line holds: iperf3, or the provider's own test")
