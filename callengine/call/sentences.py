"""Cut a reply into pieces a voice can speak, while it is still being written.

The first piece comes early (a clause is enough), later ones by sentence. A cut is decided only once the character
after the space behind a mark is there, and looks at nothing beyond it: so the pieces do not depend on how the text
came in. White space is collapsed; no other character is lost, added or moved.
"""

import re

LONGEST_PIECE = 200  # characters; about 14 s of speech, and what voices take at once without loss of prosody
SHORTEST_CLAUSE = 12  # characters of a first clause: about 0.9 s of speech, in which the next piece is made

_MARK = re.compile(r"(?P<stop>[.!?…]+[»”\"')\]]*)(?= )|(?P<clause>[,;:]|(?<= )[—–-])(?= )|(?P<line>)(?=\n)")
_GAP = re.compile(r"(\s+)")
# Words with a dot that stand before what they belong to: a dot after them never ends a sentence.
_TITLES = r"mr|mrs|ms|messrs|dr|prof|st|mt|vs|approx|tel|dept|fig|e\. ?g|i\. ?e"
_TITLES_RU = (
    r"т|т\. ?[екнч]|ул|пр-т|просп|пл|пер|наб|ш|стр|корп|кв|оф|им|проф|акад|г-н|г-жа|тел|напр|рис|ср|св|ст|обл|р-н|пос"
    r"|дер|доп|макс|(?<!\d )г"
)
# Words with a dot that may end a sentence; before a number they do not.
_UNITS = r"no|nos|etc|inc|ltd|co|corp|min|max|hrs|sq|ft|in|vol|[a-z]|[ap]\. ?m"
_UNITS_RU = r"др|пр|руб|коп|шт|тыс|млн|млрд|час|мин|сек|мес|эт|км|см|мм|кг|[а-яё]"


def _ends_with(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|[\s(«\"“-])(?:{words})$", re.IGNORECASE)


_BEFORE_NAMES = {"ru": _ends_with(f"{_TITLES}|{_TITLES_RU}"), "": _ends_with(_TITLES)}
_BEFORE_NUMBERS = {"ru": _ends_with(f"{_UNITS}|{_UNITS_RU}"), "": _ends_with(_UNITS)}
_INITIAL = re.compile(r"(?:^|[\s.(«\"“-])[A-ZА-ЯЁ]$")
_LIST_NUMBER = re.compile(r"^\d{1,2}$")


class Splitter:
    """Pieces of one reply. `language` (BCP-47) picks the abbreviations; those in Latin letters always count.

    Call `finish` whenever the text stops for a while (before a tool runs), not only at the end: the last sentence
    waits for it. A splitter can be fed again afterwards.
    """

    def __init__(self, language: str) -> None:
        tongue = language.split("-")[0].lower()
        self._before_names = _BEFORE_NAMES.get(tongue, _BEFORE_NAMES[""])
        self._before_numbers = _BEFORE_NUMBERS.get(tongue, _BEFORE_NUMBERS[""])
        self._text = ""
        self._gap = ""
        self._first = True

    def feed(self, text: str) -> list[str]:
        """The pieces that are complete now, each 1 to 200 characters, without white space at its ends."""
        self._append(text)
        pieces = []
        while (cut := self._next_cut()) is not None:
            pieces.append(self._take(cut))
        return pieces

    def finish(self) -> list[str]:
        """What is left: nothing, one piece, or two where it is too long for one."""
        self._gap = ""
        pieces = [self._take(_cut_run_on(self._text))] if len(self._text) > LONGEST_PIECE else []
        return [*pieces, self._take(len(self._text))] if self._text else pieces

    def _append(self, text: str) -> None:
        """Add to the buffer, which never ends in white space: a gap is one space, or a line break if it holds one."""
        for part in _GAP.split(text):
            if part.isspace():
                self._gap = "\n" if "\n" in self._gap + part else " "
            elif part:
                self._text += (self._gap if self._text else "") + part
                self._gap = ""

    def _take(self, cut: int) -> str:
        piece, self._text = self._text[:cut].rstrip(), self._text[cut:].lstrip()
        self._first = False
        return piece.replace("\n", " ")

    def _next_cut(self) -> int | None:
        window = self._text[: LONGEST_PIECE + 2]
        for mark in _MARK.finditer(window):
            if mark.end() <= LONGEST_PIECE and self._ends_piece(window, mark):
                return mark.end()
        return _cut_run_on(window) if len(window) == LONGEST_PIECE + 2 else None

    def _ends_piece(self, window: str, mark: re.Match[str]) -> bool:
        before, after = window[: mark.start()], window[mark.end() + 1]
        if not any(map(str.isalnum, before)) or (before.rstrip()[-1].isdigit() and after.isdigit()):
            return False
        if mark["clause"]:
            return self._first and mark.end() >= SHORTEST_CLAUSE
        if mark["line"] is not None or "!" in mark["stop"] or "?" in mark["stop"]:
            return True
        if mark["stop"].startswith(("…", "..")):
            return not after.islower()
        return self._dot_ends(before, after)

    def _dot_ends(self, before: str, after: str) -> bool:
        if after.islower() or _LIST_NUMBER.search(before) or _INITIAL.search(before):
            return False
        if self._before_names.search(before):
            return False
        return not (after.isdigit() and self._before_numbers.search(before))


def _cut_run_on(window: str) -> int:
    """Where to cut text without a sentence end: behind the last clause, else at a space outside numbers and
    abbreviations, else at any space, else in the middle of what can only be one endless word."""
    spaces = [at for at in range(1, LONGEST_PIECE + 1) if window[at] in " \n"]
    good = [
        at
        for at in spaces
        if window[at - 1] != "." and not (window[at - 1].isdigit() and window[at + 1 : at + 2].isdigit())
    ]
    clauses = [at for at in good if window[at - 1] in ",;:—–" and at > LONGEST_PIECE // 2]
    return max(clauses or good or spaces or [LONGEST_PIECE])
