"""`callengine evaluate` as a person runs it: our own whisper-server under its own name and in Google's place."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.speech import FIXTURES

pytestmark = pytest.mark.integration

CLIPS = ("hello", "goodbye", "one-moment-please")
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in CLIPS:
        for ending in ("wav", "txt"):
            (folder / f"{name}.{ending}").write_bytes((FIXTURES / "en" / f"{name}.{ending}").read_bytes())
    return folder


def evaluate(*arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "callengine", "evaluate", *arguments, "--language", "en-GB"]
    known = {name: value for name, value in os.environ.items() if not name.startswith(("WHISPER_", "GOOGLE_", "STT_"))}
    return subprocess.run(command, env=known | environ, capture_output=True, text=True, timeout=120, check=False)


def test_two_recognisers_side_by_side(recordings: Path, tmp_path: Path, whisper_address: str) -> None:
    plot = tmp_path / "finals.png"
    backends = ("--backend", "whisper", "--backend", "google")
    done = evaluate(
        str(recordings), *backends, "--streams", "3", "--json", "--plot", str(plot), "--price", "whisper=0.001",
        WHISPER_URL=f"grpc://{whisper_address}", GOOGLE_STT_ENDPOINT=f"grpc://{whisper_address}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [each["backend"] for each in found["backends"]] == ["whisper", "google"]
    for each in found["backends"]:
        assert each["wer"] <= 0.25
        assert [row["sample"] for row in each["rows"]] == sorted(CLIPS)
        assert each["final_seconds"]["p50"] is not None
        assert each["failed"] == 0
        assert each["cost_usd"] > 0
    assert plot.read_bytes().startswith(PNG)


def test_a_line_a_recording(recordings: Path, whisper_address: str) -> None:
    done = evaluate(str(recordings), "--csv", "--first", "1", WHISPER_URL=f"grpc://{whisper_address}")
    assert done.returncode == 0, done.stderr
    [row] = csv.DictReader(io.StringIO(done.stdout))
    assert (row["backend"], row["sample"], row["said"]) == ("whisper", "goodbye", "goodbye")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("nowhere",), "FOLDER: there is no folder and no CSV nowhere"),
        (("{}", "--backend", "acme"), "STT_BACKEND: no backend is called 'acme'; installed are "),
        (("{}", "--price", "whisper"), "--price: must be NAME=USD, for instance whisper=0.002, not 'whisper'"),
        (("{}", "--plot", "x.pdf"), "--plot: writes a PNG; call it x.png"),
        (("{}", "--plot", "/nowhere/x.png"), "--plot: there is no folder /nowhere"),
        (("{}", "--json", "--csv"), "--json: and --csv go to the same place; give one of them"),
        (("{}", "--backend", "google"), "GOOGLE_APPLICATION_CREDENTIALS: cannot read '/nowhere/key.json'"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_2(arguments: tuple[str, ...], line: str, recordings: Path) -> None:
    given = (argument.format(recordings) for argument in arguments)
    done = evaluate(*given, GOOGLE_APPLICATION_CREDENTIALS="/nowhere/key.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"callengine: {line}")
    assert done.stderr.count("\n") == 1


def test_a_wrong_language_is_the_options(recordings: Path) -> None:
    command = [sys.executable, "-m", "callengine", "evaluate", str(recordings), "--language", "Russian"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("callengine: --language: ")
