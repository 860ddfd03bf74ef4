"""Why an item is on an agenda, told in words: the facts that put it there are kept as codes and values.

Where an asker brought the words along, as `sentence`, a layer above adds reasons without a line here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, cast

from locales import LANGUAGES, N_, Counted, say, say_n
from models.agenda import (
    CARRIED,
    EDITED,
    ENDED,
    LATE_REQUEST,
    REFERRED,
    RETURNED,
    STANDING_THREE_TIMES,
    TAKEN_OFF,
    THREE_TIMES,
    ItemReason,
    Reasons,
)

#: Why the program itself adds an item late: kept in its row as it stands here.
COULD_NOT_WAIT: Final = N_("It could not wait for the committee.")

#: After so many meetings that did not reach it, an item asks for a decision or an end.
TOO_OFTEN: Final = 3

_SENTENCES: Final[Mapping[str, str | Counted]] = {
    "standing": N_("It is on every agenda of the committee."),
    "turn": N_("In turn: the last one the time before comes first."),
    "minutes_to_approve": N_("The minutes of %(day)s were circulated and are not approved yet."),
    "onboarding_open": N_("An onboarding has been open since %(since)s."),
    "seat_vacant": N_("This seat is vacant on the day of the meeting."),
    "role_vacant": N_("On the day of the meeting fewer people hold this role than the agreement provides for."),
    # The number of a counted one is each reason's own fact.
    "role_vacant_with_tasks": Counted(
        "This role is vacant on the day of the meeting, and %(n)s task that falls to it is open.",
        "This role is vacant on the day of the meeting, and %(n)s tasks that fall to it are open.",
        n=0,
    ),
    "decision_open": N_("Decided on %(decided)s, to be done by %(due)s."),
    "decision_late": N_("Decided on %(decided)s, to be done by %(due)s, and not done."),
    "decision_undated": N_("Decided on %(decided)s, and not done yet."),
    "objected": N_(
        "%(partner)s has objected since %(day)s: anything based on the decision is suspended until this is settled."
    ),
    "objected_in_vain": N_(
        "%(partner)s has objected since %(day)s; the decision is in effect, since as "
        "many endorse it as their agreements ask for."
    ),
    "objected_own_waiver": N_(
        "%(partner)s has objected since %(day)s; nothing is suspended, since the "
        "decision revokes its waiver of a clause."
    ),
    "objected_before": N_("%(partner)s objected on %(day)s, before an objection suspended anything."),
    "silent": N_("Decided on %(decided)s; %(partner)s was asked again on %(day)s and has not answered."),
    "nobody_left": N_(
        "Decided on %(decided)s. None of the partners whose endorsement it needs is "
        "still a partner: decide again, and revoke it."
    ),
    "obligation_at_risk": N_("%(clause)s, period up to %(day)s: at risk."),
    "obligation_cannot_be_met": N_("%(clause)s, period up to %(day)s: can no longer be met."),
    "obligation_missed": N_("%(clause)s, period up to %(day)s: not met."),
    "obligation_missed_now": N_("%(clause)s, owed at all times: not met now."),
    "agreement_year": N_(
        "In force since %(since)s without a last day: another year of the agreement began on %(day)s."
    ),
    "agreement_year_to_a_day": N_(
        "In force from %(since)s to %(last)s: another year of the agreement began on %(day)s."
    ),
    "asked": N_("A member of the committee asked for it on %(day)s."),
    LATE_REQUEST: N_("It was requested after the agenda was frozen."),
    CARRIED: Counted(
        "Carried over: %(n)s meeting did not reach it.", "Carried over: %(n)s meetings did not reach it.", n=0
    ),
    THREE_TIMES: N_("Meetings that did not reach it: %(n)s. Decide on it, or end it."),
    # What stands on every agenda returns by its rule: it does not end, and what is to be decided is the rule.
    STANDING_THREE_TIMES: N_(
        "Meetings in a row that did not reach it: %(n)s. Decide: another rhythm, more minutes, or a season without it."
    ),
    RETURNED: N_("The meeting of %(day)s, on whose agenda it was, was cancelled."),
    REFERRED: N_("“%(committee)s” referred it on %(day)s."),
    ENDED: N_("Since %(day)s, the reason for this item no longer applies."),
}


def worded(reasons: Iterable[ItemReason], rule: str = "") -> Reasons:
    """The reasons of an item, by the rule that drew it. Raises KeyError where one lacks words, or a fact of them."""
    found = Reasons(replace(reason, rule=rule) for reason in reasons)
    for reason in found:
        for language in LANGUAGES:
            _sentence(reason, language)
    return found


def in_words(reasons: Iterable[ItemReason], language: str) -> str:
    """Several reasons, each sentence once; what people did to the item is no reason."""
    sentences = (_sentence(reason, language) for reason in reasons if reason.code not in (EDITED, TAKEN_OFF))
    return " ".join(dict.fromkeys(sentences))


def why_late(kept: str, language: str) -> str:
    """Why an item came late: typed words as they are, and what the program says itself in `language`."""
    return say(language, kept) if kept == COULD_NOT_WAIT else kept


def _sentence(reason: ItemReason, language: str) -> str:
    """A reason as a sentence in `language`. Raises KeyError where it has no words, or they want a fact."""
    # Our own words before those that were kept: a sentence that was mended is told as mended.
    words = _SENTENCES.get(reason.code) or reason.sentence
    if not words:
        raise KeyError(reason.code)
    if isinstance(words, Counted):
        return say_n(language, words.singular, words.plural, cast("int", reason.facts["n"]))
    return say(language, words, **reason.facts)
