"""What simulations may ask of the in-memory record and registry beyond the ports: faults, and virtual time."""

from datetime import UTC, datetime

import pytest
import trio
from trio.testing import MockClock

from callengine.errors import ServiceError
from callengine.ports.journal import CallOpened
from callengine.ports.tools import CallerContext
from callengine.services.memory import MemoryJournal, MemoryRegistry

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_entries_taken_during_a_fault_are_backlog_until_it_ends() -> None:
    journal = MemoryJournal()
    journal.record_nowait(CallOpened("before", "n", NOON, "ru-RU"))
    await journal.flush()
    journal.fault = ServiceError("database: away")
    journal.record_nowait(CallOpened("during", "n", NOON, "ru-RU"))
    assert journal.backlog == 1
    for ask in (journal.flush, journal.check):
        with pytest.raises(ServiceError, match="away"):
            await ask()
    journal.fault = None
    await journal.flush()
    assert journal.backlog == 0
    assert [record.opened.call_id for record in await journal.calls(10)] == ["during", "before"]


async def test_a_caller_is_kept_for_sixty_seconds(autojump_clock: MockClock) -> None:
    registry = MemoryRegistry()
    await registry.put_caller(CallerContext("a", "ru-RU"))
    await registry.put_caller(CallerContext("b", "ru-RU"))
    await trio.sleep(59.9)
    assert await registry.take_caller("a") == CallerContext("a", "ru-RU")
    await trio.sleep(0.2)
    assert await registry.take_caller("b") is None


async def test_a_registry_with_a_fault_raises_it() -> None:
    registry = MemoryRegistry()
    registry.fault = ServiceError("registry: away")
    for ask in (registry.live_calls, registry.check):
        with pytest.raises(ServiceError, match="away"):
            await ask()
