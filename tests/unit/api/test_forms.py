"""The dialplan's form, within bounds whatever a caller's telephone sends."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from callengine.api.forms import MAX_FIELDS, MAX_NAME_CHARS, MAX_VALUE_CHARS, parse_form

PRINTABLE = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=40)


@given(st.dictionaries(PRINTABLE.filter(bool), PRINTABLE, max_size=20))
def test_what_was_sent_is_what_is_read(fields: dict[str, str]) -> None:
    assert parse_form(urlencode(fields).encode()) == fields


@given(st.binary(max_size=2000))
def test_any_bytes_are_fields_within_bounds_or_a_problem(body: bytes) -> None:
    try:
        fields = parse_form(body)
    except HTTPException as problem:
        assert problem.status_code == 422  # noqa: PT017 - either is right, and this is the one of the two
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


@pytest.mark.parametrize(
    "body", [b"a=" + b"x" * 513, b"n" * 65 + b"=1", b"&".join(b"f%d=1" % i for i in range(65)), b"=value"]
)
def test_a_form_out_of_bounds_is_refused_without_echo(body: bytes) -> None:
    with pytest.raises(HTTPException) as caught:
        parse_form(body)
    assert caught.value.status_code == 422
    assert "xxx" not in str(caught.value.detail)
