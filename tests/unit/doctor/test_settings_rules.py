"""Settings that can be used and are a mistake all the same."""

import stat
from ipaddress import ip_network

import pytest

from callengine.doctor.findings import Finding
from callengine.doctor.settings_rules import judge_api, judge_parts, judge_peers, judge_secret

FOLDER = stat.S_IFDIR | 0o755


def verdicts(found: list[Finding]) -> list[str]:
    return [finding.verdict for finding in found]


@pytest.mark.parametrize(
    ("embedded", "given", "verdict", "part"),
    [
        (False, ["REDIS_URL"], "ok", "EMBEDDED=off"),
        (True, [], "ok", "own parts stand for DATABASE_URL"),
        (True, ["REDIS_URL"], "warn", "with REDIS_URL set"),
    ],
)
def test_embedded(embedded: bool, given: list[str], verdict: str, part: str) -> None:
    found = judge_parts(embedded, given, ["DATABASE_URL"])
    assert (found.verdict, part in found.says, bool(found.mend)) == (verdict, True, verdict == "warn")


@pytest.mark.parametrize(
    ("mode", "folder", "expected"),
    [
        (0o600, FOLDER, []),
        (0o440, FOLDER, []),
        (0o644, FOLDER, ["warn"]),
        (0o602, FOLDER, ["fail"]),
        (0o666, FOLDER, ["warn", "fail"]),
        (0o600, stat.S_IFDIR | 0o777, ["fail"]),
        (0o600, stat.S_IFDIR | 0o1777, []),  # /tmp: nobody puts a file in the place of another's
    ],
)
def test_a_secret_s_file(mode: int, folder: int, expected: list[str]) -> None:
    found = judge_secret("API_TOKEN_FILE", "/secrets/token", stat.S_IFREG | mode, folder)
    assert verdicts(found) == expected
    assert all(finding.mend and "/secrets/token" in finding.says for finding in found)


def test_an_api_that_others_reach_wants_a_token() -> None:
    assert verdicts(judge_api("0.0.0.0", has_token=False)) == ["warn"]
    assert judge_api("0.0.0.0", has_token=True) == judge_api("127.0.0.1", has_token=False) == []


@pytest.mark.parametrize(
    ("peer", "registered_only", "expected"),
    [("10.0.0.0/8", False, []), ("0.0.0.0/0", False, ["warn"]), ("::/0", False, ["warn"]), ("0.0.0.0/0", True, [])],
)
def test_audiosocket_open_to_all(peer: str, registered_only: bool, expected: list[str]) -> None:
    assert verdicts(judge_peers([ip_network("192.168.0.0/16"), ip_network(peer)], registered_only)) == expected
