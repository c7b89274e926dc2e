"""In CI the same examples each time, whatever has been imported.

Hypothesis takes numbers and texts of the project's own modules for examples, of those that are imported by then: that
depends on the tests which a worker has had before, and a number that is changed anywhere gives every property other
examples. So where the same ones are wanted (`derandomize` alone does not do it) none are taken. A run by hand takes
them."""

from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants


def take_no_constants() -> None:
    """From now on, in this process."""
    nothing = Constants()
    providers._get_local_constants = lambda: nothing
