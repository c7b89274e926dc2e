"""The dialplan's form, within bounds whatever a caller's telephone sends."""

from urllib.parse import urlencode

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from callengine.api.forms import MAX_BODY_BYTES, MAX_FIELDS, MAX_NAME_CHARS, MAX_VALUE_CHARS, parse_form, read_form

PRINTABLE = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=40)


@given(st.dictionaries(PRINTABLE.filter(bool), PRINTABLE, max_size=20))
def test_what_was_sent_is_what_is_read(fields: dict[str, str]) -> None:
    assert parse_form(urlencode(fields).encode()) == fields


@given(st.binary(max_size=2000))
def test_any_bytes_are_fields_within_bounds_or_a_problem(body: bytes) -> None:
    try:
        fields = parse_form(body)
    except HTTPException as problem:
        assert problem.status_code == 422
        return
    assert len(fields) <= MAX_FIELDS
    for name, value in fields.items():
        assert 0 < len(name) <= MAX_NAME_CHARS
        assert len(value) <= MAX_VALUE_CHARS
        assert (name + value).isprintable()


def test_control_characters_and_bad_bytes_do_not_lose_a_call() -> None:
    assert parse_form(b"name=Ivan%00%0d%0aX&caller=%ff12&caller=%2B7912&called=") == {
        "name": "IvanX",
        "caller": "+7912",
        "called": "",
    }


@pytest.mark.parametrize("body", [b"a=" + b"x" * 513, b"n" * 65 + b"=1", b"&".join(b"f%d=1" % i for i in range(65))])
def test_a_form_out_of_bounds_is_refused_without_echo(body: bytes) -> None:
    with pytest.raises(HTTPException) as caught:
        parse_form(body)
    assert caught.value.status_code == 422
    assert "xxx" not in str(caught.value.detail)


def request(chunks: list[bytes], content_type: str = "application/x-www-form-urlencoded; charset=utf-8") -> Request:
    """A request whose body comes in these chunks; one more asked for than there are is a failure."""
    messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages[-1]["more_body"] = False

    async def receive() -> Message:
        await trio.lowlevel.checkpoint()
        return messages.pop(0)

    headers = [(b"content-type", content_type.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def test_a_body_is_read_in_whatever_pieces_it_comes() -> None:
    assert await read_form(request([b"caller=%2B79", b"", b"12&name=I"])) == {"caller": "+7912", "name": "I"}


async def test_a_body_over_the_bound_is_not_read_to_its_end() -> None:
    chunks = [b"a=" + b"x" * (MAX_BODY_BYTES - 2), b"x", b"never asked for"]
    asked = request(chunks)
    with pytest.raises(HTTPException) as caught:
        await read_form(asked)
    assert caught.value.status_code == 413
    assert (await asked.receive())["body"] == b"never asked for"


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", ""])
async def test_another_kind_of_body_is_refused(content_type: str) -> None:
    with pytest.raises(HTTPException) as caught:
        await read_form(request([b"{}"], content_type))
    assert caught.value.status_code == 415


def test_a_field_without_a_name_is_left_out() -> None:
    assert parse_form(b"=value&%17=x&caller=1") == {"caller": "1"}
