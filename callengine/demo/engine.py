"""The demo's engine: `callengine serve` in a process of its own, so that its clock and the caller's share no loop."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from callengine.config import Settings
from callengine.demo.events import Serving, Show, Starting
from callengine.demo.speech import TAGS, Language
from callengine.services.children import open_child, python_child

START_SECONDS = 180.0  # the first start makes a database and joins Whisper's model; a cold disk is slow
STOP_SECONDS = 20.0
# Of the settings in our environment only these are the demo's too: it must never end in somebody's real database.
KEPT = frozenset({"DATA_DIR", "DIALOG_BACKEND", "LOG_LEVEL", "PRICES_FILE"})
CLAUDES = ("ANTHROPIC_", "CLAUDE_")  # and these where it is asked for: a key alone does not make the demo cost money


@dataclass(slots=True)
class Engine:
    """A running engine, its ports as `host:port`; `database_url` once it has told."""

    data_dir: Path
    audiosocket: str = ""
    api: str = ""
    database_url: str = ""

    def hear(self, line: str, show: Show) -> None:
        """Take one line of its log: what it is starting is shown."""
        try:
            event = json.loads(line)
        except ValueError:
            return  # not of the log: a library's own word, and the last one is told if the engine ends
        match event:
            case {"event": "starting", "part": str(part)}:
                show(Starting(part))
            case {"event": "started", "part": "PostgreSQL", "url": str(url)}:
                self.database_url = url
            case {"event": "child says", "child": str(child), "line": str(said)}:
                show(Starting(child, said.partition(" INFO ")[2] or said))


def environment(environ: Mapping[str, str], language: Language, data_dir: Path) -> dict[str, str]:
    """The engine's environment: ours without our settings, and with the demo's own."""
    settings = {name.upper() for name in Settings.model_fields} - KEPT
    if environ.get("DIALOG_BACKEND") == "claude":
        settings = {name for name in settings if not name.startswith(CLAUDES)}
    settings |= {f"{name}_FILE" for name in settings}
    return {name: value for name, value in environ.items() if name not in settings} | {
        "AUDIOSOCKET_HOST": "127.0.0.1",
        "AUDIOSOCKET_PORT": "0",
        "API_HOST": "127.0.0.1",
        "API_PORT": "0",
        "CALL_LANGUAGE": TAGS[language],
        "DATA_DIR": str(data_dir),
        "LOG_FORMAT": "json",
        "DRAIN_SECONDS": "0",
    }


@asynccontextmanager
async def open_engine(language: Language, data_dir: Path, show: Show) -> AsyncIterator[Engine]:
    """An engine that serves, with all its parts. Raises ServiceError, with its last words, where it does not start."""
    engine = Engine(data_dir)
    env = environment(os.environ, language, data_dir)
    show(Starting("the engine"))

    def hear(line: str) -> None:
        if not engine.audiosocket:
            engine.hear(line, show)

    async with open_child(python_child("callengine", "serve"), env, "the engine", START_SECONDS, hear) as child:
        engine.audiosocket, engine.api = child.address, str(child.said["api"])
        show(Serving(engine.audiosocket, engine.api, str(data_dir)))
        try:
            yield engine
        finally:
            # It has servers of its own to end in order; killed early it would leave them behind.
            with trio.move_on_after(STOP_SECONDS, shield=True):
                child.process.terminate()
                await child.process.wait()
