"""asyncio without Trio, in a process that has imported trio_asyncio: the import replaces asyncio's loop policy, and
`asyncio.run` would then wait on a Trio loop for ever."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_plain(main: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run` on the standard loop."""
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        return runner.run(main)
