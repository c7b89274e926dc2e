"""Who may ask what, as a function of peer, headers and tokens."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callengine.api import access
from callengine.api.access import Tokens, refusal

NONE = Tokens(b"", b"")
BOTH = Tokens(b"full-token", b"read-token")
READ_ONLY = Tokens(b"", b"read-token")


def scope(
    path: str = "/api/v1/calls", method: str = "GET", peer: str | None = "192.0.2.7", **headers: str
) -> dict[str, object]:
    return {
        "type": "http",
        "path": path,
        "method": method,
        "client": (peer, 40000) if peer else None,
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/health/accepting", "/metrics"])
@pytest.mark.parametrize("tokens", [NONE, BOTH])
def test_health_and_metrics_are_open(path: str, tokens: Tokens) -> None:
    assert refusal(scope(path), tokens) == ""


@pytest.mark.parametrize("path", ["/healthy", "/openapi.json", "/metrics/", "/api/v1/calls", "/"])
def test_all_else_is_refused_to_a_remote_peer_without_tokens(path: str) -> None:
    assert "API_TOKEN" in refusal(scope(path), NONE)
    assert "token" in refusal(scope(path), BOTH)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])
def test_loopback_needs_no_token_where_none_is_set(peer: str) -> None:
    assert refusal(scope(peer=peer, method="POST", host="localhost:8080"), NONE) == ""
    assert refusal(scope(peer=peer, method="POST"), BOTH) != ""


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "not an address", None])
def test_any_other_peer_is_not_loopback(peer: str | None) -> None:
    assert refusal(scope(peer=peer, host="localhost"), NONE) != ""


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "rebound.example:8080"},
        {"host": "localhost", "origin": "https://shop.example"},
        {"host": "localhost", "origin": "null"},
        {"host": "[::1"},
    ],
)
def test_a_page_in_a_loopback_browser_does_not_speak_for_its_user(headers: dict[str, str]) -> None:
    assert "localhost" in refusal(scope(peer="127.0.0.1", method="POST", **headers), NONE)


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST"])
def test_loopback_has_several_names(host: str) -> None:
    assert refusal(scope(peer="::1", host=host, origin=f"http://{host}"), NONE) == ""


def test_the_read_token_reads_and_no_more() -> None:
    for tokens in (BOTH, READ_ONLY):
        assert refusal(scope(authorization="Bearer read-token"), tokens) == ""
        assert refusal(scope(method="HEAD", authorization="bearer  read-token "), tokens) == ""
        assert refusal(scope(method="POST", authorization="Bearer read-token"), tokens) != ""


def test_the_full_token_does_everything() -> None:
    for method in ("GET", "POST", "PUT"):
        assert refusal(scope(method=method, authorization="Bearer full-token"), BOTH) == ""


@given(st.binary(max_size=40), st.sampled_from(["GET", "POST"]))
def test_nothing_but_the_token_is_the_token(authorization: bytes, method: str) -> None:
    asked = {**scope(method=method), "headers": [(b"authorization", authorization)]}
    assert refusal(asked, BOTH) != ""
    assert refusal(asked, NONE) != ""


@pytest.mark.parametrize("authorization", ["", "Bearer full-token", "Bearer read-token", "Bearer x", "Basic x"])
def test_how_long_it_takes_says_nothing_of_a_token(authorization: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each token is compared, whatever the first one said, and by what takes the same time for any text (hmac)."""
    compared: list[bytes] = []

    def compare(given: bytes, token: bytes) -> bool:
        compared.append(token)
        return hmac.compare_digest(given, token)

    assert vars(access)["compare_digest"] is hmac.compare_digest
    monkeypatch.setattr(access, "compare_digest", compare)
    refusal(scope(authorization=authorization), BOTH)
    assert compared == [BOTH.full, BOTH.read]


def test_tokens_are_not_shown() -> None:
    assert "full-token" not in repr(BOTH)
