"""What a load changes in the committees and their seats."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

from domain.declarations import DeclaredCommittee, DeclaredSeat
from domain.declared import GrammarPart
from domain.kernel import SHAPE, also, col, every, joins, of
from domain.loading.comparison import Comparison, LoadChange, LoadStep, Row, differ, established, words
from locales import N_, Counted
from models.committee import Committee as CommitteeRow
from models.committee import Seat as SeatRow


def differences(compared: Comparison) -> Iterator[LoadStep]:
    """The committees that meet, then their seats."""
    yield from _committees(compared)
    yield from _seats(compared)


def _committees(compared: Comparison) -> Iterator[LoadStep]:
    declared = established(compared.file)
    for key, committee in declared.items():
        row = compared.committees.get(key)
        yield from _new(compared, key, committee) if row is None else _changed(compared, key, committee, row)
    for key, row in compared.committees.items():
        if key not in declared and _stood(compared, key):
            said = N_("“%(committee)s” is no longer a committee of the program: its seats end today.")
            change = LoadChange("ended", "committee", said, {"committee": words(row)})
            yield LoadStep(change, None, row.id)


def _new(compared: Comparison, key: str, committee: DeclaredCommittee) -> Iterator[LoadStep]:
    said = N_("New committee: “%(committee)s”, with %(seats)s.")
    seats = Counted("%(n)s seat of its own", "%(n)s seats of its own", len(committee.seats))
    change = LoadChange("added", "committee", said, {"committee": committee.title.model_dump(), "seats": seats})
    columns = {"key": key, **_names(committee), **_meets(committee), **_rules(committee), **_built(committee)}
    yield compared.adding(change, CommitteeRow, compared.committee_ids[key], columns)


def _changed(compared: Comparison, key: str, committee: DeclaredCommittee, row: CommitteeRow) -> Iterator[LoadStep]:
    facts: dict[str, object] = {"committee": committee.title.model_dump()}
    if compared.is_back("committees", key):
        said = N_("“%(committee)s” is a committee of the program again.")
        yield LoadStep(LoadChange("added", "committee", said, facts), None, row.id)
    said = N_("The committee “%(was)s” is now called “%(committee)s”.")
    was = {**facts, "was": words(row)}
    yield from compared.changed("committee", CommitteeRow, row, _names(committee), said, was)
    said = N_("How often, how long or where “%(committee)s” meets changed.")
    yield from compared.changed("committee", CommitteeRow, row, _meets(committee), said, facts)
    said = N_("The agenda rules, the quorum or the letters of “%(committee)s” changed.")
    yield from compared.changed("committee", CommitteeRow, row, _rules(committee), said, facts)
    if differ(row, built := _built(committee)) or _is_described_otherwise(compared, key, committee):
        said = N_("What “%(committee)s” is for, who may attend it or where its seats come from changed.")
        yield compared.changing(LoadChange("changed", "committee", said, facts), CommitteeRow, row.id, built)


def _names(committee: DeclaredCommittee) -> Row:
    return {"title_fr": committee.title.fr, "title_en": committee.title.en}


def _meets(committee: DeclaredCommittee) -> Row:
    return {"rhythm": _declared(committee.rhythm), "minutes": committee.minutes, "place": committee.place}


def _rules(committee: DeclaredCommittee) -> Row:
    return {"letters": committee.letters, "quorum": _declared(committee.quorum), "agenda": _agenda(committee)}


def _built(committee: DeclaredCommittee) -> Row:
    return {"source": committee.source, "derived_from": list(committee.derived_from)}


def _is_described_otherwise(compared: Comparison, key: str, committee: DeclaredCommittee) -> bool:
    """Whether the file changes something of the committee that no row holds."""
    before = established(compared.before).get(key) if compared.before else None
    described = ("purpose", "alternates", "guests")
    return before is not None and any(getattr(before, name) != getattr(committee, name) for name in described)


def _stood(compared: Comparison, key: str) -> bool:
    """Whether a committee with a row was one of the program's in the last file."""
    return compared.before is not None and key in established(compared.before)


class _SeatOf(SeatRow):
    """A seat, and the key of its committee."""

    model_config = SHAPE
    committee: str = also(CommitteeRow.key)


def _seats(compared: Comparison) -> Iterator[LoadStep]:
    rows = every(
        compared.session,
        of(_SeatOf)
        .join(CommitteeRow, joins(SeatRow.committee_id, CommitteeRow))
        .order_by(col(CommitteeRow.key), col(SeatRow.key)),
    )
    known = {(row.committee, row.key): row for row in rows}
    wanted = {
        (name, key): seat
        for name, committee in established(compared.file).items()
        for key, seat in committee.seats.items()
    }
    for place, seat in wanted.items():
        yield from _one_seat(compared, place, seat, known.get(place))
    for place, row in known.items():
        if place not in wanted and row.ends_on is None:
            said = N_("The seat “%(seat)s” of “%(committee)s” ends today.")
            committee = words(compared.committees[place[0]])
            change = LoadChange("ended", "seat", said, {"seat": words(row), "committee": committee})
            # Its holder keeps it in the record, and has it again should the seat return.
            yield compared.ending(change, SeatRow, row.id, said=place[0] in established(compared.file))


def _one_seat(
    compared: Comparison, place: tuple[str, str], seat: DeclaredSeat, row: SeatRow | None
) -> Iterator[LoadStep]:
    committee, key = place
    title = compared.file.committees[committee].title.model_dump()
    facts: dict[str, object] = {"seat": seat.title.model_dump(), "committee": title}
    columns = {
        "organization_id": compared.organization_ids[seat.organization],
        "role": seat.role,
        "title_fr": seat.title.fr,
        "title_en": seat.title.en,
        "voting": seat.voting,
    }
    if row is None:
        said = N_("New seat on “%(committee)s”: “%(seat)s”.")
        everything = {"committee_id": compared.committee_ids[committee], "key": key, **columns}
        # The seats of a new committee come with it, in one line.
        is_said = committee in compared.committees
        yield compared.adding(LoadChange("added", "seat", said, facts), SeatRow, uuid4(), everything, said=is_said)
        return
    if row.ends_on is not None:
        said = N_("The seat “%(seat)s” of “%(committee)s” exists again.")
        yield compared.changing(LoadChange("added", "seat", said, facts), SeatRow, row.id, {"ends_on": None})
    said = N_("The seat “%(seat)s” of “%(committee)s” changed: whose it is, for which role, its name or its vote.")
    yield from compared.changed("seat", SeatRow, row, columns, said, facts)


def _agenda(committee: DeclaredCommittee) -> Row:
    """The agenda's rules as the database stores them, with their order beside them, which a JSON object lacks."""
    agenda = committee.agenda
    return {**_declared(agenda), "order": list(agenda.rules)} if agenda else {}


def _declared(part: GrammarPart | None) -> Row:
    """A part as the database stores it, and as it is read back; empty where the file says nothing."""
    return part.model_dump(mode="json", exclude_none=True) if part else {}
