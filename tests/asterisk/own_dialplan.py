"""A user's own dialplan beside ours, for as long as a block: extensions added at Asterisk's console."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.asterisk.instance import Pbx

OWN = "own"


@contextmanager
def own_extension(pbx: Pbx, *steps: str, exten: str = "900") -> Iterator[None]:
    """`exten` in the context `own`: its steps as they stand in extensions.conf, the engine's address as `@ENGINE@`."""
    engine = f"127.0.0.1:{pbx.ports.engine('a')}"
    try:
        for number, step in enumerate(steps, 1):
            pbx.rx(f'dialplan add extension "{exten},{number},{step.replace("@ENGINE@", engine)}" into {OWN}')
        yield
    finally:
        pbx.rx(f"dialplan remove context {OWN}")
