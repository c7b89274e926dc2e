"""The call's record as it grows, read where anybody would read it: `GET /api/v1/calls/{uuid}`."""

from http import HTTPStatus

import httpx
import trio
from pydantic import ValidationError

from callengine.api.records import CallView, TurnView
from callengine.demo.events import Show, TurnInRecord
from callengine.demo.report import Spoken, utterance_of
from callengine.errors import ServiceError

POLL_SECONDS = 0.2
END_SECONDS = 20.0  # for the end of the call to come into the record
REQUEST_SECONDS = 10.0


async def read_record(client: httpx.AsyncClient, url: str) -> CallView | None:
    """One call, or None where there is no record of it. Raises ServiceError."""
    try:
        response = await client.get(url, timeout=REQUEST_SECONDS)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        return CallView.model_validate_json(response.raise_for_status().content)
    except (httpx.HTTPError, ValidationError) as error:
        raise ServiceError(f"the record cannot be read at {url}: {error}") from None


class Follower:
    """Shows each turn once, as it comes into the record."""

    def __init__(self, client: httpx.AsyncClient, url: str, spoken: list[Spoken], show: Show) -> None:
        self._client = client
        self._url = url
        self.spoken = spoken
        self._show = show
        self._shown = 0  # the newest sequence shown
        self._utterance = 0  # the number of the one being answered
        self.record: CallView | None = None

    async def run(self) -> None:
        """Follow until cancelled. Raises ServiceError."""
        while True:
            await self._look()
            await trio.sleep(POLL_SECONDS)

    async def finish(self) -> CallView | None:
        """The record once it has the call's end, or as far as it came. Raises ServiceError."""
        with trio.move_on_after(END_SECONDS):
            await self._look()
            while self.record is None or self.record.closed_at is None:
                await trio.sleep(POLL_SECONDS)
                await self._look()
        return self.record

    async def _look(self) -> None:
        self.record = await read_record(self._client, self._url)
        for turn in self.record.turns if self.record else ():
            if turn.sequence > self._shown:
                self._shown = turn.sequence
                self._show_turn(turn)

    def _show_turn(self, turn: TurnView) -> None:
        words = ""
        if turn.role == "caller" and (index := utterance_of(turn, self.spoken)) >= 0:
            utterance = self.spoken[index].utterance
            self._utterance, words = utterance.number, utterance.words
        self._show(TurnInRecord(turn, self._utterance, words))
