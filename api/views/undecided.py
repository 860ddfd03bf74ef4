"""What a restore brought back and waits for a decision, as each place that shows it says: there it counts as ended.

One list of sentences, by what is shown and by the act that had ended it. Of a program that was never restored a number
alone is asked, which comes with the frame of every page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Final, NamedTuple
from uuid import UUID

from api.access.permissions import Action, is_allowed, to_program
from api.access.restored import theirs
from api.access.session import RequestContext
from domain.access import KEEPS_OUT
from domain.record import apart
from domain.restored import matters
from locales import N_, gettext, show_day
from models.consent import Consent
from models.ledger import RestoredMatter

_WITHDRAWN: Final = N_("Counts as withdrawn until the privacy officer decides.")
_ENDED: Final = N_("Counts as ended until the coordination or the privacy officer decides.")
_ENDED_AFTER: Final = N_("Counts as ended after %(day)s until the coordination or the privacy officer decides.")
_CANCELLED: Final = N_("Counts as cancelled until the coordination or the privacy officer decides.")
_KEPT_OUT: Final = N_("Kept out of the program until the coordination or the privacy officer decides.")
_PART_ENDED: Final = N_("Their part counts as ended until the privacy officer decides.")
_OFF_THE_FILE: Final = N_("Kept out of this file until the privacy officer decides.")
_NOT_DESTROYED: Final = N_("This file is not destroyed until the privacy officer decides.")
_NOT_IN_EFFECT: Final = N_("Not in effect until the coordination or the privacy officer decides.")
_FEW_READ_IT: Final = N_(
    "Words of it had been redacted: only the coordinator and the privacy officer read it, until the privacy officer "
    "decides."
)
_NOT_SHOWN: Final = N_("Words of it had been redacted: its text is not shown until the privacy officer decides.")
_PAIRS: Final = ("participant.barred", "participant.meets_no_more", "follow_up.part_ended")

#: What a page shows, and by the act that had ended it what is said beside it. A consent to research is left out of the
#: list of those that stand.
SAID: Final[Mapping[str, Mapping[str, str]]] = {
    "access": {
        verb: _KEPT_OUT
        for verb, closing in apart.CLOSINGS.items()
        if closing.matter in KEEPS_OUT and verb not in matters.OPEN_MEANWHILE
    },
    "address": {
        "person.updated": N_(
            "It had been changed: no letter goes to it until the coordination or the privacy officer decides."
        )
    },
    "account": {
        "account.closed": N_(
            "One had been closed: this person is kept out until the coordination or the privacy officer decides."
        )
    },
    "role": {
        "tenure.ended": _ENDED,
        "tenure.taken_back": _CANCELLED,
        "departure.opened": _ENDED,
        "departure.last_day_over": _ENDED,
    },
    "seat": {"seat.left": _ENDED, "seat.withdrawn": _ENDED, "seat.ended": _ENDED},
    "committee": {"committee.ended": _ENDED},
    "absence": {"absence.cancelled": _CANCELLED},
    "deputy": {
        "absence.deputy_changed": N_("This deputy does not act until the coordination or the privacy officer decides.")
    },
    "consent": {"consent.withdrawn": _WITHDRAWN, "consent.replaced": _WITHDRAWN, "consent.narrowed": _WITHDRAWN},
    "barred": dict.fromkeys(_PAIRS, _OFF_THE_FILE),
    # Who reads a follow-up alone is not told that the participant barred someone: it says the same of all three.
    "part": dict.fromkeys(_PAIRS, _PART_ENDED),
    "draft": {"referral.left": N_("Counts as left to the coordinator until the privacy officer decides.")},
    "file": dict.fromkeys(
        (
            *("retention.held", "retention.moved", "retention.stopped"),
            *("destruction.refused", "destruction.stopped", "destruction.withdrawn"),
        ),
        _NOT_DESTROYED,
    ),
    "agreement": {
        "organization.ended": _ENDED,
        "agreement.ended": _ENDED,
        "agreement.lapsed": _ENDED,
        "agreement.called_off": N_("Does not begin until the coordination or the privacy officer decides."),
        "agreement.withdrawn": N_(
            "Counts as a draft, neither signed nor begun, until the coordination or the privacy officer decides."
        ),
        "agreement.signature_taken_back": N_(
            "A signature counts as taken back, and nothing begins, until the coordination or the privacy officer "
            "decides."
        ),
    },
    "decision": {"decision.withdrawn": _NOT_IN_EFFECT, "decision.suspended": _NOT_IN_EFFECT},
    "answer": {
        "decision.word_taken_back": N_("Counts as withdrawn until the coordination or the privacy officer decides.")
    },
    "words": {"redaction.done": _FEW_READ_IT, "minutes.redacted": _FEW_READ_IT},
    "letter": {"notice.redacted": _NOT_SHOWN},
}


class UndecidedLine(NamedTuple):
    """What is said beside a thing, and the way to decide it, for who decides it; "" for all others."""

    words: str
    href: str = ""


class Undecided:
    """What waits for a decision in a program, as one reader's pages say it."""

    def __init__(self, context: RequestContext) -> None:
        self._context = context

    def of(
        self, what: str, *things: UUID | None, since: datetime | None = None, **facts: object
    ) -> list[UndecidedLine]:
        """What is said of a thing: of one of these ids, with these facts where a matter says them.

        Of what stands `since` a moment, only what had ended after it.
        """
        said: dict[str, UndecidedLine] = {}
        for matter in self._waiting:
            if matter.verb not in SAID[what] or not _is_of(matter, things, facts):
                continue
            if (since is None or matter.at >= since) and (words := self._words(what, matter)):
                line = said.get(words)
                said[words] = line if line and line.href else UndecidedLine(words, self._way(matter))
        return list(said.values())

    def of_consent(self, given: Consent) -> list[UndecidedLine]:
        """What is said of a consent that was signed."""
        return self.of(
            "consent",
            given.participant_id,
            since=given.recorded_at,
            purpose=given.purpose,
            organization=given.organization_id,
        )

    @staticmethod
    def words_of(lines: Iterable[UndecidedLine]) -> list[str]:
        """The sentences alone."""
        return [one.words for one in lines]

    @cached_property
    def _waiting(self) -> list[RestoredMatter]:
        session = self._context.session
        return matters.waiting(session) if matters.count_waiting(session) else []

    @cached_property
    def _mine(self) -> frozenset[UUID]:
        """What the reader decides."""
        if not is_allowed(Action.SEE_RESTORED, to_program(self._context.asker)):
            return frozenset()
        return frozenset(one.id for one in theirs(self._context, self._waiting, self._waiting))

    def _way(self, matter: RestoredMatter) -> str:
        return f"/restored?after={matter.ledger_n - 1}#m-{matter.id}" if matter.id in self._mine else ""

    def _words(self, what: str, matter: RestoredMatter) -> str:
        """The sentence, which says the last day where that is not over; "" of an access that lasts until then."""
        words, day = SAID[what][matter.verb], str(matter.facts.get("day") or "")
        if not day or date.fromisoformat(day) < self._context.day or words not in (_ENDED, _KEPT_OUT):
            return gettext(words)
        shown = show_day(self._context.language, date.fromisoformat(day))
        return gettext(_ENDED_AFTER) % {"day": shown} if words == _ENDED else ""


def _is_of(matter: RestoredMatter, things: tuple[UUID | None, ...], facts: Mapping[str, object]) -> bool:
    about = {matter.subject_id, matter.person_id, matters.id_in(matter, "subject"), matters.id_in(matter, "absence")}
    said = {**matter.facts, "who": str(matter.facts.get("worker") or matter.person_id or "")}
    agrees = all(not said.get(name) or str(said[name]) == str(value) for name, value in facts.items())
    return agrees and bool(about & {one for one in things if one is not None})
