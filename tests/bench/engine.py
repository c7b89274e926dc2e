"""An engine to measure: a process of its own with scripted parts, on one core where the machine has two."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from callengine.services.children import open_child, python_child

ENGINE_CORE = 0
START_SECONDS = 120.0
SENTENCE = "Я говорю без остановки, чтобы было слышно каждую паузу в потоке речи. "  # 4.3 s of the scripted voice
LONG, SHORT = SENTENCE * 60, "Здравствуйте!"


@dataclass(frozen=True, slots=True)
class BenchEngine:
    """A running engine."""

    host: str
    port: int
    pid: int
    api: str

    def resident_bytes(self) -> int:
        """Resident memory of the engine process."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far, its own and the kernel's for it; not its children's."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def open_bench_engine(greeting: str, **environ: str) -> AsyncIterator[BenchEngine]:
    """`callengine serve` with scripted recogniser, voice and dialog, real PostgreSQL and Valkey, and this greeting."""
    with tempfile.TemporaryDirectory(prefix="callengine-bench-") as folder:
        agent = Path(folder) / "agent.toml"
        agent.write_text(_agent(greeting), encoding="utf-8")
        env = {
            **os.environ,
            "AGENT_FILE": str(agent),
            "API_PORT": "0",
            "AUDIOSOCKET_HOST": "127.0.0.1",
            "AUDIOSOCKET_PORT": "0",
            "DATA_DIR": folder,
            "DIALOG_BACKEND": "monologue",
            "DRAIN_SECONDS": "0",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "error",
            "MAX_CALLS": "2000",
            "STT_BACKEND": "scripted",
            "TTS_BACKEND": "scripted",
            **environ,
        }
        async with open_child(python_child("callengine", "serve"), env, "the engine", START_SECONDS) as child:
            _pin(child.process.pid)
            host, _, port = child.address.rpartition(":")
            yield BenchEngine(host, int(port), child.process.pid, f"http://{child.said['api']}")


def _agent(greeting: str) -> str:
    phrases = "\n".join(f'{name} = "."' for name in ("goodbye", "apology", "transferring", "too_long"))
    return f'language = "ru-RU"\ngreeting = "{greeting}"\n{phrases}\nno_input = [".", ".", ".", ".", ".", ".", "."]\n'


def _pin(pid: int) -> None:
    """Every thread of the engine on one core, so that "calls per core" is what it says; its servers on the others."""
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        return
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {ENGINE_CORE})
    for server in psutil.Process(pid).children(recursive=True):
        os.sched_setaffinity(server.pid, cores - {ENGINE_CORE})
