"""The record of writes in this process's memory: enough for a call that stays on its node."""

from collections import OrderedDict

import trio

from callengine.ports.writes import Write

_KEPT = 10_000  # writes; those of many hours


class MemoryWriteLog:
    """See the port `WriteLog`. It forgets the oldest."""

    def __init__(self) -> None:
        self._writes: OrderedDict[str, Write] = OrderedDict()

    async def begin(self, write: Write) -> Write | None:
        """See the port."""
        await trio.lowlevel.checkpoint()
        earlier = self._writes.get(write.key)
        if earlier is None:
            self._writes[write.key] = write
            while len(self._writes) > _KEPT:
                self._writes.popitem(last=False)
        return earlier

    async def done(self, write: Write) -> None:
        """See the port."""
        await trio.lowlevel.checkpoint()
        self._writes[write.key] = write

    async def undone(self, key: str) -> None:
        """See the port."""
        await trio.lowlevel.checkpoint()
        self._writes.pop(key, None)
