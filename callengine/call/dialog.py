"""The dialog: one loop that takes what the caller does, asks the turn-taking table, and does what it says.

It never waits for anything but the next event: answers are made in a task of their own, which the loop may cancel."""

import trio

from callengine import metrics
from callengine.call.answer import AnswerResult, make_answer
from callengine.call.events import AnswerDone, AnswerHeard, AnswerStarted, DialogEvent, TransferOrdered
from callengine.call.filler import fill_silence, fillers
from callengine.call.history import History
from callengine.call.parts import Call, Ending
from callengine.call.record import Record
from callengine.call.speaker import AnswerEnds, Say, Speaker
from callengine.call.timing import ResponseTimes
from callengine.call.turn_events import (
    Action,
    AgentFinished,
    AgentStarted,
    Answer,
    CallerPressed,
    CorrectRecord,
    Do,
    Event,
    LastWords,
    State,
    Tick,
)
from callengine.call.turn_table import feed
from callengine.call.turn_words import load_turn_words
from callengine.call.turns import Turns

CLOSING_SIGNS = " \"'»”)"  # behind a question mark

Events = trio.MemorySendChannel[DialogEvent]


class Dialogue:
    """One call's conversation: the table, the history, and the answer being made."""

    def __init__(self, call: Call, speaker: Speaker, events: Events, record: Record) -> None:
        self._call = call
        self._speaker = speaker
        self._events = events
        self._record = record
        self._turns = Turns(call.limits.times, words=load_turn_words(call.agent.language))
        self._history = History()
        self._thinking = trio.CancelScope()
        self._answering = trio.Lock()  # an answer that was cancelled may still have to wait for a write
        self._times = ResponseTimes()
        self._ending: Ending | None = None
        self._over = False
        self.answers_heard = 0  # to their end; the greeting is one
        self._reprompts = 0
        self._fillers = fillers(call.agent)
        self._announces = call.agent.greeting_uninterruptible
        self._latest = call.leg.began + call.limits.max_seconds
        self._nursery: trio.Nursery

    async def run(self, events: trio.MemoryReceiveChannel[DialogEvent]) -> Ending:
        """Hold the conversation to its end. Raises what the dialog backend raises."""
        async with trio.open_nursery() as self._nursery:
            try:
                self._say_fixed(self._call.agent.greeting)
                while not self._over:
                    self._take(await self._next_event(events))
                self._nursery.cancel_scope.cancel("the conversation is over")
            finally:
                # also when the caller has hung up in mid-word: what was heard is what is recorded. Here and not outside
                # the nursery, which may have to wait for a write
                self._end_agent_turn(self._speaker.heard(), interrupted=True)
                self._record.release()
        return self._ending or Ending("completed")

    async def _next_event(self, events: trio.MemoryReceiveChannel[DialogEvent]) -> DialogEvent | Tick:
        deadline = self._turns.deadline
        with trio.move_on_at(self._latest if deadline is None else min(deadline, self._latest)):
            return await events.receive()
        leg = self._call.leg
        return Tick(quiet=leg.tracker.quiet, owed=leg.speech_since is not None)

    def _take(self, event: DialogEvent | Tick) -> None:
        now = trio.current_time()
        if now >= self._latest:
            self._latest = float("inf")
            self._end_with(self._call.agent.too_long, Ending("too_long"))
            return
        match event:
            case AnswerStarted(number=number):
                if number == self._speaker.number:
                    self._times.first_piece = now
                    self._feed(AgentStarted(announces=self._announces), now)
                    self._announces = False
            case AnswerDone(number=number):
                if number == self._speaker.number and event.last:
                    if self._ending is None:
                        self._ending = Ending("transferred", "", event.target) if event.target else Ending("completed")
                    self._feed(LastWords(), now)
            case AnswerHeard(number=number):
                if number == self._speaker.number:
                    heard = self._speaker.heard()
                    self._end_agent_turn(heard, interrupted=False)
                    self.answers_heard += 1
                    self._speaker.begin()
                    self._feed(AgentFinished(asked=heard.rstrip(CLOSING_SIGNS).endswith("?")), now)
            case TransferOrdered(target=target):
                ending = Ending("transferred", "ordered from outside", target)
                self._end_with(self._call.agent.transferring, ending)
            case CallerPressed(digit="0") if self._zero_leads_away():
                ending = Ending("transferred", "the caller pressed 0", self._call.agent.transfer.on_zero)
                self._end_with(self._call.agent.transferring, ending)
            case _:
                self._feed(event, now)

    def _zero_leads_away(self) -> bool:
        number_begun = bool(self._turns.utterance.digits)
        return bool(self._call.agent.transfer.on_zero) and not number_begun and self._turns.state is not State.CLOSING

    def _feed(self, event: Event, now: float) -> None:
        if not isinstance(event, Tick | AgentStarted | AgentFinished | LastWords):
            self._reprompts = 0
        for action in feed(self._turns, event, now):
            self._act(action, now)

    def _act(self, action: Action, now: float) -> None:
        playout = self._call.leg.playout
        match action:
            case Answer():
                self._answer(action, now)
            case CorrectRecord(text=text):
                self._history.correct_caller(text)
                self._record.correct_caller(text)
            case Do.DROP_ANSWER:
                self._thinking.cancel("the caller goes on")
                heard = self._speaker.flush()
                self._history.take_back()
                self._record.take_back()
                if heard:  # a filler
                    self._history.agent(heard, interrupted=True)
                    self._record.agent(heard, (self._call.leg.spoke_at, now), True, {})
            case Do.PAUSE:
                playout.pause()
                if self._turns.speech_began is not None:
                    metrics.barge_in_seconds.observe(now - self._turns.speech_began)
            case Do.RESUME:
                playout.resume()
            case Do.FLUSH:
                self._thinking.cancel("the caller has the word")
                self._end_agent_turn(self._speaker.flush(), interrupted=True)
            case Do.REPROMPT:
                self._reprompt()
            case Do.HANG_UP:
                self._over = True

    # Answers

    def _answer(self, answer: Answer, now: float) -> None:
        self._ending = None
        self._history.caller(answer.text)
        self._record.caller(answer.text, self._turns.answered.began, answer.speech_ended)
        self._times = ResponseTimes(answer.speech_ended, answer.pause_over, now, flush=self._call.leg.flush_seconds)
        self._thinking = trio.CancelScope()
        self._nursery.start_soon(self._think, self._speaker.begin(), self._thinking)

    async def _think(self, number: int, scope: trio.CancelScope) -> None:
        first = True

        async def say(text: str) -> None:
            nonlocal first
            if first:
                first = False
                await self._events.send(AnswerStarted(number))
            await self._speaker.say(Say(number, self._call.agent.prompt(text)))

        with scope:
            async with trio.open_nursery() as beside:
                beside.start_soon(fill_silence, self._call.leg, self._speaker, self._fillers)
                async with self._answering:
                    result = await make_answer(self._call, self._history, self._record, say)
                beside.cancel_scope.cancel("answered")
            await self._finish_answer(number, result)

    async def _finish_answer(self, number: int, result: AnswerResult) -> None:
        await self._events.send(AnswerDone(number, result.last, result.target))
        await self._speaker.say(AnswerEnds(number))

    def _say_fixed(self, text: str, ending: Ending | None = None) -> None:
        """An answer that needs no thinking: a phrase of the agent file."""
        self._times = ResponseTimes()
        self._ending = ending
        self._thinking = trio.CancelScope()
        self._nursery.start_soon(self._speak_fixed, self._speaker.begin(), text, self._thinking)

    async def _speak_fixed(self, number: int, text: str, scope: trio.CancelScope) -> None:
        last = self._ending is not None
        with scope:
            await self._events.send(AnswerStarted(number))
            await self._speaker.say(Say(number, self._call.agent.prompt(text)))
            await self._finish_answer(number, AnswerResult(last))

    def _reprompt(self) -> None:
        phrases = self._call.agent.no_input
        if self._reprompts < len(phrases):
            self._reprompts += 1
            self._say_fixed(phrases[self._reprompts - 1])
        else:
            self._say_fixed(self._call.agent.goodbye, Ending("no_input"))

    def _end_with(self, text: str, ending: Ending) -> None:
        """Whatever is going on: say this, then end the call so."""
        self._thinking.cancel("the call is to end")
        self._end_agent_turn(self._speaker.flush(), interrupted=True)
        self._turns.state, self._turns.deadline = State.LISTENING, None
        self._say_fixed(text, ending)

    def _end_agent_turn(self, heard: str, interrupted: bool) -> None:
        """The agent's turn is over: it enters the history and the record as what was heard of it."""
        leg = self._call.leg
        if heard:
            self._times.first_frame = leg.spoke_at
        stages = self._times.stages()
        self._history.agent(heard, interrupted)
        ended = trio.current_time() if leg.talking else leg.silent_from
        self._record.agent(heard, (leg.spoke_at, ended), interrupted, stages)
        for stage, seconds in stages.items():
            metrics.stage_seconds.labels(stage).observe(seconds)
        if "response" in stages:
            metrics.response_seconds.observe(stages["response"])
        self._times = ResponseTimes()
