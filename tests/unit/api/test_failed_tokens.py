"""Wrong tokens: who guesses waits, others do not, and memory is bounded."""

from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from callengine.api.failed_tokens import BURST, PEERS, RECOVER_SECONDS, FailedTokens
from callengine.api.security_headers import HEADERS
from tests.unit.api.fakes import CALL, RECORD, Engine, problem_of

TOKENS = {"API_TOKEN": "full-token", "API_READ_TOKEN": "read-token"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_burst_is_looked_at_and_then_one_in_a_while() -> None:
    failed = FailedTokens()
    for _ in range(int(BURST)):
        assert failed.wait_seconds("192.0.2.7", 100.0) == 0
        failed.fail("192.0.2.7", 100.0)
    assert failed.wait_seconds("192.0.2.7", 100.0) == RECOVER_SECONDS
    assert failed.wait_seconds("192.0.2.8", 100.0) == 0
    assert failed.wait_seconds("192.0.2.7", 100.0 + RECOVER_SECONDS) == 0
    failed.fail("192.0.2.7", 100.0 + RECOVER_SECONDS)
    assert failed.wait_seconds("192.0.2.7", 100.0 + RECOVER_SECONDS) == RECOVER_SECONDS
    assert failed.wait_seconds("192.0.2.7", 10_000.0) == 0


@given(st.lists(st.floats(0, 30), min_size=1, max_size=200))
def test_no_peer_has_more_guesses_than_the_burst_and_one_in_a_while(pauses: list[float]) -> None:
    failed, now, guesses = FailedTokens(), 0.0, 0
    for pause in pauses:
        now += pause
        if not failed.wait_seconds("peer", now):
            failed.fail("peer", now)
            guesses += 1
    assert guesses <= BURST + now / RECOVER_SECONDS + 1e-6


def test_a_host_s_ipv6_addresses_are_one_peer() -> None:
    failed = FailedTokens()
    for number in range(int(BURST)):
        failed.fail(f"2001:db8::{number:x}%eth0", 0.0)
    assert failed.wait_seconds("2001:db8::ffff", 0.0)
    assert not failed.wait_seconds("2001:db8:0:1::1", 0.0)
    failed.succeed("::ffff:192.0.2.7")
    assert failed.knows("192.0.2.7")


def test_memory_is_bounded() -> None:
    failed = FailedTokens()
    for number in range(PEERS + 100):
        failed.fail(f"10.0.{number >> 8}.{number & 255}", 0.0)
        failed.succeed(f"10.0.{number >> 8}.{number & 255}")
    assert len(failed._failures) == len(failed._known) == PEERS


async def test_a_peer_that_guesses_gets_429_whatever_it_sends(autojump_clock: MockClock) -> None:
    async with Engine().client(peer="192.0.2.7", **TOKENS) as client:
        for number in range(int(BURST)):
            problem_of(await client.get("/api/v1/calls", headers=bearer(f"guess-{number}")), 401)
        limited = await client.get("/api/v1/calls", headers=bearer("guess"))
        assert "wait" in problem_of(limited, 429)
        assert limited.headers["retry-after"] == "6"
        problem_of(await client.get("/api/v1/calls", headers=bearer("full-token")), 429)
        problem_of(await client.get("/api/v1/calls"), 401)  # nothing was guessed
        assert (await client.get("/health", headers=bearer("guess"))).status_code == 200


async def test_a_peer_known_for_a_right_token_is_not_cut_off_by_a_wrong_one(autojump_clock: MockClock) -> None:
    async with Engine().client(peer="192.0.2.7", **TOKENS) as client:
        assert (await client.get("/api/v1/calls", headers=bearer("read-token"))).status_code == 200
        for _ in range(int(BURST) + 5):
            await client.get("/api/v1/calls", headers=bearer("old-token"))
        problem_of(await client.get("/api/v1/calls", headers=bearer("old-token")), 429)
        assert (await client.get("/api/v1/calls", headers=bearer("full-token"))).status_code == 200


async def test_without_tokens_nobody_can_guess(autojump_clock: MockClock) -> None:
    async with Engine().client() as client:
        for _ in range(int(BURST) + 5):
            assert (await client.get("/api/v1/calls", headers=bearer("any"))).status_code == 200


async def test_every_answer_has_the_security_headers() -> None:
    engine = Engine()
    engine.journal.records = [RECORD, None]  # type: ignore[list-item]  # a bug
    async with engine.client(**TOKENS) as client:
        statuses = set()
        for path in ("/health", "/metrics", f"/api/v1/calls/{CALL}", "/nowhere"):
            for headers in ({}, bearer("read-token")):
                response = await client.get(path, headers=headers)
                statuses.add(response.status_code)
                assert [response.headers[name.decode()] for name, _ in HEADERS] == [
                    value.decode() for _, value in HEADERS
                ]
        failed = await client.get("/api/v1/calls", headers=bearer("read-token"))
    assert statuses == {200, 401, 404}
    assert (failed.status_code, failed.headers["x-content-type-options"]) == (500, "nosniff")
