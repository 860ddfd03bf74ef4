"""Why an item is on an agenda: the facts that put it there, kept as codes and values, and told in words.

Kept as `{"code": …, "facts": …}`; with `rule`, the declared rule that drew it; with `sentence`, the words that the
asker brought along, so that a layer above adds reasons without a line here. Facts are days, counts, numbers such as
#2019-02, names of organizations, and declared texts in both languages: never a person's name, never typed words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from locales import LANGUAGES, N_, Counted, say, say_n

Fact = str | int | Mapping[str, str]
Kept = dict[str, Any]

#: What people did to an item, which is no fact of the program: it is kept beside the reasons and told to nobody.
EDITED: Final = "edited"
TAKEN_OFF: Final = "taken_off"

#: Why the program itself adds an item late: kept in its row as it stands here.
COULD_NOT_WAIT: Final = N_("It could not wait for the committee.")

CARRIED: Final = "carried"
THREE_TIMES: Final = "three_times"
STANDING_THREE_TIMES: Final = "standing_three_times"

#: After so many meetings that did not reach it, an item asks for a decision or an end.
TOO_OFTEN: Final = 3
LATE_REQUEST: Final = "late_request"
RETURNED: Final = "returned"
REFERRED: Final = "referred"
ENDED: Final = "ended"
#: What the passing of time adds to a reason, and is none by itself.
AGES: Final = frozenset({CARRIED, THREE_TIMES, STANDING_THREE_TIMES, RETURNED})

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


@dataclass(frozen=True)
class ItemReason:
    """A reason as the asker of an item gives it: a code, an N_() sentence with %(named)s facts, and the facts.

    `sentence` stays empty for the codes that this module words itself.
    """

    code: str
    sentence: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def kept(self, rule: str = "") -> Kept:
        """It as a row keeps it. Raises KeyError where it has no words, or they want a fact that is not given."""
        kept: Kept = {"code": self.code, "facts": dict(self.facts)}
        if self.sentence:
            kept["sentence"] = self.sentence
        if rule:
            kept["rule"] = rule
        if self.code not in (EDITED, TAKEN_OFF):
            for language in LANGUAGES:
                _worded(kept, language)
        return kept


def reason_in_words(reason: Kept, language: str) -> str:
    """A kept reason as a sentence in `language`; "" for what people did to the item, which is no reason."""
    return "" if reason["code"] in (EDITED, TAKEN_OFF) else _worded(reason, language)


def in_words(reasons: Iterable[Kept], language: str) -> str:
    """Several reasons, each sentence once."""
    sentences = (reason_in_words(reason, language) for reason in reasons)
    return " ".join(dict.fromkeys(sentence for sentence in sentences if sentence))


def why_late(kept: str, language: str) -> str:
    """Why an item came late: typed words as they are, and what the program says itself in `language`."""
    return say(language, kept) if kept == COULD_NOT_WAIT else kept


def merged(reasons: Sequence[Kept], more: Iterable[Kept]) -> list[Kept]:
    """The reasons, and those of `more` that are not among them."""
    found = list(reasons)
    found += [reason for reason in more if reason not in found]
    return found


def edited(reasons: Iterable[Kept]) -> frozenset[str]:
    """The columns that people changed by hand, and that no rule may change back."""
    return frozenset(name for reason in reasons if reason["code"] == EDITED for name in reason["facts"]["columns"])


def with_edited(reasons: Sequence[Kept], columns: Iterable[str]) -> list[Kept]:
    """The reasons, with these columns as well among those changed by hand."""
    every = sorted(edited(reasons) | set(columns))
    return [*without(reasons, EDITED), {"code": EDITED, "facts": {"columns": every}}] if every else list(reasons)


def taken_off(reasons: Iterable[Kept]) -> frozenset[str]:
    """The ids of the meetings from whose agendas people took the item off."""
    return frozenset(reason["facts"]["meeting"] for reason in reasons if reason["code"] == TAKEN_OFF)


def without(reasons: Iterable[Kept], *codes: str) -> list[Kept]:
    """The reasons but those of these codes."""
    return [reason for reason in reasons if reason["code"] not in codes]


def is_drawn(reasons: Sequence[Kept]) -> bool:
    """Whether a rule alone put the item there, untouched since."""
    return any("rule" in reason for reason in reasons) and all(
        "rule" in reason or reason["code"] in AGES for reason in reasons
    )


def is_over(reasons: Iterable[Kept]) -> bool:
    """Whether the fact that put the item there no longer holds: it stays on the agenda as printed, and on no other."""
    return any(reason["code"] == ENDED for reason in reasons)


def speak_for_it(reasons: Iterable[Kept]) -> bool:
    """Whether any of these is a reason to talk about the item, and not only what became of it meanwhile."""
    return any(reason["code"] not in {EDITED, TAKEN_OFF, ENDED, LATE_REQUEST, *AGES} for reason in reasons)


def _worded(reason: Kept, language: str) -> str:
    facts = reason["facts"]
    # Our own words before those that were kept: a sentence that was mended is told as mended.
    words = _SENTENCES.get(reason["code"]) or reason["sentence"]
    if isinstance(words, Counted):
        return say_n(language, words.singular, words.plural, facts["n"])
    return say(language, words, **facts)
