"""What the server refuses and what stops it: two kinds of fault, each with the one line that a person reads."""

import grpc


class Refused(Exception):  # noqa: N818  (it is an answer to the client, not a fault of ours)
    """A request answered with a gRPC status; the text is what the client sees.

    The status codes, and the texts where Google has one, are those that Google Cloud Speech answers with.
    """

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class StartError(Exception):
    """The server cannot start: a bad setting, a missing or damaged model, a port in use. Exit status 2."""


class DecodeError(Exception):
    """The model failed on one utterance; only that stream ends."""


def invalid(text: str) -> Refused:
    """Return the refusal for a request that is wrong in itself."""
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, text)
