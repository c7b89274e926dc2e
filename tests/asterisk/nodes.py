"""Engines at the addresses that the dialplan's list of nodes names: a is its first, b its second."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.asterisk.instance import Pbx
from tests.asterisk.obedient import write_plugin
from tests.engine_process import EngineProcess, running_engine

TARGETS = ("operator", "people", "front-desk", "nobody", "gone")  # all but the last stand in the layer's dialplan
STORE_DOCUMENT = Path(__file__).parents[2] / "docs" / "store-api.yaml"
GREETING = "Здравствуйте, чем могу помочь?"
BACK_AGAIN = "Продолжим."


@dataclass(frozen=True, slots=True)
class Nodes:
    """Opens engines for one test. `shared`: settings with the database, Redis and Store of them all, as of nodes."""

    pbx: Pbx
    folder: Path
    shared: dict[str, str]

    @contextmanager
    def open(self, node: str, **settings: str) -> Iterator[EngineProcess]:
        """Node `a` or `b` with scripted recogniser and voice and the obedient dialog, unless settings say otherwise.

        It may be killed and opened again inside a test; what it leaves running ends with status 0."""
        ports = self.pbx.ports
        fixed = {
            "AUDIOSOCKET_PORT": str(ports.engine(node)),
            "API_PORT": str(ports.api(node)),
            "NODE_NAME": node,
            "AGENT_FILE": str(self._agent_file()),
            "DIALOG_BACKEND": "obedient",
            "DRAIN_SECONDS": "1",
            "PYTHONPATH": write_plugin(self.folder / "plugins"),
        }
        with running_engine(self.folder / f"node-{node}", **self.shared | fixed | settings) as engine:
            yield engine

    def _agent_file(self) -> Path:
        file = self.folder / "agent.toml"
        phrases = "\n".join(f'{name} = "Одну минуту."' for name in ("goodbye", "apology", "transferring", "too_long"))
        targets = ", ".join(f'"{name}"' for name in TARGETS)
        file.write_text(
            f'language = "ru-RU"\ngreeting = "{GREETING}"\nback_again = "{BACK_AGAIN}"\n{phrases}\n'
            f'no_input = ["Я слушаю.", "Алло?"]\n[transfer]\ndefault = "operator"\ntargets = [{targets}]\n'
            f'[store]\ndocument = "{STORE_DOCUMENT}"\n[tools.opening_hours]\noperation = "listBranches"\n',
            encoding="utf-8",
        )
        return file
