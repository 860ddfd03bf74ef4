"""Where two say something else of the attendance of one meeting: its minutes, and what is recorded by now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import zip_longest
from typing import NamedTuple

from locales import LANGUAGES, N_, say
from meetings.documents.content import NOTHING, AttendanceLine, Both, MinutesContent
from meetings.documents.layout import attended
from meetings.documents.paper import Speaker


class RecordedAttendance(NamedTuple):
    """The attendance of a meeting as it stands, in the words of minutes."""

    attendance: tuple[AttendanceLine, ...]
    has_quorum: bool
    quorum: Both


def attendance_changes(
    had: MinutesContent | RecordedAttendance, has: MinutesContent | RecordedAttendance
) -> tuple[Both, ...]:
    """Each seat that is filled otherwise than it was, and whether there was a quorum where that is so, in sentences.

    Titles may be written otherwise, and one who did not sit may have another name: that is no correction.
    """
    before, after = _by_seat(had.attendance), _by_seat(has.attendance)
    pairs = [pair for seat in {**before, **after} for pair in zip_longest(before[seat], after[seat])]
    found = [_in_both(old, new) for old, new in pairs if _facts(old) != _facts(new)]
    if had.has_quorum != has.has_quorum:
        met = N_("Quorum: met") if has.has_quorum else N_("Quorum: not met")
        found.append(Both(**{language: say(language, met) for language in LANGUAGES}))
    return tuple(found)


def _by_seat(lines: Iterable[AttendanceLine]) -> defaultdict[tuple[Both, Both], list[AttendanceLine]]:
    found = defaultdict(list)
    for line in lines:
        found[line.seat, line.organization].append(line)
    return found


def _facts(line: AttendanceLine | None) -> tuple[object, ...]:
    """How a seat was filled, and by which person; a seat without a record and one that is not there say the same."""
    if line is None or line.state == "unrecorded":
        return ()
    sat = line.state in ("present", "remote", "alternate")
    return line.state, line.remote, line.arrived, line.left, line.person if sat else ""


def _in_both(had: AttendanceLine | None, has: AttendanceLine | None) -> Both:
    return Both(**{language: _in_words(language, had, has) for language in LANGUAGES})


def _in_words(language: str, had: AttendanceLine | None, has: AttendanceLine | None) -> str:
    words = Speaker(language)
    before, after = _said(words, had), _said(words, has)
    line = has or had
    seat = (words.of(line.seat) or words.of(line.organization)) if line else ""
    if before == after:
        return words.say(N_("%(seat)s: another person sat there"), seat=seat)
    return words.say(N_("%(seat)s: %(now)s instead of %(before)s"), seat=seat, now=after, before=before)


def _said(words: Speaker, line: AttendanceLine | None) -> str:
    cells = attended(words, line or AttendanceLine(organization=NOTHING, state="unrecorded"))
    return ", ".join(f"{cell.text[:1].lower()}{cell.text[1:]}" for cell in cells)
