"""whisper-server without some of its parts: `python -m tests.bench.stt_server [windows] [batching] …`, for an ablation.

workers      one batch at a time, by as many threads as there are cores
windows      every utterance in Whisper's window of 30 s
batching     one utterance at a time
speculation  nothing is decoded before the end of an utterance is certain
shedding     interims are never given up, and have no bound on their share of the model's time
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from whisper_server import decoding, windows
from whisper_server.main import main
from whisper_server.schedule import Entry, Rules, Step, Urgency, interims_resume, is_hopeless, next_step

PARTS = ("workers", "windows", "batching", "speculation", "shedding")


def without(parts: Sequence[str]) -> None:
    """Take the parts out of this process's server."""

    def changed(rules: Rules) -> Rules:
        if "batching" in parts:
            rules = replace(rules, most=1)
        if "shedding" in parts:
            rules = replace(rules, interim_patience=1e9, interim_share=1.0)
        return rules

    def step(waiting: Sequence[Entry], now: float, interims_from: float, rules: Rules, idle: int) -> Step:
        if "speculation" in parts:
            waiting = [entry for entry in waiting if entry.urgency is not Urgency.EARLY]
        return next_step(waiting, now, interims_from, changed(rules), idle)

    def resume(batch: Sequence[Entry], began: float, ended: float, rules: Rules) -> float:
        return interims_resume(batch, began, ended, changed(rules))

    def hopeless(urgency: Urgency, before: int, seconds_off: float, rules: Rules) -> bool:
        return "shedding" not in parts and is_hopeless(urgency, before, seconds_off, rules)

    if "workers" in parts:
        os.environ["WHISPER_WORKERS"] = "1"
    taken: Any = decoding
    taken.next_step, taken.interims_resume, taken.is_hopeless = step, resume, hopeless
    if "windows" in parts:
        windows.WINDOWS_SECONDS = (30.0,)  # type: ignore[assignment]


if __name__ == "__main__":
    without(sys.argv[1:])
    main([])
