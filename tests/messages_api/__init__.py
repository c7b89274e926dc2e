"""A stand-in for Anthropic's Messages API: real HTTP and server-sent events on loopback, and every way to fail.

`open_messages_api` serves it within a test; what it does with each request is a list of `Act`s, what it was sent is
kept byte for byte. It has a prompt cache of its own, by the rules of the real one."""

from tests.messages_api.acts import Act, Tool
from tests.messages_api.server import MessagesApi, Received, open_messages_api

__all__ = ["Act", "MessagesApi", "Received", "Tool", "open_messages_api"]
