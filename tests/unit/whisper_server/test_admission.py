"""Who may open a stream: readiness, places, a model that is behind, the token."""

import asyncio
from contextlib import suppress

import grpc
import pytest
from whisper_server.admission import MOST_BEHIND_SECONDS, Admission
from whisper_server.errors import Refused

from tests.plain_asyncio import run_plain


def refusal(admission: Admission, *metadata: tuple[str, str | bytes]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(Refused) as refused, admission.admit(metadata):
        pytest.fail("it was let in")
    return refused.value.code, refused.value.text


def test_nobody_is_let_in_before_the_model_is_there_nor_while_it_drains() -> None:
    admission = Admission(2, "", lambda: 0.0)
    assert refusal(admission)[0] is grpc.StatusCode.UNAVAILABLE
    admission.open()
    with admission.admit(()):
        admission.drain()
        code, text = refusal(admission)
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "shutting down" in text


def test_a_model_that_is_behind_takes_no_more_until_it_has_caught_up() -> None:
    behind = 0.0
    admission = Admission(10, "", lambda: behind)
    admission.open()
    with admission.admit(()):
        behind = MOST_BEHIND_SECONDS + 0.1
        assert refusal(admission) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "The model is behind with the streams that are open.",
        )
        behind = MOST_BEHIND_SECONDS
        with admission.admit(()):
            pass


def test_a_place_is_given_back_however_the_stream_ends() -> None:
    admission = Admission(1, "", lambda: 0.0)
    admission.open()
    for _ in range(3):
        with suppress(ValueError), admission.admit(()):
            assert refusal(admission)[0] is grpc.StatusCode.RESOURCE_EXHAUSTED
            raise ValueError("broken")
    run_plain(asyncio.wait_for(admission.wait_empty(), 1))


@pytest.mark.parametrize("given", ["right", b"right"])
def test_the_token_opens_and_nothing_else_does(given: str | bytes) -> None:
    admission = Admission(1, "right", lambda: 0.0)
    admission.open()
    bearer = f"Bearer {given}" if isinstance(given, str) else b"Bearer " + given
    with admission.admit([("authorization", bearer)]):
        pass
    for wrong in ("Bearer wrong", "right", "Bearer rightly", "bearer right", ""):
        assert refusal(admission, ("authorization", wrong))[0] is grpc.StatusCode.UNAUTHENTICATED
    assert refusal(admission)[0] is grpc.StatusCode.UNAUTHENTICATED
