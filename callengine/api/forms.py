"""The dialplan's form: `application/x-www-form-urlencoded`, read within bounds.

The values come from a caller's telephone (a display name is whatever a SIP device sends), so anything printable is
kept, bytes that are not UTF-8 are replaced, control characters are dropped, and sizes are limited.
"""

from contextlib import aclosing
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_BODY_BYTES = 16 * 1024
MAX_FIELDS = 64
MAX_NAME_CHARS = 64
MAX_VALUE_CHARS = 512


async def read_form(request: Request) -> dict[str, str]:
    """The form's fields; of a repeated one the last. Raises HTTPException 413, 415 or 422."""
    kind = request.headers.get("content-type", FORM_TYPE).partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise HTTPException(415, f"send the fields as {FORM_TYPE}")
    body = bytearray()
    async with aclosing(request.stream()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise HTTPException(413, f"the form is over {MAX_BODY_BYTES} bytes")
    return parse_form(bytes(body))


def parse_form(body: bytes) -> dict[str, str]:
    """The fields of an urlencoded form. Raises HTTPException 422 for one that breaks the bounds."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, errors="replace", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise HTTPException(422, f"the form has more than {MAX_FIELDS} fields") from None
    fields = {_printable(name): _printable(value) for name, value in pairs}
    fields.pop("", None)  # nobody could ask for it
    if any(len(name) > MAX_NAME_CHARS for name in fields):
        raise HTTPException(422, f"a field's name is over {MAX_NAME_CHARS} characters")
    if any(len(value) > MAX_VALUE_CHARS for value in fields.values()):
        raise HTTPException(422, f"a field's value is over {MAX_VALUE_CHARS} characters")
    return fields


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable()).strip()
