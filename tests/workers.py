"""How `pytest -n 4` (pytest-xdist) shares the tests out: each goes to the worker free next, but for those below.

Every worker is a session of its own: it has its own Asterisk, PostgreSQL and Valkey, where its tests ask for them. What
is set up for a session or a module is set up again in each worker that has a test of it; a file stands here where that
would cost more than it gives. (`--dist loadgroup` would take this from marks, but groups nothing with pytest 9.2:
pytest-xdist issue 1386.)
"""

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


def unit_of(nodeid: str) -> str:
    """What a test is given out with: the name of a group, or its own id."""
    return TOGETHER.get(nodeid.partition("::")[0], nodeid)


@pytest.hookimpl(optionalhook=True)  # `-p no:xdist` is no error
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """pytest-xdist's scheduler of groups, with our idea of a group and the order of the tests."""
    config.option.loadscopereorder = False
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = unit_of  # what its subclasses override
    return scheduler


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker, slow tests come first, or the last worker would end long after the others; then whisper-server's.
    What wants a quiet machine comes last: the other workers have run out of tests."""
    if hasattr(config, "workerinput"):
        items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    if item.get_closest_marker("quiet"):
        return 3
    if item.get_closest_marker("slow"):
        return 0
    return 1 if unit_of(item.nodeid) == _WHISPER else 2
