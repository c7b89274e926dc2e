"""Versions of Asterisk: what is said of each, and that every text gets an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.doctor.versions import judge_version


@pytest.mark.parametrize(
    ("version", "verdict", "part"),
    [
        ("16.28.0~dfsg-0+deb11u4", "fail", "has no AudioSocket modules"),
        ("18.10.0", "fail", "sends no keys"),
        ("20.9.3", "fail", "sends no keys"),
        ("certified/20.7-cert2", "fail", "sends no keys"),
        ("20.14.0", "warn", "no wideband"),
        ("20.17.0", "warn", "misread"),
        ("20.18.2", "warn", "#2078"),
        ("20.19.0", "warn", "#2078"),
        ("20.20.0", "ok", ""),
        ("21.4.0", "fail", "sends no keys"),
        ("21.9.0", "warn", "no wideband"),
        ("22.3.0", "fail", "sends no keys"),
        ("22.8.1", "warn", "misread"),
        ("22.10.1+dfsg+~cs6.17.60671434-1", "ok", "Asterisk 22.10.1"),
        ("23.4.0", "ok", ""),
        ("24.0.0", "warn", "newer than"),
        ("GIT-master-1a2b3c", "warn", "not a version that is known"),
    ],
)
def test_each_has_its_verdict(version: str, verdict: str, part: str) -> None:
    finding = judge_version(version)
    assert finding.verdict == verdict
    assert part in finding.says
    assert bool(finding.mend) == (verdict != "ok" and "newer" not in finding.says)


@given(st.text() | st.from_regex(r"\d{1,3}\.\d{1,3}.*"))
def test_any_text_gets_a_finding(version: str) -> None:
    assert judge_version(version).verdict in ("ok", "warn", "fail")
