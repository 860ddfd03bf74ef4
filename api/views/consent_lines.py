"""The lines of a consent form as its pages show them: those to sign, and those that stand and may be narrowed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from api.access.session import RequestContext
from api.views.participants import SeenFile, partner_names
from api.views.undecided import Undecided
from domain.accompaniment import consents
from domain.kernel import title_of
from domain.participants import RESEARCH, ConsentText
from domain.terms import SECOND, circle_of
from locales import LANGUAGES


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


def form_to_sign(seen: SeenFile, text: ConsentText, typed: Mapping[str, object]) -> FormToSign:
    """A form for this person, with what stands already ticked; or what was typed and refused."""
    session, day = seen.session, seen.context.day
    waits = Undecided(seen.context)  # what was withdrawn before a restore is not ticked until it is decided
    rows = (one for one in consents.standing_of(session, seen.id, day) if not waits.of_consent(one))
    standing = {(one.purpose, one.organization_id): one for one in rows}
    days = {f"{purpose}:{place}": one.ends_on for (purpose, place), one in standing.items()}
    ticked, until = _typed(typed)
    could_sign = consents.workers_of(session, seen.id, day)
    asker = seen.context.asker.person_id
    if seen.accompanies and asker not in could_sign:
        could_sign = [asker, *could_sign]
    program = standing.get(("program", None))
    lines = []
    for place, name in consents.partners_for(session, seen.id, day) if text.purposes else ():
        for purpose in text.purposes:
            key = f"{purpose}:{place}"
            if purpose == "program":
                continue
            is_ticked = key in ticked if ticked is not None else key in days
            last = until.get(key, "") if ticked is not None else _iso(days.get(key))
            lines.append(LineToSign(key, name, text.line(purpose, name, None), is_ticked, last))
    homes = circle_of(session, seen.id, day).homes
    return FormToSign(
        text=text,
        program=text.line("program", "", None),
        holds=program is not None,
        program_until=_iso(program.ends_on if program else None),
        partners=lines,
        research=text.line(RESEARCH, "", None) if text.asks_research else "",
        homes=[name for place, name in partner_names(session) if place in homes],
        workers=could_sign,
        signs=str(asker) if seen.accompanies else "",
    )


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


def lines_that_stand(seen: SeenFile, typed: Mapping[str, object]) -> list[LineThatStands]:
    """What the person may leave ticked or not; or what was typed and refused."""
    session, day = seen.session, seen.context.day
    names, circle = dict(partner_names(session)), circle_of(session, seen.id, day)
    ticked, until = _typed(typed)
    found = []
    for row in consents.standing_of(session, seen.id, day):
        place = row.organization_id
        leave = [
            part.person_id
            for part in circle.parts
            if part.kind == SECOND
            and not part.places & circle.homes
            and ((place in part.places and row.purpose == "sharing") or row.purpose == "program")
        ]
        found.append(
            LineThatStands(
                id=row.id,
                purpose=row.purpose,
                partner=names.get(place, "") if place else "",
                signed_on=row.signed_on,
                ends_on=row.ends_on,
                is_home=place in circle.homes,
                seconds=leave,
                ticked=str(row.id) in ticked if ticked is not None else True,
                until=until.get(str(row.id), "") if ticked is not None else _iso(row.ends_on),
            )
        )
    return found


def _typed(typed: Mapping[str, object]) -> tuple[Collection[str] | None, Mapping[str, str]]:
    """The lines that were ticked, None where nothing was typed; and the last day beside each line."""
    if "line" not in typed:
        return None, {}
    lines, days = _texts(typed["line"]), _texts(typed.get("until"))
    return set(_texts(typed.get("ticked"))), dict(zip(lines, days, strict=False))


def _texts(value: object) -> Sequence[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""


def program_title(context: RequestContext, language: str) -> str:
    """The program's title on a paper; in a language that the program does not speak, in its first one."""
    return title_of(context.program, language if language in LANGUAGES else next(iter(LANGUAGES)))


def people_of(lines: Sequence[LineThatStands]) -> Iterator[UUID]:
    """Those who are named beside these lines."""
    for one in lines:
        yield from one.seconds
