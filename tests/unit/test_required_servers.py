"""A skip for lack of a server fails in CI, and only there."""

import pytest

TESTS = """
import pytest
pytestmark = pytest.mark.integration

@pytest.fixture
def server():
    pytest.skip("no server here")

def test_needs_a_server(server): ...

@pytest.mark.skipif(True, reason="no server there")
def test_needs_another(): ...

@pytest.mark.may_skip
def test_needs_to_be_root():
    pytest.skip("only root can")

@pytest.mark.xfail(strict=True)
def test_known_to_fail():
    assert False

def test_passes(): ...
"""


@pytest.mark.parametrize(
    ("required", "workers", "failed", "skipped"), [("1", "0", 2, 1), ("1", "1", 2, 1), ("", "0", 0, 3)]
)
def test_a_skip_for_lack_of_a_server(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, required: str, workers: str, failed: int, skipped: int
) -> None:
    monkeypatch.setenv("CALLENGINE_REQUIRE_SERVERS", required)
    pytester.makeini("[pytest]\nmarkers =\n  integration\n  may_skip\n")
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_inprocess("-p", "tests.required_servers", "-p", "no:cacheprovider", "-n", workers)
    outcomes = result.parseoutcomes()
    assert (outcomes.get("failed", 0) + outcomes.get("errors", 0), outcomes["skipped"]) == (failed, skipped)
    assert (outcomes["passed"], outcomes["xfailed"]) == (1, 1)
    assert ("wants every server: Skipped: no server here" in result.stdout.str()) is bool(required)
