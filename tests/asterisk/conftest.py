"""A real Asterisk for these tests: one for the session, as it was at its start before each test."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.asterisk.instance import Pbx, take_slot
from tests.asterisk.nodes import Nodes
from tests.asterisk.packages import Installation, NoAsteriskError, find_asterisk
from tests.figures import FIGURE
from tests.store_child import running_store

Figure = Callable[[str, float], None]


@functools.cache
def installation() -> Installation | str:
    """The Asterisk to test on, or why there is none."""
    try:
        return find_asterisk()
    except NoAsteriskError as error:
        return str(error)


def pytest_report_header() -> str:
    """Which Asterisk it is."""
    found = installation()
    return f"no Asterisk: {found}" if isinstance(found, str) else f"{found.version()} ({found.program})"


@pytest.fixture
def figure(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Figure:
    """`figure("answer to greeting", seconds)`: to be read at the end of the run."""

    def keep(what: str, seconds: float) -> None:
        record_property(FIGURE, f"{seconds:8.3f} s  {what} [{request.node.name}]")

    return keep


@pytest.fixture(scope="session")
def asterisk() -> Installation:
    """The installation; skips with the reason where there is none."""
    found = installation()
    if isinstance(found, str):
        pytest.skip(f"no Asterisk: {found}")
    return found


@pytest.fixture(scope="session")
def session_pbx(asterisk: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pbx]:
    """The session's Asterisk."""
    ports, slot = take_slot()
    with slot:
        pbx = Pbx(asterisk, tmp_path_factory.mktemp("asterisk"), ports)
        pbx.configure()
        with pbx.running():
            yield pbx


@pytest.fixture
def pbx(session_pbx: Pbx) -> Iterator[Pbx]:
    """A running Asterisk without calls, with the settings of its files, also after a test that changed or ended it."""
    session_pbx.renew()
    yield session_pbx
    session_pbx.renew()


@pytest.fixture(scope="session")
def store_url() -> Iterator[str]:
    """One Store for all engines, as for a shop's nodes: an engine's own costs a third of its start."""
    with running_store() as url:
        yield url


@pytest.fixture
def nodes(pbx: Pbx, tmp_path: Path, database_url: str, redis_url: str, store_url: str) -> Nodes:
    """`with nodes.open("a", MAX_CALLS="1") as engine:` - an engine where the dialplan looks for it."""
    shared = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "STORE_API_URL": store_url}
    return Nodes(pbx, tmp_path, shared)
