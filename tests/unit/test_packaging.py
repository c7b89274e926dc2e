"""The wheel holds what runs: three packages with their data, and what a type checker asks for."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "callengine": ROOT / "callengine",
    "backends": ROOT / "backends",
    "whisper_server": ROOT / "gpu/whisper_server",
}
DATA = (
    "callengine/agents/ru.toml",
    "callengine/agents/en.toml",
    "callengine/demo/recordings/LICENSE",
    "callengine/demo/recordings/ru/07-goodbye.wav",
    "callengine/demo/recordings/en/07-goodbye.txt",
    "callengine/media/silero_vad.onnx",
    "callengine/prices.toml",
    "callengine/media/silero_vad.LICENSE",
    "callengine/services/demo_store/data/products.toml",
    "callengine/services/migrations/0001.calls.sql",
    "whisper_server/silero_vad.onnx",
    "whisper_server/silero_vad.LICENSE",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel of this checkout, built with the build backend of the environment: no network."""
    out = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out))
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return set(archive.namelist())


def test_every_file_of_the_packages_is_in_the_wheel(wheel: set[str]) -> None:
    for package, folder in PACKAGES.items():
        files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert {f"{package}/{path.relative_to(folder).as_posix()}" for path in files} <= wheel


def test_data_type_marks_and_licence_are_in_the_wheel(wheel: set[str]) -> None:
    assert set(DATA) <= wheel
    assert {f"{package}/py.typed" for package in PACKAGES} <= wheel
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)


def test_nothing_else_is_in_the_wheel(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel if ".dist-info/" not in name}
    assert tops == set(PACKAGES)
