"""Real servers that are killed, or hang, and are back after a while with what their folder holds."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import trio

from callengine.services.embedded_postgres import open_postgres
from callengine.services.embedded_valkey import open_valkey
from tests.state_servers import OpenServer, running


@dataclass
class Server:
    """One of them. Its folder has to have a short path: see `short_path`."""

    open_server: OpenServer
    folder: Path
    pid_file: str
    _held: ExitStack = field(default_factory=ExitStack)

    async def start(self) -> str:
        """Its URL, once it answers."""
        return await trio.to_thread.run_sync(self._held.enter_context, running(self.open_server, self.folder))

    def stop(self) -> None:
        """In order, where it is up."""
        self._held.close()

    def processes(self) -> list[psutil.Process]:
        """The server and its sessions."""
        server = psutil.Process(int((self.folder / self.pid_file).read_text().split("\n", 1)[0]))
        return [server, *server.children(recursive=True)]


Outage = Callable[[Server], AbstractAsyncContextManager[None]]


@contextmanager
def state_servers(folder: Path) -> Iterator[dict[str, Server]]:
    """What keeps the state of calls, not yet started."""
    servers = {
        "database": Server(open_postgres, folder / "database", "postgres/data/postmaster.pid"),
        "redis": Server(open_valkey, folder / "redis", "valkey/pid"),
    }
    with ExitStack() as stack:
        for server in servers.values():
            server.folder.mkdir()
            stack.callback(server.stop)
        yield servers


@asynccontextmanager
async def killed(server: Server) -> AsyncIterator[None]:
    """As by a power cut, and started again."""
    for process in server.processes():
        process.kill()
    await trio.to_thread.run_sync(server.stop)
    yield
    await server.start()


@asynccontextmanager
async def hung(server: Server) -> AsyncIterator[None]:
    """It takes connections and questions and answers none; then it goes on."""
    await trio.lowlevel.checkpoint()
    processes = server.processes()
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()
