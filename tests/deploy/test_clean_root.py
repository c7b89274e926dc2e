"""The engine's image, step by step in a clean root: built by its own lines, run by its own user on its own ports."""

from pathlib import Path

import pytest

from tests.deploy.clean_root import NoRootError, run_image
from tests.deploy.files import ROOT

DOCKERFILE = ROOT / "docker/Dockerfile"
AWAY = (
    "DATABASE_URL=postgresql://u@127.0.0.1:1/x REDIS_URL=redis://127.0.0.1:1/0 STORE_API_URL=http://127.0.0.1:1/api/v1"
)
QUICK = "STT_BACKEND=scripted TTS_BACKEND=scripted DIALOG_BACKEND=scripted API_TOKEN=a-token"
# With neither database nor Redis there: an engine starts all the same, and its health says so.
RUN = f"""
cd /
$as_user $start; echo "without settings: $$?"
$as_user {AWAY} {QUICK} $start >/ready 2>/log &
pid=$$!
while [ ! -s /ready ]; do kill -0 $$pid || {{ cat /log >&2; exit 9; }}; sleep 0.1; done
cat /ready
echo "as user: $$(stat -c %U /proc/$$pid)"
$as_user python3 -c "from urllib.request import urlopen as ask
print('accepting:', ask('http://127.0.0.1:8080/health/accepting').status)"
$as_user $health; echo "health: $$?"
kill -TERM $$pid
wait $$pid; echo "ended: $$?"
"""


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.may_skip
def test_the_engine_s_image_by_its_own_steps(tmp_path: Path) -> None:
    try:
        done = run_image(DOCKERFILE, ("base", "build", "engine"), tmp_path, RUN)
    except NoRootError as error:
        pytest.skip(f"no clean root: {error}")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "callengine: WHISPER_URL: is not set, and EMBEDDED=off" in said
    assert "without settings: 2\n" in said
    assert '"listening": "0.0.0.0:9092", "api": "0.0.0.0:8080"' in said
    assert "as user: callengine\n" in said
    assert "accepting: 200\n" in said
    assert "HTTP Error 503" in done.stderr, "unhealthy without a database"
    assert "health: 1\n" in said
    assert "ended: 0\n" in said
