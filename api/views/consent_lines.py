"""The lines of a consent form as its pages show them: those to sign, and those that stand and may be narrowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from api.access.session import RequestContext
from api.views.participants import SeenFile, partner_names
from api.views.ticked_lines import TickedLines
from api.views.undecided import Undecided
from domain.accompaniment import consents, withdrawals
from domain.kernel import title_of
from domain.participants import RESEARCH, ConsentText
from domain.terms import circle_of
from locales import LANGUAGES
from models.consent import Consent


@dataclass(frozen=True)
class LineToSign:
    """A line that a form asks about: its key and words, whether it is ticked, and until which last day."""

    key: str
    partner: str
    words: str
    ticked: bool
    until: str


@dataclass(frozen=True)
class FormToSign:
    """What a form of one person asks: the program, each partner and purpose, and research apart."""

    text: ConsentText
    program: str
    program_until: str
    holds: bool  # the consent to the program stands, and is ticked already
    partners: list[LineToSign]
    research: str
    homes: list[str]
    workers: list[UUID]
    signs: str

    @property
    def by_partner(self) -> Mapping[str, list[LineToSign]]:
        """The lines of each partner, by its name."""
        found: dict[str, list[LineToSign]] = {}
        for one in self.partners:
            found.setdefault(one.partner, []).append(one)
        return found


def form_to_sign(seen: SeenFile, text: ConsentText, typed: TickedLines | None) -> FormToSign:
    """A form for this person, with what stands already ticked; or what was typed and refused."""
    session, day = seen.session, seen.context.day
    waits = Undecided(seen.context)  # what was withdrawn before a restore is not ticked until it is decided
    standing = [one for one in consents.standing_of(session, seen.id, day) if not waits.of_consent(one)]
    as_it_stands = _as_it_stands(standing)
    homes = circle_of(session, seen.id, day).homes
    asker = seen.context.asker.person_id
    could_sign = consents.workers_of(session, seen.id, day)
    if seen.accompanies:
        could_sign = [asker, *could_sign]
    return FormToSign(
        text=text,
        program=text.line("program", "", None),
        program_until=as_it_stands.beside("program:None"),
        holds="program:None" in as_it_stands.ticked,
        partners=list(_to_sign(seen, text, typed or as_it_stands)),
        research=text.line(RESEARCH, "", None) if text.asks_research else "",
        homes=[name for place, name in partner_names(session) if place in homes],
        workers=list(dict.fromkeys(could_sign)),
        signs=str(asker) if seen.accompanies else "",
    )


def _as_it_stands(standing: Iterable[Consent]) -> TickedLines:
    """What stands, as a form would be ticked that says the same."""
    days = {f"{one.purpose}:{one.organization_id}": _iso(one.ends_on) for one in standing}
    return TickedLines([*days], [*days], [*days.values()])


def _to_sign(seen: SeenFile, text: ConsentText, typed: TickedLines) -> Iterator[LineToSign]:
    """Each partner and purpose that a form of the person asks about."""
    for place, name in consents.partners_for(seen.session, seen.id, seen.context.day):
        for purpose in text.purposes:
            key = f"{purpose}:{place}"
            if purpose != "program":
                words = text.line(purpose, name, None)
                yield LineToSign(key, name, words, key in typed.ticked, typed.beside(key))


@dataclass(frozen=True)
class LineThatStands:
    """A consent that stands: what it is to, until when, who leaves the pair with it, and whether it is unticked."""

    id: UUID
    purpose: str
    partner: str
    signed_on: date
    ends_on: date | None
    is_home: bool
    seconds: list[UUID]
    ticked: bool
    until: str


def lines_that_stand(seen: SeenFile, typed: TickedLines | None) -> list[LineThatStands]:
    """What the person may leave ticked or not; or what was typed and refused."""
    session, day = seen.session, seen.context.day
    names, circle = dict(partner_names(session)), circle_of(session, seen.id, day)
    return [
        LineThatStands(
            id=row.id,
            purpose=row.purpose,
            partner=names.get(row.organization_id, "") if row.organization_id else "",
            signed_on=row.signed_on,
            ends_on=row.ends_on,
            is_home=row.organization_id in circle.homes,
            seconds=list(withdrawals.leaving_with(row, circle)),
            ticked=typed is None or str(row.id) in typed.ticked,
            until=_iso(row.ends_on) if typed is None else typed.beside(str(row.id)),
        )
        for row in consents.standing_of(session, seen.id, day)
    ]


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def program_title(context: RequestContext, language: str) -> str:
    """The program's title on a paper; in a language that the program does not speak, in its first one."""
    return title_of(context.program, language if language in LANGUAGES else next(iter(LANGUAGES)))


def people_of(lines: Sequence[LineThatStands]) -> Iterator[UUID]:
    """Those who are named beside these lines."""
    for one in lines:
        yield from one.seconds
