"""The rules that a committee declares for its agendas, and the items that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from domain.declarations import AgendaRule
from domain.kernel import Refusal
from locales import N_, say
from meetings.committees import Membership
from meetings.reasons import worded
from models.agenda import AUDIENCES, PURPOSES, ItemReason, Reasons
from models.committee import Committee, KeptAgenda, KeptRule
from models.meeting import Meeting
from models.obligation import WAIVER_ITEM

#: The kinds that each meeting has anew: they vanish with it, and never wait in the pool.
STANDING: Final = "standing"
TURN: Final = "turn"
OF_ONE_MEETING: Final = frozenset({STANDING, TURN})

#: What a partner objects to, and on what one is silent: its subject is the decision's id.
OBJECTION: Final = "objection"
SILENCE: Final = "silence"

#: What members ask for, and what comes to every committee of which the file says nothing else as that does.
REQUEST: Final = "request"
_ASKED_AS: Final[Mapping[str, str]] = {WAIVER_ITEM: REQUEST}


@dataclass(frozen=True)
class KeyedRule:
    """A declared rule under its key."""

    key: str
    declared: AgendaRule


@dataclass(frozen=True, kw_only=True)
class NewItem:
    """An item as it is put in a committee's pool or on an agenda: what it is about, what is said of it, and why.

    `subject` tells it from every other of its kind in the committee; `rule` is the key of the declared rule by which it
    comes. It is asked for now where `asked_at` does not say since when. Its columns are named as in `AgendaItem`.
    """

    kind: str
    subject: str
    title_fr: str
    title_en: str = ""
    rule: str = ""
    section_fr: str = ""
    section_en: str = ""
    purpose: str = PURPOSES[1]
    audience: str = AUDIENCES[0]
    minutes: int = 5
    presenter_seat_id: UUID | None = None
    task_id: UUID | None = None
    late_reason: str = ""
    times_seen: int = 0
    carried_from_id: UUID | None = None
    asked_by: UUID | None = None
    asked_at: datetime | None = None
    reasons: Reasons = field(default_factory=Reasons)

    @property
    def key(self) -> tuple[str, str]:
        """What it is about: of one subject a committee has one open item."""
        return self.kind, self.subject


@dataclass(frozen=True)
class RuleContext:
    """Where a rule draws: the session, the committee and the meeting as rows, who sits on it, and the moment."""

    session: Session
    committee: Committee
    meeting: Meeting
    seats: Membership
    at: datetime
    unreached: Mapping[str, tuple[UUID, int]]
    rule: KeyedRule

    @property
    def day(self) -> date:
        """The meeting's local day."""
        return self.meeting.starts.date()

    @property
    def presenter(self) -> UUID | None:
        """The seat that the rule names to present its items, where it exists on that day."""
        return presenter_of(self.rule, self.seats, self.day)

    def drawn(self, kind: str, subject: str, title: tuple[str, str], *reasons: ItemReason) -> NewItem:
        """An item that the rule draws for these reasons, presented by the seat that it names."""
        item = item_by(self.rule, kind, subject, title, self.presenter)
        return replace(item, reasons=worded(reasons, self.rule.key))


def rules_of(committee: Committee) -> tuple[KeyedRule, ...]:
    """The declared rules of a committee's row, in the order in which its file has them."""
    declared, order = committee.agenda.get("rules", {}), committee.agenda.get("order", ())
    return tuple(KeyedRule(key, AgendaRule.model_validate(declared[key])) for key in order)


def rule_taking(committee: Committee, kind: str) -> KeyedRule | None:
    """The first rule by which items of this kind, asked for, come on the committee's agendas."""
    return next((rule for rule in rules_of(committee) if kind in kinds_taken(committee, rule)), None)


def needed_rule(committee: Committee, kind: str) -> KeyedRule:
    """As `rule_taking`. Raises Refusal where no rule takes the kind."""
    rule = rule_taking(committee, kind)
    if rule is None:
        raise Refusal("agenda.kind_not_taken", N_("The agendas of this committee take no items of this kind."))
    return rule


def kinds_taken(committee: Committee, rule: KeyedRule) -> tuple[str, ...]:
    """The kinds of items that a rule takes. One that takes what members ask for takes what no other rule names."""
    named = {kind for one in rules_of(committee) for kind in one.declared.kinds}
    also = [kind for kind, asked_as in _ASKED_AS.items() if asked_as in rule.declared.kinds and kind not in named]
    return (*rule.declared.kinds, *also)


def presenter_of(rule: KeyedRule, seats: Membership, day: date) -> UUID | None:
    """The seat that a rule names to present its items, where it exists on that day."""
    return next((seat.id for seat in seats.seats_on(day) if seat.key == rule.declared.presenter), None)


def points_of(declared: KeptAgenda, rule: str) -> tuple[dict[str, str], ...]:
    """What is gone through under an item that this rule drew, in both languages; nothing where it declares none."""
    return tuple(declared.get("rules", {}).get(rule, KeptRule()).get("points", ()))


def lists_of(declared: KeptAgenda, rule: str) -> str:
    """What a sitting lists under an item that this rule drew; "" where it declares nothing."""
    return declared.get("rules", {}).get(rule, KeptRule()).get("lists") or ""


# -------------------------------------------------------------------------------------------------------- one item


def item_by(rule: KeyedRule, kind: str, subject: str, title: tuple[str, str], presenter: UUID | None) -> NewItem:
    """An item as its rule has it, with its title in French and in English."""
    declared = rule.declared
    return NewItem(
        kind=kind,
        subject=subject,
        title_fr=title[0],
        title_en=title[1],
        rule=rule.key,
        section_fr=declared.section.fr,
        section_en=declared.section.en,
        purpose=declared.purpose,
        audience=declared.audience,
        minutes=declared.minutes,
        presenter_seat_id=presenter,
    )


def both(msgid: str, **facts: object) -> tuple[str, str]:
    """A sentence in French and in English."""
    return say("fr", msgid, **facts), say("en", msgid, **facts)
