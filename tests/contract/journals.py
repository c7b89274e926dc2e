"""Every implementation of the Journal port, opened."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from callengine.ports.journal import Journal
from callengine.services import journal as journal_module
from callengine.services.bridge import open_bridge
from callengine.services.journal import open_journal
from callengine.services.memory import MemoryJournal
from callengine.services.spool import open_spool

OpenJournal = Callable[[], AbstractAsyncContextManager[Journal]]
POSTGRES, SPOOLED = (pytest.param(name, marks=pytest.mark.integration) for name in ("postgres", "spooled"))


@pytest.fixture(params=["memory", POSTGRES, SPOOLED])
def open_any_journal(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenJournal:
    """`spooled`: PostgreSQL again, with every entry on disk before it goes there."""
    url = request.getfixturevalue("database_url") if request.param != "memory" else ""
    if request.param == "spooled":
        monkeypatch.setattr(journal_module, "KEEP_SECONDS", 0.0)

    @asynccontextmanager
    async def open_memory() -> AsyncIterator[Journal]:
        yield MemoryJournal()

    @asynccontextmanager
    async def open_postgres_journal() -> AsyncIterator[Journal]:
        async with open_bridge() as bridge, open_journal(url, bridge) as journal:
            yield journal

    @asynccontextmanager
    async def open_spooled_journal() -> AsyncIterator[Journal]:
        with open_spool(tmp_path, "node-1") as spool:
            async with open_bridge() as bridge, open_journal(url, bridge, spool) as journal:
                yield journal
            assert spool.pending == spool.size == 0

    return {"memory": open_memory, "postgres": open_postgres_journal, "spooled": open_spooled_journal}[request.param]
