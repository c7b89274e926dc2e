"""The key of a write: the same for the same write, another for any other."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from callengine.services.store_requests import canonical, write_key

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ARGUMENTS = st.dictionaries(st.text(), JSON, max_size=5)


def shuffled(value: Any, random: Any) -> Any:
    """The same JSON value with its objects' members in another order, and whole numbers with a point."""
    if isinstance(value, dict):
        items = [(name, shuffled(item, random)) for name, item in value.items()]
        random.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        return [shuffled(item, random) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@given(ARGUMENTS, st.randoms(use_true_random=False))
def test_order_and_spelling_do_not_matter(arguments: dict[str, Any], random: Any) -> None:
    assert write_key("call", "order", shuffled(arguments, random)) == write_key("call", "order", arguments)


@given(ARGUMENTS, ARGUMENTS)
def test_other_arguments_have_another_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = canonical(one) == canonical(other) and repr(canonical(one)) == repr(canonical(other))
    assert (write_key("call", "order", one) == write_key("call", "order", other)) == same


@given(ARGUMENTS, st.text(), st.text(), st.text(), st.text())
def test_another_call_or_operation_has_another_key(
    arguments: dict[str, Any], call: str, operation: str, other_call: str, other: str
) -> None:
    same = (call, operation) == (other_call, other)
    assert (write_key(call, operation, arguments) == write_key(other_call, other, arguments)) == same


@given(ARGUMENTS)
def test_a_key_can_stand_in_a_header(arguments: dict[str, Any]) -> None:
    key = write_key("call", "order", arguments)
    assert len(key) == 64
    assert key.isascii()
    assert key.isalnum()


@given(JSON)
def test_the_canonical_form_is_its_own(value: Any) -> None:
    assert canonical(canonical(value)) == canonical(value)


def test_the_order_of_a_list_matters() -> None:
    assert write_key("call", "order", {"items": [1, 2]}) != write_key("call", "order", {"items": [2, 1]})


def test_letters_spelt_in_two_ways_are_the_same() -> None:
    assert write_key("call", "order", {"name": "Йоганн"}) == write_key("call", "order", {"name": "И\u0306оганн"})
