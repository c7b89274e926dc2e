"""`callengine demo` on real parts: PostgreSQL, Valkey, the Store over HTTP, Whisper, espeak-ng. Content, never time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from callengine.call.timing import STAGES

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.quiet]

Line = dict[str, Any]
LANGUAGES = ("ru", "en")


@contextmanager
def started_demo(data_dir: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A demo in a process of its own, as a user has it; it is killed where a test leaves it running."""
    command = [sys.executable, "-m", "callengine", "demo", "--json", *options]
    env = {**os.environ, "DATA_DIR": str(data_dir)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        try:
            yield demo
        finally:
            demo.kill()


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str, str]]:
    """Both demos, played at once: each takes over a minute of real time. Status, stdout and stderr by language."""

    def play(language: str) -> tuple[int, str, str]:
        with started_demo(tmp_path_factory.mktemp(language), "--language", language) as demo:
            stdout, stderr = demo.communicate()
        return demo.returncode, stdout, stderr

    with ThreadPoolExecutor(len(LANGUAGES)) as threads:
        return dict(zip(LANGUAGES, threads.map(play, LANGUAGES), strict=True))


@pytest.mark.parametrize(
    ("language", "size", "order_state", "price", "goodbye"),
    [
        ("ru", "225/45 R17", "Заказ 1042 в пути", "15 640 рублей", "Спасибо за звонок. До свидания!"),
        ("en", "225/45 R17", "Order 1042 is on its way", "15,640 roubles", "Thank you for calling. Goodbye!"),
    ],
)
def test_a_whole_call(
    demos: dict[str, tuple[int, str, str]], language: str, size: str, order_state: str, price: str, goodbye: str
) -> None:
    status, stdout, stderr = demos[language]
    lines: list[Line] = [json.loads(line) for line in stdout.splitlines()]
    assert (status, stderr) == (0, ""), stdout
    done = lines[-1]
    assert done["event"] == "done"
    assert (done["outcome"], done["missing"]) == ("completed", "")
    turns: list[Line] = done["turns"]
    assert [turn["number"] for turn in turns] == [1, 2, 3, 4, 5, 6, 7]
    answers = [" ".join(turn["answers"]) for turn in turns]
    assert size in answers[1]
    assert price in answers[2]
    assert order_state in answers[3]
    assert answers[6] == goodbye
    assert [turn["number"] for turn in turns if turn["interrupted"]] == [5], "the sixth is said over the answer before"
    for turn in turns:
        assert {*STAGES, "response", "wire"} <= set(turn["seconds"]), turn
    parts = [line["part"] for line in lines if line["event"] == "starting"]
    assert [part for part in parts if part in ("PostgreSQL", "Valkey", "the demo Store")] == parts[1:4]
    assert Path(done["place"]["recording"]).stat().st_size > 1_000_000, "a minute of both sides"
    assert "synthetic" in next(line for line in lines if line["event"] == "connected")["caller_voice"]
