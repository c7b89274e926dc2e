"""What a measurement of many calls comes to: pure arithmetic on frame stamps. DESIGN section 6 defines the terms."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from callengine.caller.crowd import FRAME_NS, CallLog, Measurement

GAP_NS = 2 * FRAME_NS
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of a set of times, in milliseconds; all zero where there was none."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    p999: float = 0.0
    max: float = 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """A run of `callengine load`. A deviation is |spacing of two frames - 20 ms|, a gap a spacing over 40 ms."""

    calls: int
    held: int
    refused: int
    ended: dict[str, int]  # calls the server ended, by how; "held" and "refused" are not among them
    frames: int
    gaps: int
    deviation_ms: Spread
    first_audio_ms: Spread  # connection -> first audible frame
    calls_with_audio: int
    generator_lateness_ms: Spread
    generator_cores: float
    kernel_stamps: bool
    wall_seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def spread(nanoseconds: NDArray[np.int64]) -> Spread:
    """Percentiles of nanoseconds, as milliseconds."""
    if not nanoseconds.size:
        return Spread()
    values = np.percentile(nanoseconds, (50, 95, 99, 99.9, 100)) / _NS_PER_MS
    return Spread(*(round(float(value), 3) for value in values))


def spacings(log: CallLog) -> NDArray[np.int64]:
    """Nanoseconds between a call's consecutive frames."""
    return np.diff(np.frombuffer(log.stamps, dtype=np.int64)[: log.frames])


def summarise(measurement: Measurement) -> Figures:
    """The figures of a run."""
    logs = measurement.logs
    outcomes = Counter(log.outcome for log in logs)
    between = np.concatenate([np.zeros(0, np.int64), *map(spacings, logs)])
    greeted = [log.first_audible - log.connected for log in logs if log.first_audible]
    return Figures(
        calls=len(logs),
        held=outcomes.pop("held", 0),
        refused=outcomes.pop("refused", 0),
        ended=dict(outcomes),
        frames=sum(log.frames for log in logs),
        gaps=int(np.count_nonzero(between > GAP_NS)),
        deviation_ms=spread(np.abs(between - FRAME_NS)),
        first_audio_ms=spread(np.array(greeted, np.int64)),
        calls_with_audio=len(greeted),
        generator_lateness_ms=spread(np.frombuffer(measurement.lateness, dtype=np.int64)),
        generator_cores=round(measurement.cpu_seconds / max(measurement.wall_seconds, 1e-9), 3),
        kernel_stamps=measurement.kernel_stamps,
        wall_seconds=round(measurement.wall_seconds, 2),
    )
