"""Every status of a Speech service has its meaning; the texts are those that Google was seen to answer with."""

import grpc
import pytest

from backends.stt.faults import fault

CODE = grpc.StatusCode


@pytest.mark.parametrize(
    ("code", "text", "reason"),
    [
        (CODE.OUT_OF_RANGE, "Exceeded maximum allowed stream duration of 305 seconds.", "duration"),
        (CODE.ABORTED, "Max duration of 5 minutes reached for stream.", "duration"),
        (
            CODE.OUT_OF_RANGE,
            "Audio Timeout Error: Long duration elapsed without audio. Audio should be sent close to real time.",
            "no_audio",
        ),
        (CODE.ABORTED, "Stream timed out after receiving no more client requests.", "no_audio"),
        (CODE.ABORTED, "The operation was aborted.", "ended"),
        (CODE.RESOURCE_EXHAUSTED, "Quota exceeded", "overloaded"),
        (CODE.UNAVAILABLE, "failed to connect", "unavailable"),
        (CODE.INTERNAL, "Internal error encountered.", "broken"),
        (CODE.INVALID_ARGUMENT, "Audio chunk can be of a maximum of 25600 bytes. Received audio of 25601", "refused"),
        (CODE.NOT_FOUND, "no such recognizer", "refused"),
        (CODE.UNAUTHENTICATED, "", "refused"),
        (CODE.UNIMPLEMENTED, "Method not found!", "refused"),
    ],
)
def test_a_status_has_its_reason(code: grpc.StatusCode, text: str, reason: str) -> None:
    error = fault(code, text, "Google Speech at x:443")
    assert error.reason == reason
    assert error.retryable == (reason != "refused")
    assert error.ended == (reason in ("duration", "no_audio", "ended"))
    assert str(error) == f"Google Speech at x:443: {code.name}: {text}"


def test_a_text_of_many_lines_is_one() -> None:
    assert str(fault(CODE.UNKNOWN, "a\n  b", "x")) == "x: UNKNOWN: a b"
    assert str(fault(CODE.UNKNOWN, None, "x")) == "x: UNKNOWN: "
