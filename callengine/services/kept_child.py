"""A child that is started again when it dies, on the address it had first, so that its clients find it again."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
import trio

from callengine.errors import ServiceError
from callengine.services.children import Child

BACKOFF_SECONDS = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
SETTLED_SECONDS = 60.0  # one that lived so long dies for a new reason: it is started again at once

StartChild = Callable[[str], AbstractAsyncContextManager[Child]]

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_kept_child(start: StartChild) -> AsyncIterator[str]:
    """Keep a child up while the block runs; gives its address. `start` takes the `host:port` to listen on.

    Raises ServiceError, in a group, when the first start fails; later ones are logged and tried again.
    """
    async with trio.open_nursery() as nursery:
        yield await nursery.start(_keep_up, start)
        nursery.cancel_scope.cancel("its user has ended")


async def _keep_up(start: StartChild, task_status: trio.TaskStatus[str]) -> None:
    async with start("127.0.0.1:0") as child:
        address, began = child.address, trio.current_time()
        task_status.started(address)
        problem = await child.wait()
    failed = 0
    while True:
        if trio.current_time() - began > SETTLED_SECONDS:
            failed = 0
        wait = BACKOFF_SECONDS[min(failed, len(BACKOFF_SECONDS) - 1)]
        failed += 1
        log.error("child_died", problem=problem, attempt=failed, again_in_seconds=wait)
        await trio.sleep(wait)
        began = trio.current_time()
        try:
            async with start(address) as child:
                log.info("child_is_back", child=child.what, address=address)
                problem = await child.wait()
        except ServiceError as error:
            problem = str(error)
