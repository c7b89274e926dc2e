"""A third party's recogniser, installed and chosen by its name alone: the example of docs/howto/own-recogniser.md."""

import os
import shutil
import subprocess
import sys
import tomllib
import wave
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.integration

RATE = 8000
EXAMPLE = Path(__file__).parents[2] / "docs/howto/keypad_recogniser"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The example as an installer leaves it: its module, and beside it what it says of itself."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = tmp_path / "site"
    about = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir(parents=True)
    shutil.copy(EXAMPLE / "keypad_recogniser.py", folder)
    entries = project["entry-points"]["callengine.stt"].items()
    (about / "entry_points.txt").write_text("[callengine.stt]\n" + "".join(f"{name} = {at}\n" for name, at in entries))
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    return folder


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """The keys 1, 2 and 3, pressed."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    times, quiet = np.arange(RATE * 12 // 100) / RATE, np.zeros(RATE // 10)
    tones = [np.sin(2 * np.pi * 697 * times) + np.sin(2 * np.pi * high * times) for high in (1209, 1336, 1477)]
    slin = np.concatenate([quiet, *(part for tone in tones for part in (5000 * tone, quiet))]).astype("<i2")
    with wave.open(str(folder / "keys.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(slin.tobytes())
    (folder / "keys.txt").write_text("1 2 3", encoding="utf-8")
    return folder


def test_it_is_chosen_by_its_name_and_the_table_has_its_figures(installed: Path, recordings: Path) -> None:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("WHISPER_", "GOOGLE_", "STT_"))}
    command = [sys.executable, "-m", "callengine", "evaluate", str(recordings), "--language", "en-GB"]
    environ = known | {"STT_BACKEND": "keypad", "COLUMNS": "100"}
    without = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert without.returncode == 2
    assert without.stderr.startswith("callengine: STT_BACKEND: no backend is called 'keypad'")
    environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(installed), environ.get("PYTHONPATH"))))
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    rows = {cells[0].strip(): cells[1].strip() for line in done.stdout.splitlines() if len(cells := _cells(line)) == 2}
    assert rows[""] == "keypad"
    assert rows["word error rate"].startswith("0.0")
    assert {"end of speech → final, p50", "interims a second", "minutes billed", "cost, USD"} <= set(rows)


def _cells(line: str) -> list[str]:
    for edge in "│┃":
        line = line.replace(edge, "|")
    return line.strip().strip("|").split("|") if "|" in line else []
