"""How `callengine demo` ends before its call does: by Ctrl-C at any moment, or because its engine cannot start."""

import json
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.integration.test_demo import started_demo

pytestmark = [pytest.mark.integration, pytest.mark.slow]

GONE_SECONDS = 60  # a guard against hanging; nothing is timed by it


def family(demo: subprocess.Popen[str]) -> list[psutil.Process]:
    """Every process that the demo has started, and those that they have."""
    return psutil.Process(demo.pid).children(recursive=True)


@pytest.mark.parametrize("moment", ["starting", "connected"])
def test_ctrl_c_leaves_nothing_behind(moment: str, tmp_path: Path) -> None:
    with started_demo(tmp_path) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            said = json.loads(line)
            if said["event"] == moment and said.get("part") in (None, "whisper-server on the CPU"):
                break
        children = family(demo)
        demo.send_signal(signal.SIGINT)
        _stdout, stderr = demo.communicate()
    assert (demo.returncode, stderr) == (130, "callengine demo: stopped\n")
    assert len(children) >= 3, "the engine, PostgreSQL, Valkey"
    _gone, alive = psutil.wait_procs(children, timeout=GONE_SECONDS)
    assert alive == []


def test_an_engine_that_cannot_start_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("in the way", encoding="utf-8")
    with started_demo(tmp_path) as demo:
        _stdout, stderr = demo.communicate()
    assert demo.returncode != 0
    assert "DATA_DIR" in stderr
    assert stderr.count("\n") == 1
