"""A stand-in for Telegram's Bot API: it takes sendMessage over HTTP and keeps what came.

Request and answer: https://core.telegram.org/bots/api#sendmessage, all that Alertmanager's client asks for.
"""

import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Telegram:
    """Where it is to be found, and the messages that came: chat_id, text, and the path with the bot's token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()


@contextmanager
def telegram() -> Iterator[Telegram]:
    """The stand-in on loopback, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Bot)
    standing = Telegram(f"http://127.0.0.1:{server.server_port}")
    server.telegram = standing  # type: ignore[attr-defined]  # requests have no other way to what is theirs
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield standing
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Bot(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"ok": True, "result": {"message_id": 1, "date": 0, "chat": {"id": 1, "type": "group"}}})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())
        self.server.telegram.messages.put({"path": self.path, **body})  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Nothing: pytest's output is no access log."""
