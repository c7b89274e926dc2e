"""No control path: the dialplan asks for a call's outcome, and that is all there is."""

import trio

from callengine.ports.control import Destination, Transferred
from callengine.ports.tools import CallerContext


class NoControl:
    """The Control port where nothing is configured."""

    async def check(self) -> None:
        """Nothing can be wrong."""
        await trio.lowlevel.checkpoint()

    async def transfer(self, call_id: str, destination: Destination) -> Transferred:
        """The outcome says it."""
        await trio.lowlevel.checkpoint()
        return "unsaid"

    async def hang_up(self, call_id: str) -> bool:
        """There is nobody to tell."""
        await trio.lowlevel.checkpoint()
        return False

    async def find_caller(self, call_id: str) -> CallerContext | None:
        """There is nobody to ask."""
        await trio.lowlevel.checkpoint()
        return None
