"""A file of records, cut or damaged anywhere: never a wrong record, and every whole one is found."""

from hypothesis import given
from hypothesis import strategies as st

from callengine.services.spool_records import MAGIC, all_records, framed, next_record

# What looks like the start of a record, inside payloads too: the format does not rest on payloads being text.
PAYLOADS = st.lists(st.binary(max_size=40) | st.just(MAGIC) | st.just(framed(b"inside")[:-1]), max_size=8)


def payloads_of(data: bytes) -> list[bytes]:
    return [found.payload for found in all_records(data)]


def spans(payloads: list[bytes]) -> list[tuple[int, int]]:
    """Where each record begins and ends."""
    ends = [sum(len(framed(payload)) for payload in payloads[: index + 1]) for index in range(len(payloads))]
    return [(end - len(framed(payload)), end) for payload, end in zip(payloads, ends, strict=True)]


@given(PAYLOADS)
def test_records_come_back_with_nothing_between_them(payloads: list[bytes]) -> None:
    data = b"".join(map(framed, payloads))
    assert payloads_of(data) == payloads
    assert sum(found.skipped for found in all_records(data)) == 0
    assert next_record(data, len(data)) is None


@given(PAYLOADS, st.data())
def test_a_cut_loses_what_it_cuts_through_and_nothing_else(payloads: list[bytes], draw: st.DataObject) -> None:
    data = b"".join(map(framed, payloads))
    cut = draw.draw(st.integers(0, len(data)))
    whole = [payload for payload, (_, end) in zip(payloads, spans(payloads), strict=True) if end <= cut]
    assert payloads_of(data[:cut]) == whole


@given(PAYLOADS.filter(bool), st.data())
def test_a_flipped_bit_loses_the_record_it_is_in_and_nothing_else(payloads: list[bytes], draw: st.DataObject) -> None:
    data = bytearray(b"".join(map(framed, payloads)))
    at = draw.draw(st.integers(0, len(data) - 1))
    data[at] ^= 1 << draw.draw(st.integers(0, 7))
    whole = [p for p, (start, end) in zip(payloads, spans(payloads), strict=True) if not start <= at < end]
    assert payloads_of(bytes(data)) == whole


@given(PAYLOADS, PAYLOADS, st.binary(max_size=60))
def test_what_lies_between_records_is_skipped_and_counted(
    before: list[bytes], after: list[bytes], rubbish: bytes
) -> None:
    data = b"".join([*map(framed, before), rubbish, *map(framed, after)])
    found = payloads_of(data)
    assert found == [*before, *after]
    end = next_record(data, sum(len(framed(payload)) for payload in before))
    assert (end.skipped if end else 0) == (len(rubbish) if after else 0)
