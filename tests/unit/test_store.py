"""A Store that is slow, down, or answers nonsense: an honest result every time, never an exception."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import trio

from callengine.errors import ConfigError, ServiceError
from callengine.ports.tools import CallerContext, ToolCall, ToolResult
from callengine.services.memory_writes import MemoryWriteLog
from callengine.services.store import open_store
from tests.shop import URL, open_shop_by

CALLER = CallerContext("call", "en-GB", number="+79990001042")
ORDER = ToolCall("1", "order_status", {"number": 1042})


async def ask(answer: Callable[[httpx.Request], Any], call: ToolCall = ORDER) -> ToolResult:
    async with open_shop_by(httpx.MockTransport(answer), deadline_seconds=3.0) as toolbox:
        return await toolbox.run(call, CALLER)


def said(result: ToolResult) -> str:
    assert result.is_error
    text: str = json.loads(result.content)["error"]
    return text


def problem(status: int, detail: str) -> httpx.Response:
    headers = {"content-type": "application/problem+json"}
    return httpx.Response(status, json={"status": status, "title": "No", "detail": detail}, headers=headers)


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (httpx.Response(200, html="<html>Welcome</html>"), "not its API"),
        (httpx.Response(200, json={"hello": "world"}), "not its API"),
        (httpx.Response(200, json=[1, 2]), "not its API"),
        (httpx.Response(200, json=None), "not its API"),
        (httpx.Response(200, content=b"\xff\xfe"), "not its API"),
        (httpx.Response(200, content=b"[" * 300_000), "not its API"),
        (httpx.Response(200, content=b"[" * 100_000), "not its API"),
        (httpx.Response(302, headers={"location": "/login"}), "not its API"),
        (httpx.Response(404, html="<h1>404</h1>"), "does not know it"),
        (problem(404, "there is no order 1042"), "there is no order 1042"),
        (problem(409, "it is completed"), "it is completed"),
        (problem(409, "two\nlines"), "two lines"),
        (httpx.Response(409, content=b'{"detail": "half \\ud83d"}'), "half ?"),
        (problem(422, "x" * 10_000), "x" * 300),
        (problem(401, "token abc is wrong"), "refuses us"),
        (httpx.Response(403, html="<p>"), "refuses us"),
        (httpx.Response(500, text="Traceback ..."), "a fault of its own (status 500)"),
        (problem(503, "database at 10.0.0.7 is gone"), "a fault of its own (status 503)"),
    ],
)
async def test_bad_answers_are_told_honestly(response: httpx.Response, text: str) -> None:
    result = await ask(lambda _request: response)
    assert said(result).endswith(text)
    assert result.id == "1"


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("connection refused"),
        httpx.ReadError("reset by +79990001042"),
        httpx.RemoteProtocolError("no HTTP"),
        httpx.ProxyError("proxy"),
        httpx.DecodingError("not gzip"),
    ],
)
async def test_a_store_that_is_down_is_told_without_details(fault: httpx.HTTPError) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise fault

    assert said(await ask(answer)) == "the store's system cannot be reached"


async def test_a_slow_store_is_left_at_the_deadline(autojump_clock: trio.testing.MockClock) -> None:
    async def answer(_request: httpx.Request) -> httpx.Response:
        await trio.sleep(60)
        return httpx.Response(200, json={})

    start = trio.current_time()
    assert said(await ask(answer)) == "the store's system did not answer in time"
    assert trio.current_time() - start == 3.0


async def test_a_store_that_drips_is_left_at_the_deadline(autojump_clock: trio.testing.MockClock) -> None:
    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:  # noqa: ASYNC900 - httpx asks for one
            for _ in range(100):
                await trio.sleep(0.5)
                yield b" "

    start = trio.current_time()
    assert said(await ask(lambda _request: httpx.Response(200, stream=Drip()))) == (
        "the store's system did not answer in time"
    )
    assert trio.current_time() - start == 3.0


async def test_text_that_is_no_unicode_is_a_wrong_argument() -> None:
    broken = ToolCall("1", "find_products", {"text": "зимние \ud83d шины"})
    assert "text" in said(await ask(lambda _request: httpx.Response(500), broken))


async def test_nothing_wrong_ever_leaves() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        pytest.fail("a request was sent")

    assert "number" in said(await ask(answer, ToolCall("1", "order_status", {"number": "1042; drop"})))
    assert "no tool" in said(await ask(answer, ToolCall("1", "drop_tables")))


@pytest.mark.parametrize(
    ("call", "target"),
    [
        (ORDER, "/api/v1/orders/1042"),
        (ToolCall("1", "product_details", {"product_id": "T-001"}), "/api/v1/products/T-001"),
        (
            ToolCall("1", "find_products", {"brand": "K&K", "in_stock": True}),
            "/api/v1/products?brand=K%26K&in_stock=true&limit=3",
        ),
        (ToolCall("1", "orders_by_phone"), "/api/v1/orders?phone=%2B79990001042"),
        (ToolCall("1", "opening_hours"), "/api/v1/branches"),
    ],
)
async def test_what_is_asked_of_the_store(call: ToolCall, target: str) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(500)

    await ask(answer, call)
    assert [request.url.raw_path.decode() for request in asked] == [target]
    assert asked[0].headers["authorization"] == "Bearer a-token"
    assert asked[0].method == "GET"


async def test_check_names_the_store_and_what_is_wrong() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(401))
    async with open_shop_by(transport) as toolbox:
        with pytest.raises(
            ServiceError, match=r"Store at http://store\.test/api/v1/: .* refuses us; see STORE_API_URL"
        ):
            await toolbox.check()


@pytest.mark.parametrize("url", ["", "store-api:3000", "ftp://store/api", "http://", "http://[::1", "http://a:b/"])
async def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="STORE_API_URL"):
        async with open_store(url, "", MemoryWriteLog()):
            pytest.fail("it opened")


async def test_a_token_that_no_header_can_hold_is_refused() -> None:
    for token in ("жетон", "two\nlines"):
        with pytest.raises(ConfigError, match="STORE_API_TOKEN"):
            async with open_store(URL, token, MemoryWriteLog()):
                pytest.fail("it opened")
