"""How a decision stands, in the words that pages, papers, statements and exports share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from domain.endorsement import OWES_AGAIN, counts_by
from locales import LANGUAGES, N_, Counted, say, show_day, show_list
from meetings.decision_rows import RegisteredDecision
from meetings.documents.content import NOTHING, Both
from meetings.endorsements import Endorsed
from models.decision_kinds import KINDS

#: How a decision stands: what it asks for, or that it waits for the partners.
DECISION_STATES: Final[Mapping[str, str]] = {
    "open": N_("To be done"),
    "standing": N_("Holds"),
    "done": N_("Carried out"),
    "withdrawn": N_("Taken back"),
    "pending": N_("Pending"),
    "objected": N_("Objected"),
    "no_quorum": N_("Does not hold: no quorum"),
    "undecided": N_("To be decided since the restore"),
}
#: What the partners made of it.
ENDORSEMENTS: Final[Mapping[str, str]] = {
    "not_asked": N_("No partner is asked"),
    "pending": DECISION_STATES["pending"],
    "endorsed": N_("Endorsed"),
    "objected": DECISION_STATES["objected"],
    "earlier": N_("In effect, from before endorsement was required"),
}
#: What one partner said; "settled" of an objection that the committee settled.
SAID: Final[Mapping[str, str]] = {
    "": N_("No answer yet"),
    "endorsed": N_("Endorses it"),
    "objected": N_("Objects"),
    "settled": N_("Objected; the committee settled it"),
}
#: How many of the partners an agreement lets suffice.
MAJORITIES: Final[Mapping[str, str]] = {
    "more_than_half": N_("more than half of the partners suffice"),
    "two_thirds": N_("two thirds of the partners suffice"),
    "three_quarters": N_("three quarters of the partners suffice"),
}


def shown_state(row: RegisteredDecision) -> str:
    """How a decision's row stands: one of `DECISION_STATES`. What does not count is pending or objected.

    Without a quorum it does not hold, also where a role owes it or the partners endorsed it.
    """
    if row.state == "withdrawn":
        return row.state
    if not row.has_quorum:
        return "no_quorum"
    if not counts_by(row):
        return row.endorsement
    return "undecided" if row.ended_since else row.state


def said_as(one: Endorsed) -> str:
    """What a partner said, as one of `SAID`."""
    return "settled" if one.settled_by_id is not None else one.said


def endorsement_in_words(row: RegisteredDecision, asked: Sequence[Endorsed], *, settles: str = "") -> Both:
    """What the partners made of a decision; `settles` is the number of the decision whose objections it settles."""
    said = {language: _said(language, row, asked, settles) for language in LANGUAGES}
    return Both(fr=said["fr"], en=said["en"]) if any(said.values()) else NOTHING


#: By what the partners made of it.
_SENTENCES: Final[Mapping[str, str]] = {
    "objected": N_("Objected: by %(against)s. Anything based on it is suspended until this is settled."),
    "pending": N_("Pending: endorsed by %(n)s of %(partners)s; answer requested by %(day)s."),
    "earlier": N_("Taken before endorsement was required, and in effect: endorsed by %(n)s of %(partners)s."),
    "endorsed": N_("Endorsed by %(n)s of %(partners)s."),
}


def _said(language: str, row: RegisteredDecision, asked: Sequence[Endorsed], settles: str) -> str:
    if row.settles_id is not None:
        return say(language, N_("It settles the objection to decision %(number)s."), number=settles)
    if not row.needs_endorsement:
        return _not_asked(language, row) if row.is_where_objections_settle else ""
    needed = [one for one in asked if one.stake != OWES_AGAIN]
    sentence = _endorsed(asked, needed) if row.endorsement == "endorsed" else _SENTENCES[row.endorsement]
    return say(
        language,
        sentence,
        n=_endorsing(needed),
        partners=Counted("%(n)s partner", "%(n)s partners", len(needed)),
        against=show_list(language, [one.organization for one in needed if one.word.objects]),
        day=show_day(language, row.endorse_by, "medium") if row.endorse_by else "–",
    )


def _endorsed(asked: Sequence[Endorsed], needed: Sequence[Endorsed]) -> str:
    """The sentence of a decision that is endorsed, by how many of those whose word was needed endorse it."""
    if not asked:
        return N_("Endorsed: no agreement was in force on that day, and no one was asked.")
    if not needed:
        return N_("Endorsed: it revokes the waiver of the only partner, which is not asked.")
    if _endorsing(needed) < len(needed) and any(one.majority for one in needed):
        return N_("Endorsed by a majority: %(n)s of %(partners)s.")
    return _SENTENCES["endorsed"]


def _endorsing(asked: Sequence[Endorsed]) -> int:
    return sum(one.said == "endorsed" for one in asked)


def _not_asked(language: str, row: RegisteredDecision) -> str:
    if not row.why_not_management:
        return say(language, KINDS[row.kind].unasked)
    why = row.why_not_management
    return say(language, N_("Recorded as not about management: no partner is asked. Reason: %(why)s"), why=why)
