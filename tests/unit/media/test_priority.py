"""REALTIME: the thread that asks gets it, what it starts does not; and a refusal names the mend."""

import os
import threading

import pytest

from callengine.errors import ConfigError
from callengine.media.priority import PRIORITY, take_realtime_priority


def policies() -> tuple[int, int, int, str]:
    """Policy and priority of a thread that took it, the policy of a thread it starts, and why not."""
    found: list[int] = []
    refused = ""

    def ask() -> None:
        nonlocal refused
        try:
            take_realtime_priority()
        except ConfigError as error:
            refused = str(error)
        found.extend((os.sched_getscheduler(0), os.sched_getparam(0).sched_priority))
        child = threading.Thread(target=lambda: found.append(os.sched_getscheduler(0)))
        child.start()
        child.join()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return found[0], found[1], found[2], refused


def test_the_clock_alone_runs_in_real_time() -> None:
    mine, priority, childs, refused = policies()
    if refused:
        pytest.skip(refused)
    assert mine & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
    assert priority == PRIORITY
    assert childs == os.SCHED_OTHER


def test_a_refusal_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with pytest.raises(ConfigError, match=r"^REALTIME: .*Operation not permitted.*SYS_NICE") as caught:
        take_realtime_priority()
    assert "\n" not in str(caught.value)


def test_a_system_without_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "SCHED_RESET_ON_FORK")
    with pytest.raises(ConfigError, match="no real-time scheduling"):
        take_realtime_priority()
