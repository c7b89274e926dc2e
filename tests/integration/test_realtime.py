"""REALTIME=on in a whole engine: the thread of the clock goes first, what the engine starts does not."""

import os
from pathlib import Path

import psutil
import pytest

from tests.engine_process import running_engine
from tests.unit.media.test_priority import policies

pytestmark = pytest.mark.integration


def test_the_engine_goes_first_and_its_children_do_not(tmp_path: Path) -> None:
    if refused := policies()[3]:
        pytest.skip(refused)
    with running_engine(tmp_path / "data", REALTIME="on") as engine:
        assert os.sched_getscheduler(engine.process.pid) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR
        children = psutil.Process(engine.process.pid).children(recursive=True)
        assert children
        assert {os.sched_getscheduler(child.pid) for child in children} == {os.SCHED_OTHER}
