"""`python -m tests.messages_api`: the stand-in until its standard input closes; says its URL first."""

import sys

import trio

from tests.messages_api.acts import Act
from tests.messages_api.server import open_messages_api

ANSWER = Act("Да, есть. Что ещё вас интересует?")


async def main() -> None:
    """Serve the same answer to everybody."""
    async with open_messages_api([ANSWER]) as api:
        sys.stdout.write(f"{api.url}\n")
        sys.stdout.flush()
        await trio.to_thread.run_sync(sys.stdin.read)


if __name__ == "__main__":
    trio.run(main)
