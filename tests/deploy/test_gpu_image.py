"""A GPU node's image, step by step in a clean root, on a machine that has no GPU and none of NVIDIA's libraries.

Its first image is Ubuntu with CUDA's runtime; the steps are any Debian's: Python from apt, the lock, a user. What they
install recognises on the CPU, and says in one line what it lacks for a GPU."""

from pathlib import Path

import pytest

from tests.deploy.clean_root import UNNAMED, NoRootError, need_archive, run_image
from tests.deploy.files import ROOT

# The model is of the lock's own wheels: nothing is downloaded, and no network is there.
SMALL = "WHISPER_MODEL=base"
HEALTH = """
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
with grpc.insecure_channel("127.0.0.1:8443") as channel:
    answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)
print("serving:", answer.status == health_pb2.HealthCheckResponse.SERVING)
"""
RUN = f"""
cd /
$as_user {SMALL} CUDA_VISIBLE_DEVICES=-1 WHISPER_DEVICE=cuda $start >/none 2>/refused; echo "on a GPU: $$?"
echo "lines: $$(wc -l </refused)"
cat /none /refused
$as_user CUDA_VISIBLE_DEVICES=-1 $start >/ready 2>/log &
pid=$$!
while [ ! -s /ready ]; do kill -0 $$pid || {{ cat /log >&2; exit 9; }}; sleep 0.1; done
cat /ready /log
echo "as user: $$(stat -c %U /proc/$$pid)"
$as_user python -c '{HEALTH}'
$as_user $health; echo "health: $$?"
kill -TERM $$pid
wait $$pid; echo "ended: $$?"
"""


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.may_skip
def test_the_gpu_node_s_image_by_its_own_steps(tmp_path: Path) -> None:
    try:
        need_archive()
        done = run_image(ROOT / "gpu/Dockerfile", (UNNAMED,), tmp_path, RUN)
    except NoRootError as error:
        pytest.skip(f"no clean root: {error}")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "on a GPU: 2\nlines: 1\nwhisper-server: WHISPER_DEVICE: cuda, and no GPU is seen here" in said
    assert '{"listening": "127.0.0.1:8443", "metrics": 9095}' in said, "beyond loopback only with a token"
    assert "serving base on cpu, at most" in said
    assert "as user: whisper\n" in said
    assert "serving: True\n" in said
    assert "health: 0\n" in said
    assert "ended: 0\n" in said
