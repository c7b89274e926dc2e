"""How `pytest -n 5` (pytest-xdist) shares the tests out: each goes to the worker free next, but for those below.

Every worker is a session of its own: it has its own Asterisk, PostgreSQL and Valkey, where its tests ask for them. What
is set up for a session or a module is set up again in each worker that has a test of it; a file stands here where that
would cost more than it gives. (`--dist loadgroup` would take this from marks, but groups nothing with pytest 9.2:
pytest-xdist issue 1386.)

Tests on real servers mostly wait, and what they wait for is heard in real time; simulations and the pure rest only
compute. So the last worker has of these alone, and yields to the others: it computes where they wait, and what they
hear is not late for it.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# The session's whisper-server: half a gigabyte, and all cores while it listens.
_WHISPER = "whisper-server"
TOGETHER = {
    "tests/asterisk/test_conversation.py": _WHISPER,
    "tests/contract/test_recognizer.py": _WHISPER,
    "tests/contract/test_tools.py": "a Store with a token",
    "tests/integration/test_demo.py": "both demos, played at once",
    "tests/integration/test_demo_store.py": "a Store to itself",
    "tests/integration/test_evaluate.py": _WHISPER,
    "tests/integration/test_google_recognizer.py": _WHISPER,
    "tests/integration/test_serve_refusals.py": "an engine, and a dozen that are refused",
    "tests/integration/test_shop_agent.py": "a Store to talk about",
    "tests/integration/test_whisper_clients.py": _WHISPER,
    "tests/integration/test_whisper_recognizer.py": _WHISPER,
    "tests/integration/test_whisper_server.py": _WHISPER,
    "tests/integration/test_whisper_server_refusals.py": _WHISPER,
    "tests/unit/test_packaging.py": "a wheel",
}
COMPUTING = ("tests/sim/", "tests/unit/")
FEWEST = 3  # of two workers none can be spared
YIELDING = 19  # the least of a process's priorities, nice(2)


def unit_of(nodeid: str) -> str:
    """What a test is given out with: the name of a group, or its own id."""
    return TOGETHER.get(nodeid.partition("::")[0], nodeid)


def yields(worker: Mapping[str, Any]) -> bool:
    """Whether a worker (its `workerinput`) is the one that computes where the others wait."""
    count: int = worker["workercount"]
    return count >= FEWEST and worker["workerid"] == f"gw{count - 1}"


def next_unit(units: Iterable[str], computing: bool) -> str | None:
    """The first of what is left, or the first that only computes; None where there is none."""
    return next((unit for unit in units if not computing or unit.startswith(COMPUTING)), None)


@pytest.hookimpl(optionalhook=True)  # `-p no:xdist` is no error
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """pytest-xdist's scheduler of groups, with our idea of a group, the order of the tests and who has which."""
    config.option.loadscopereorder = False
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = unit_of  # what its subclasses override
    assign_first = scheduler._assign_work_unit

    def assign(worker: Any) -> None:
        unit = next_unit(scheduler.workqueue, yields(worker.workerinput))
        if unit is None:
            worker.shutdown()
        else:
            scheduler.workqueue.move_to_end(unit, last=False)
            assign_first(worker)

    scheduler._assign_work_unit = assign
    return scheduler


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker, slow tests come first, or the last worker would end long after the others; then whisper-server's.
    What only computes comes behind the rest, and what wants a quiet machine last: the others have run out of tests."""
    if hasattr(config, "workerinput"):
        items.sort(key=_place)
        if yields(config.workerinput):
            os.nice(YIELDING)


def _place(item: pytest.Item) -> int:
    if item.get_closest_marker("quiet"):
        return 4
    if item.get_closest_marker("slow"):
        return 0
    unit = unit_of(item.nodeid)
    return 1 if unit == _WHISPER else 3 if unit.startswith(COMPUTING) else 2
