"""Figures of a run: the arithmetic on stamps."""

from array import array

from callengine.caller.crowd import CallLog, Measurement
from callengine.caller.figures import Spread, summarise

MS = 1_000_000


def log(*stamps_ms: int, outcome: str = "held", first_audible: int = 0) -> CallLog:
    stamps = array("q", [stamp * MS for stamp in stamps_ms] + [0] * 5)
    return CallLog(stamps, len(stamps_ms), connected=0, first_audible=first_audible * MS, outcome=outcome)


def test_spacings_deviations_and_gaps() -> None:
    logs = [
        log(0, 20, 45, 60, first_audible=10),  # 20, 25, 15
        log(5, 45, 86, first_audible=30),  # 40 is late but no gap, 41 is one
        log(outcome="refused"),
        log(0, outcome="hung_up"),
    ]
    figures = summarise(Measurement(logs, array("q", [1 * MS, 3 * MS]), wall_seconds=2.0, cpu_seconds=1.0))
    assert (figures.calls, figures.held, figures.refused, figures.ended) == (4, 2, 1, {"hung_up": 1})
    assert (figures.frames, figures.gaps) == (8, 1)
    assert figures.deviation_ms.p50 == 5.0
    assert figures.deviation_ms.max == 21.0
    assert figures.first_audio_ms.p50 == 20.0
    assert figures.calls_with_audio == 2
    assert figures.generator_lateness_ms.p50 == 2.0
    assert figures.generator_cores == 0.5


def test_a_run_without_a_frame_has_figures_too() -> None:
    figures = summarise(Measurement([log(outcome="refused")], array("q")))
    assert figures.deviation_ms == figures.generator_lateness_ms == Spread()
    assert figures.refused == 1
