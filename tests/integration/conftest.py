"""Real servers that the integration tests share."""

from collections.abc import Iterator

import pytest

from tests.servers import whisper_server


@pytest.fixture(scope="session")
def whisper_address() -> Iterator[str]:
    """`host:port` of a whisper-server with the base model and room for 4 streams."""
    with whisper_server(WHISPER_MAX_STREAMS="4") as address:
        yield address
