"""What a person is given of their file: looked at first, other people masked in its words, then made and kept sealed.

A mask is a word or a line that the officer chose. It is taken out of the words themselves before anything is printed,
in whichever way it is written there. What is pointed at has the shape of a name or a contact, or names another person
on file. While one of these is legible, nothing is made. Masks reach words alone: no day, no decision, and no line of
who read the file. What is made is what was looked at, and nothing that changed since.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement
from sqlmodel import Session

from domain.follow_ups import WORKBOOK
from domain.kernel import (
    Actor,
    Refusal,
    add_row,
    checked,
    col,
    first,
    local_day,
    of,
    only,
    program_of,
    rewrite,
    scalars,
    seal,
    seal_again,
    surely,
    unseal,
)
from domain.mail import NameGate
from domain.names import Ours, shapes_in, takes_out
from domain.participants import Said, asked_rights, identity_within, known_as, names_known, rates, without_the_name
from domain.record import Purpose, events, record_read
from domain.rights import requests
from domain.rights.held import Held, held_of
from domain.rights.told import told_of
from domain.rights.who_read import readings_of, taken_along
from locales import N_, say
from models.right import WITH_A_PACKAGE, RightsPackage, RightsRequest

#: What each kind of request is answered with; None is everything. What a person may take elsewhere is what was
#: collected from them, and not what others made of it (A-2.1, section 84).
_GIVEN: Final[dict[str, frozenset[str] | None]] = {
    "access": None,
    "portability": frozenset({"identity", "referral", "consent", "sharing", "research", "break"}),
    "who_read": frozenset(
        {
            *("sharing", "disclosure", "referrer_told", "referrer_sees", "letters"),
            *(WORKBOOK, "research_export", "research_file"),
        }
    ),
}
#: As many words may be masked in one package.
_MOST_MASKS: Final = 500
#: Words with a capital within a sentence. No list of names has them all, and what leaves cannot be called back.
_CAPITALS: Final = re.compile(r"(?<=[\w,;)»’'] )[A-ZÀ-Þ][\w’'-]+(?: [A-ZÀ-Þ][\w’'-]+)*")
_MASKED: Final = N_("[masked]")


@dataclass(frozen=True)
class Pointed:
    """Words that may say who another person is: they name another person on file, have a shape, or have a capital.

    Only those of a shape are proposed to be masked: a capital is that of a street or a school as well.
    """

    words: str
    why: Literal["known", "shape", "capital"]

    @property
    def sure(self) -> bool:
        """Whether it may not leave in any case."""
        return self.why == "known"


@dataclass(frozen=True)
class Prepared:
    """What would be given, as it is masked now: its pieces, the masks, what is still pointed at, and its digest."""

    whose: UUID
    pieces: tuple[Held, ...]
    masks: tuple[str, ...]
    pointed: tuple[Pointed, ...]
    digest: str


def prepare(session: Session, request_id: UUID, *, by: Actor, at: datetime) -> Prepared:
    """Look at what a request would be answered with, as its masks stand; it is noted on record. Raises Refusal."""
    row = _about_a_file(requests.hold(session, request_id))
    participant_id = _whose(row)
    rates.refuse_more(session, participant_id, by=by, at=at)
    _note_reading(session, row, by=by, at=at)
    return _prepared(session, row, at)


def mask(
    session: Session, request_id: UUID, words: Sequence[str], *, seen: int | None, by: Actor, at: datetime
) -> None:
    """Say which words and lines are masked, in place of those before. What was made before is removed: look again.

    Raises Refusal.
    """
    row = _about_a_file(requests.hold(session, request_id, seen=seen))
    chosen = sorted({line for one in words if (line := checked(one))})
    if len(chosen) > _MOST_MASKS:
        raise Refusal("rights.masks", N_("At most %(most)s words or lines can be masked."), most=_MOST_MASKS)
    sealed = seal(session, _whose(row), asked_rights.place_of(row.id, "masks"), {"words": chosen})
    state = requests.state_after(row, "prepare") if row.state == "received" else row.state
    rewrite(session, RightsRequest, row.id, masks=sealed, state=state)
    _remove(session, row.id, "changed", at=at)
    events.write(session, "rights.masked", "rights_request", row.id, by=by, at=at, masks=len(chosen))


def make(session: Session, request_id: UUID, digest: str, *, seen: int | None, by: Actor, at: datetime) -> UUID:
    """Make what was looked at into the package that is handed over, and keep it sealed for the program's days.

    Raises Refusal: it changed since it was looked at, a mask was taken out, or another person on file is legible in it.
    """
    row = _about_a_file(requests.hold(session, request_id, seen=seen))
    if row.masks is None:
        raise Refusal("rights.not_masked", N_("Look at what leaves, and save what is masked in it, first."))
    participant_id = _whose(row)
    today = local_day(session, at)
    requests.refuse_who_may_not_ask(session, participant_id, row.asked_by, today)
    masks, pieces = _masked(session, row)
    if _digest(pieces, masks) != digest:
        raise Refusal(
            "rights.changed_since", N_("What is held, or what is masked, changed since it was shown: look again.")
        )
    gate = _gate(session, participant_id)
    if any(hit.sure for text in _texts(pieces) for hit in gate.hits(text)):
        raise Refusal(
            "rights.names_another", N_("Another person who is known here can still be read in it. Mask them.")
        )
    kept = {"pieces": [one.to_json() for one in (*pieces, *_who_read(session, row))]}
    before = first(session, of(RightsPackage).where(*_standing(row.id)))
    if before is not None and before.kept_until >= today and _said(session, before) == kept:
        return before.id  # the same button, twice: nobody read the file since
    _remove(session, row.id, "changed", at=at)
    package_id = uuid4()
    add_row(
        session,
        RightsPackage(
            program_id=program_of(session),
            id=package_id,
            request_id=row.id,
            participant_id=participant_id,
            digest=digest,
            sealed=seal_again(session, participant_id, f"rights_package/{package_id}", kept),
            kept_until=today + timedelta(days=requests.rights_of(session).package_kept_days),
            made_by=by.person_id,  # type: ignore[arg-type]  # a person
            made_at=at,
        ),
    )
    events.write(session, "rights.package_made", "rights_request", row.id, by=by, at=at, digest=digest)
    return package_id


def standing(session: Session, request_id: UUID) -> RightsPackage | None:
    """The package of a request that can be opened, without its content; None where none is made, or it is over."""
    return first(session, of(RightsPackage, without=(RightsPackage.sealed,)).where(*_standing(request_id)))


def _standing(request_id: UUID) -> tuple[ColumnElement[bool], ...]:
    return col(RightsPackage.request_id) == request_id, col(RightsPackage.removed_at).is_(None)


def _said(session: Session, package: RightsPackage) -> Said:
    place = f"rights_package/{package.id}"
    return unseal(session, package.participant_id, place, surely(package.sealed))


def opened(session: Session, request_id: UUID, *, by: Actor, at: datetime) -> tuple[RightsPackage, list[Held]]:
    """The package of a request, opened to be handed over, and noted on record. Raises Refusal where none stands."""
    row = _about_a_file(requests.hold(session, request_id), even_over=True)
    package = first(session, of(RightsPackage).where(*_standing(request_id)))
    if package is None or package.sealed is None or package.kept_until < local_day(session, at):
        raise Refusal("rights.no_package", N_("There is no package: it was not made yet, or its last day is over."))
    _note_reading(session, row, by=by, at=at)
    (kept,) = _said(session, package).values()
    return package, [Held.of_json(one) for one in kept]


def over(session: Session, today: date) -> list[UUID]:
    """The requests whose package is kept no longer, or whose file is destroyed."""
    past = col(RightsPackage.removed_at).is_(None), col(RightsPackage.kept_until) < today
    return list(scalars(session, only(RightsPackage.request_id).where(*past)))


def remove_over(session: Session, request_id: UUID, *, by: Actor, at: datetime) -> int:
    """Remove the package of a request whose last day is over; how many were removed."""
    found = _remove(session, request_id, "over", at=at)
    if found:
        events.write(session, "rights.package_removed", "rights_request", request_id, by=by, at=at)
    return found


# --------------------------------------------------------------------------------------------------------- within


def _about_a_file(row: RightsRequest, *, even_over: bool = False) -> RightsRequest:
    if row.kind not in WITH_A_PACKAGE or row.participant_id is None:
        raise Refusal("rights.no_file", N_("This request is not answered by a package of what is held."))
    if not even_over and row.state not in requests.OPEN:
        raise Refusal("rights.over", N_("This request is over: it was answered, refused or withdrawn."))
    return row


def _whose(row: RightsRequest) -> UUID:
    assert row.participant_id is not None  # noqa: S101 - it was looked at
    return row.participant_id


def _prepared(session: Session, row: RightsRequest, at: datetime) -> Prepared:
    masks, pieces = _masked(session, row)
    pointed = tuple(_pointed_at(session, _whose(row), pieces, at))
    return Prepared(_whose(row), pieces, masks, pointed, _digest(pieces, masks))


def _masked(session: Session, row: RightsRequest) -> tuple[tuple[str, ...], tuple[Held, ...]]:
    """The masks of a request, and what it is answered with, masked by them."""
    participant_id, kinds, masks = _whose(row), _GIVEN[row.kind], _masks_of(session, row)
    taken = taken_along(session, known_as(session, participant_id))
    whole = [*held_of(session, participant_id), *told_of(session, participant_id), *taken]
    held = [one for one in whole if kinds is None or one.kind in kinds]
    blank, out = say(row.language, _MASKED), takes_out(masks)
    return masks, tuple(replace(one, words={n: out(text, blank) for n, text in one.words.items()}) for one in held)


def _digest(pieces: Iterable[Held], masks: Sequence[str]) -> str:
    told = json.dumps([[one.to_json() for one in pieces], list(masks)], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(told.encode()).hexdigest()


def _texts(pieces: Iterable[Held]) -> dict[str, None]:
    """What people wrote in these pieces, each text once."""
    return dict.fromkeys(text for one in pieces for text in one.words.values())


def _gate(session: Session, participant_id: UUID) -> NameGate:
    """Finds everyone on file but the person themselves."""
    return NameGate.of(tuple(names_known(session, besides=participant_id)), ())


def _who_read(session: Session, row: RightsRequest) -> list[Held]:
    return [] if row.kind == "portability" else readings_of(session, known_as(session, _whose(row)))


def _masks_of(session: Session, row: RightsRequest) -> tuple[str, ...]:
    if row.masks is None:
        return ()
    (words,) = unseal(session, _whose(row), asked_rights.place_of(row.id, "masks"), row.masks).values()
    return tuple(words)


def _pointed_at(session: Session, participant_id: UUID, pieces: Iterable[Held], at: datetime) -> Iterator[Pointed]:
    """What may say who another person is: others on file, and what has the shape of a name or a contact."""
    gate = _gate(session, participant_id)
    own, year = without_the_name(identity_within(session, participant_id)), local_day(session, at).year
    found: dict[str, Pointed] = {}
    for pointed in (one for text in _texts(pieces) for one in _in_text(gate, text, year)):
        found.setdefault(pointed.words, pointed)
    yield from (one for _, one in sorted(found.items()) if one.sure or own(one.words) == one.words)


def _in_text(gate: NameGate, text: str, year: int) -> Iterator[Pointed]:
    """The words of one text, the surest first."""
    hits = gate.hits(text)
    yield from (Pointed(hit.words, "known") for hit in hits if hit.sure)
    yield from (Pointed(hit.words, "shape") for hit in hits)
    yield from (Pointed(text[one.at : one.end], "shape") for one in shapes_in(text, Ours.of(()), year=year))
    yield from (Pointed(run[0], "capital") for run in _CAPITALS.finditer(text))


def _note_reading(session: Session, row: RightsRequest, *, by: Actor, at: datetime) -> None:
    record_read(
        session,
        "participant",
        _whose(row),
        what="package",
        ground="purpose",
        purpose=Purpose.REQUEST_OF_PERSON,
        by=by,
        at=at,
    )


def _remove(session: Session, request_id: UUID, removed_as: str, *, at: datetime) -> int:
    return asked_rights.remove_packages(session, col(RightsPackage.request_id) == request_id, removed_as, at=at)
