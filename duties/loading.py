"""Loading a program from its file: what would change, in plain words, and changing it.

A file says how the program is now. What it no longer names ends today and stays in the record; a signed agreement
keeps its text, and what the file says instead becomes the draft of its next version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from sqlalchemy import Table, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session

from duties import agreements, cases, events
from duties.actors import Actor
from duties.agreements import Content
from duties.declared import Bilingual, Declared
from duties.exporting import ClosureKey, closures_in, closures_of, last_loaded, with_closures
from duties.here import local_day, many, one, program_of
from duties.program import Committee, ProgramFile, Seat
from duties.protocol import Protocol
from duties.refusals import Refusal
from locales import N_, say
from models.agreement import Agreement, AgreementRole, AgreementVersion, Obligation
from models.base import table_of
from models.casework import ProtocolVersion
from models.committee import Committee as CommitteeRow
from models.committee import Seat as SeatRow
from models.program import Closure, Organization, Program, Role, Tenure

Kind = Literal["added", "changed", "ended"]
What = Literal[
    "program",
    "calendar",
    "role",
    "organization",
    "closure",
    "committee",
    "seat",
    "agreement",
    "obligation",
    "protocol",
]
Words = Mapping[str, str]  # in both languages
Row = dict[str, Any]

_program = table_of(Program)
_role = table_of(Role)
_organization = table_of(Organization)
_closure = table_of(Closure)
_committee = table_of(CommitteeRow)
_seat = table_of(SeatRow)
_agreement = table_of(Agreement)
_version = table_of(AgreementVersion)
_created = table_of(AgreementRole)
_obligation = table_of(Obligation)
_tenure = table_of(Tenure)
_protocol = table_of(ProtocolVersion)


@dataclass(frozen=True)
class Change:
    """One thing that a load changes. `sentence` is an English msgid; `facts` are words, counts, days or both languages.

    A `calendar` change is one of the public holidays that count; other closed days are a `closure`.
    """

    kind: Kind
    what: What
    sentence: str
    facts: Mapping[str, object]

    def in_language(self, language: str) -> str:
        """The change in plain words, in "fr" or "en"."""
        return say(language, self.sentence, **self.facts)


def program_id_for(session: Session, key: str) -> UUID | None:
    """The id of the program with this key, or None. For a session that is not yet of any program."""
    found: UUID | None = session.scalar(select(_program.c.id).where(_program.c.key == key))
    return found


def new_program_id() -> UUID:
    """The id for a program that does not exist yet: a session of it may then load the program."""
    return uuid4()


def changes(
    session: Session, declared: Declared[ProgramFile], protocols: Sequence[Declared[Protocol]] = ()
) -> list[Change]:
    """What `load` would change, in the order of the file. Writes nothing; Raises Refusal for another program's file."""
    _refuse_other(session, declared.value)
    found = [step.change for step in _Comparison(session, declared).steps() if step.change]
    return found + [_recorded(protocol.value) for protocol in protocols if not _is_recorded(session, protocol)]


def load(
    session: Session,
    declared: Declared[ProgramFile],
    protocols: Sequence[Declared[Protocol]],
    *,
    by: Actor,
    at: datetime,
) -> list[Change]:
    """Make the program what its file says, keep its protocols as they are declared now, and say what changed.

    A second load of the same files changes nothing and writes no event; where two load at once, the second waits
    and compares with what the first left. The session is of the program, or of a new id. Nothing is deleted that
    somebody did or signed. Raises Refusal, and then nothing was written: another program's file, a program that
    was loaded meanwhile under another id, or a role that would have one holder and has several.
    Guide: the whole of its governance and agreements, by way of the file.
    """
    file = declared.value
    # Until the commit. A program that does not exist yet has no row that could be locked.
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("spheres.load:" + file.program.key, 0))))
    _refuse_other(session, file)
    comparison = _Comparison(session, declared)
    steps = list(comparison.steps())
    day = _today(session, file, at)
    for step in steps:
        if step.check:
            step.check(session, day)
    for step in steps:
        if step.write:
            step.write(_Act(session, by, at, day))
    found = [step.change for step in steps if step.change]
    _tell(session, steps, by=by, at=at)
    for protocol in protocols:
        if not _is_recorded(session, protocol):
            cases.record_protocol(session, protocol, by=by, at=at)
            found.append(_recorded(protocol.value))
    _keep_source(session, declared, comparison, changed=bool(found), at=at)
    if found:
        here = program_of(session)
        events.write(
            session, "program.loaded", "program", here, by=by, at=at, digest=declared.digest, changes=len(found)
        )
    return found


@dataclass(frozen=True)
class _Act:
    """A load that is being carried out: by whom, at what moment, on which local day."""

    session: Session
    by: Actor
    at: datetime
    day: date


_Write = Callable[[_Act], object]


@dataclass(frozen=True)
class _Step:
    """One difference: how it is said (where it is said at all), what must be true first, and what it writes.

    `subject` is the row that its event is about; a step that has none writes its own event, or stands for a line
    of something larger.
    """

    change: Change | None = None
    write: _Write | None = None
    subject: UUID | None = None
    check: Callable[[Session, date], None] | None = None


class _Comparison:
    """A program as its rows have it, beside its file. The ids of what is new are settled here, so parts can refer."""

    def __init__(self, session: Session, declared: Declared[ProgramFile]) -> None:
        self.session = session
        self.file = declared.value
        self.here = program_of(session)
        self.row = one(session, select(_program).where(_program.c.id == self.here))
        unchanged = self.row is not None and self.row["digest"] == declared.digest
        self.before = self.file if unchanged else last_loaded(session)
        self.digest = declared.digest
        self.organizations = self._by_key(_organization)
        self.committees = self._by_key(_committee)
        self.organization_ids = self._ids(self.organizations, self.file.organizations)
        self.committee_ids = self._ids(self.committees, self.file.committees)

    def steps(self) -> Iterator[_Step]:
        """Every difference, in an order in which they can be written."""
        found = [
            *self._program(),
            *self._roles(),
            *self._organizations(),
            *self._closures(),
            *self._committees(),
            *self._seats(),
            *self._agreements(),
        ]
        yield from found
        if not any(step.change for step in found) and self._is_arranged_otherwise():
            said = N_("The file is worded or arranged otherwise; what it says of the program stays the same.")
            yield _Step(Change("changed", "program", said, {}), subject=self.here)

    # ------------------------------------------------------------------------------------------- the program

    def _program(self) -> Iterator[_Step]:
        identity, coordination = self.file.program, self.file.coordination
        places = [str(self.organization_ids[name]) for _, name in coordination.organizations()]
        parts: dict[str, Row] = {
            "title": {"title_fr": identity.title.fr, "title_en": identity.title.en},
            "languages": {"languages": list(identity.languages)},
            "time_zone": {"time_zone": identity.time_zone},
            "calendar": {
                "calendar": {"country": identity.calendar.country, "subdivision": identity.calendar.subdivision}
            },
            "area": {"area": [place.model_dump() for place in identity.area]},
            "coordination": {
                "governance": coordination.structure,
                "coordination": {
                    **coordination.model_dump(mode="json", exclude_none=True),
                    "organizations": places,
                },
            },
        }
        title = identity.title.model_dump()
        if self.row is None:
            columns = {name: value for part in parts.values() for name, value in part.items()}
            row = {"id": self.here, "key": identity.key, **columns, **_NEW_PROGRAM}
            said = Change("added", "program", N_("New program: “%(title)s”."), {"title": title})
            yield _Step(said, lambda act: act.session.execute(insert(_program).values(**row)), self.here)
            return
        for name, columns in parts.items():
            if _differ(self.row, columns):
                what: What = "calendar" if name == "calendar" else "program"
                said = Change("changed", what, _PROGRAM_CHANGED[name], {"title": title})
                yield _Step(said, self._updating(_program, columns, _program.c.id == self.here), self.here)

    def _is_arranged_otherwise(self) -> bool:
        """Whether the file differs from the one before in something that no row holds."""
        return self.before is not None and self.before != self.file and self._as_recorded() != self.file

    def _as_recorded(self) -> ProgramFile | None:
        return self.before and with_closures(self.before, closures_of(self.session))

    # ----------------------------------------------------------------------------------------------- roles

    def _roles(self) -> Iterator[_Step]:
        known = self._by_key(_role)
        for key, role in self.file.roles.items():
            title = {"role": role.title.model_dump()}
            columns = {"title_fr": role.title.fr, "title_en": role.title.en}
            row = known.get(key)
            if row is None:
                everything = {"key": key, **columns, "single_holder": role.single_holder}
                said = Change("added", "role", N_("New role: “%(role)s”."), title)
                yield self._adding(said, _role, uuid4(), everything)
                continue
            if self._is_back("roles", key):
                yield _Step(Change("added", "role", N_("The role “%(role)s” is used again."), title), None, row["id"])
            if _differ(row, columns):
                facts = {**title, "was": _words(row, "title")}
                said = Change("changed", "role", N_("The role “%(was)s” is now called “%(role)s”."), facts)
                yield self._changing(said, _role, row["id"], columns)
            if row["single_holder"] != role.single_holder:
                yield self._holders(key, row["id"], role.single_holder, title)
        before = set[str](self.before.roles if self.before else ())
        for name in sorted(known.keys() & before - set[str](self.file.roles)):
            # The row stays, since it names who held the role; that it goes out of use is said once.
            facts = {"role": _words(known[name], "title")}
            change = Change("ended", "role", N_("The role “%(role)s” is no longer used."), facts)
            yield _Step(change, None, known[name]["id"])

    def _holders(self, key: str, role_id: UUID, single: bool, title: Mapping[str, object]) -> _Step:
        """A role gets to have one holder at a time, or several: so do those who hold it from now on."""
        alone = N_("“%(role)s” now has one holder at a time at each organization.")
        several = N_("“%(role)s” may now have several holders at an organization.")

        def refuse_if_several(session: Session, day: date) -> None:
            other = aliased(_tenure)
            twice = (
                select(_tenure.c.id)
                .join(
                    other,
                    and_(
                        other.c.program_id == _tenure.c.program_id,
                        other.c.role == _tenure.c.role,
                        other.c.organization_id == _tenure.c.organization_id,
                        other.c.id != _tenure.c.id,
                        _not_over(other, _tenure.c.starts_on),
                        _not_over(other, day),
                    ),
                )
                .where(
                    _tenure.c.program_id == self.here,
                    _tenure.c.role == key,
                    _not_over(_tenure, other.c.starts_on),
                    _not_over(_tenure, day),
                )
            )
            if session.scalar(twice.limit(1)):
                raise Refusal(
                    "role.several_hold",
                    N_("Several people hold the role “%(role)s” at one organization: it cannot have one holder yet."),
                    role=key,
                )

        def write(act: _Act) -> None:
            act.session.execute(
                update(_role).where(_role.c.program_id == self.here, _role.c.id == role_id).values(single_holder=single)
            )
            act.session.execute(
                update(_tenure)
                .where(_tenure.c.program_id == self.here, _tenure.c.role == key, _not_over(_tenure, act.day))
                .values(single_holder=single)
            )

        said = Change("changed", "role", alone if single else several, title)
        return _Step(said, write, role_id, refuse_if_several if single else None)

    # --------------------------------------------------------------------------------------- organizations

    def _organizations(self) -> Iterator[_Step]:
        for key, organization in self.file.organizations.items():
            names = {"name_fr": organization.name_in("fr"), "name_en": organization.name_in("en")}
            names["short_name"] = organization.short_name
            nature = {"kind": organization.kind, "regime": organization.regime}
            facts = {"organization": organization.short_name}
            row = self.organizations.get(key)
            if row is None:
                change = Change("added", "organization", N_("New organization: %(organization)s."), facts)
                yield self._adding(change, _organization, self.organization_ids[key], {"key": key, **names, **nature})
                continue
            if row["ends_on"] is not None:
                change = Change("added", "organization", N_("%(organization)s is part of the program again."), facts)
                yield self._changing(change, _organization, row["id"], {"ends_on": None})
            if _differ(row, names):
                said = N_("The name of %(was)s changed; it is now %(organization)s.")
                change = Change("changed", "organization", said, {**facts, "was": row["short_name"]})
                yield self._changing(change, _organization, row["id"], names)
            if _differ(row, nature):
                said = N_("The kind of organization that %(organization)s is, or the law that binds it, changed.")
                yield self._changing(Change("changed", "organization", said, facts), _organization, row["id"], nature)
        for key, row in self.organizations.items():
            if key not in self.file.organizations and row["ends_on"] is None:
                said = N_("%(organization)s is no longer in the file: its part in the program ends today.")
                change = Change("ended", "organization", said, {"organization": row["short_name"]})
                yield self._ending(change, _organization, row["id"])

    # -------------------------------------------------------------------------------------------- closures

    def _closures(self) -> Iterator[_Step]:
        recorded, wanted = closures_of(self.session), closures_in(self.file)
        for key in sorted(wanted - recorded):
            yield self._closing(key)
        # Days that were recorded between two loads are in no file yet, and stay.
        gone = closures_in(self.before) - wanted if self.before else set()
        for key in sorted(gone & recorded):
            if not key[0] or key[0] in self.file.organizations:
                yield self._opening(key)

    def _closing(self, key: ClosureKey) -> _Step:
        whose, first, last, fr, en = key
        columns = {"starts_on": first, "ends_on": last, "reason_fr": fr, "reason_en": en}
        columns["organization_id"] = self.organization_ids[whose] if whose else None
        theirs = N_("%(organization)s is closed from %(first)s to %(last)s: %(reason)s.")
        said = theirs if whose else N_("The program is closed from %(first)s to %(last)s: %(reason)s.")
        return self._adding(Change("added", "closure", said, self._days(key)), _closure, uuid4(), columns)

    def _opening(self, key: ClosureKey) -> _Step:
        whose, first, last, fr, en = key
        owner = _closure.c.organization_id
        where = and_(
            _closure.c.program_id == self.here,
            owner == self.organization_ids[whose] if whose else owner.is_(None),
            _closure.c.starts_on == first,
            _closure.c.ends_on == last,
            _closure.c.reason_fr == fr,
            _closure.c.reason_en == en,
        )
        theirs = N_("%(organization)s is no longer closed from %(first)s to %(last)s: %(reason)s.")
        said = theirs if whose else N_("The program is no longer closed from %(first)s to %(last)s: %(reason)s.")
        subject = self.organization_ids[whose] if whose else self.here
        change = Change("ended", "closure", said, self._days(key))
        return _Step(change, lambda act: act.session.execute(delete(_closure).where(where)), subject)

    def _days(self, key: ClosureKey) -> dict[str, object]:
        whose, first, last, fr, en = key
        name = self.file.organizations[whose].short_name if whose else ""
        return {"organization": name, "first": first, "last": last, "reason": {"fr": fr, "en": en}}

    # ------------------------------------------------------------------------------- committees and their seats

    def _committees(self) -> Iterator[_Step]:
        for key, committee in _established(self.file).items():
            facts: dict[str, object] = {"committee": committee.title.model_dump()}
            names = {"title_fr": committee.title.fr, "title_en": committee.title.en}
            meets = {"rhythm": _rhythm(committee), "minutes": committee.minutes}
            built = {"source": committee.source, "derived_from": list(committee.derived_from)}
            row = self.committees.get(key)
            if row is None:
                said = N_("New committee: “%(committee)s”, with %(seats)d seats of its own.")
                change = Change("added", "committee", said, {**facts, "seats": len(committee.seats)})
                columns = {"key": key, **names, **meets, **built}
                yield self._adding(change, _committee, self.committee_ids[key], columns)
                continue
            if self._is_back("committees", key):
                said = N_("“%(committee)s” is a committee of the program again.")
                yield _Step(Change("added", "committee", said, facts), None, row["id"])
            if _differ(row, names):
                said = N_("The committee “%(was)s” is now called “%(committee)s”.")
                change = Change("changed", "committee", said, {**facts, "was": _words(row, "title")})
                yield self._changing(change, _committee, row["id"], names)
            if _differ(row, meets):
                said = N_("How often or how long “%(committee)s” meets changed.")
                yield self._changing(Change("changed", "committee", said, facts), _committee, row["id"], meets)
            if _differ(row, built) or self._is_described_otherwise(key, committee):
                said = N_("What “%(committee)s” is for, who may attend it or where its seats come from changed.")
                yield self._changing(Change("changed", "committee", said, facts), _committee, row["id"], built)
        for key, row in self.committees.items():
            if key not in _established(self.file) and self._stood(key):
                said = N_("“%(committee)s” is no longer a committee of the program: its seats end today.")
                change = Change("ended", "committee", said, {"committee": _words(row, "title")})
                yield _Step(change, None, row["id"])

    def _is_described_otherwise(self, key: str, committee: Committee) -> bool:
        """Whether the file says something else than before of what no row holds."""
        before = _established(self.before).get(key) if self.before else None
        described = ("purpose", "alternates", "guests")
        return before is not None and any(getattr(before, name) != getattr(committee, name) for name in described)

    def _stood(self, key: str) -> bool:
        """Whether a committee that has a row was one of the program's until this file."""
        return self.before is not None and key in _established(self.before)

    def _seats(self) -> Iterator[_Step]:
        rows = many(
            self.session,
            select(_seat, _committee.c.key.label("committee"))
            .join(
                _committee,
                and_(_committee.c.program_id == _seat.c.program_id, _committee.c.id == _seat.c.committee_id),
            )
            .where(_seat.c.program_id == self.here)
            .order_by(_committee.c.key, _seat.c.key),
        )
        known = {(row["committee"], row["key"]): row for row in rows}
        wanted = {
            (name, key): seat
            for name, committee in _established(self.file).items()
            for key, seat in committee.seats.items()
        }
        for place, seat in wanted.items():
            yield from self._seat(place, seat, known.get(place))
        for place, row in known.items():
            if place not in wanted and row["ends_on"] is None:
                said = N_("The seat “%(seat)s” of “%(committee)s” ends today.")
                committee = _words(self.committees[place[0]], "title")
                change = Change("ended", "seat", said, {"seat": _words(row, "title"), "committee": committee})
                # Whoever holds it keeps it in the record, and has it again should the seat come back.
                yield self._ending(change, _seat, row["id"], said=place[0] in _established(self.file))

    def _seat(self, place: tuple[str, str], seat: Seat, row: Row | None) -> Iterator[_Step]:
        committee, key = place
        title = self.file.committees[committee].title.model_dump()
        facts: dict[str, object] = {"seat": seat.title.model_dump(), "committee": title}
        columns = {
            "organization_id": self.organization_ids[seat.organization],
            "role": seat.role,
            "title_fr": seat.title.fr,
            "title_en": seat.title.en,
            "voting": seat.voting,
        }
        if row is None:
            said = N_("New seat on “%(committee)s”: “%(seat)s”.")
            everything = {"committee_id": self.committee_ids[committee], "key": key, **columns}
            # The seats of a new committee come with it, in one line.
            is_said = committee in self.committees
            yield self._adding(Change("added", "seat", said, facts), _seat, uuid4(), everything, said=is_said)
            return
        if row["ends_on"] is not None:
            said = N_("The seat “%(seat)s” of “%(committee)s” exists again.")
            yield self._changing(Change("added", "seat", said, facts), _seat, row["id"], {"ends_on": None})
        if _differ(row, columns):
            said = N_(
                "The seat “%(seat)s” of “%(committee)s” changed: whose it is, for which role, its name or its vote."
            )
            yield self._changing(Change("changed", "seat", said, facts), _seat, row["id"], columns)

    # ------------------------------------------------------------------------------------------- agreements

    def _agreements(self) -> Iterator[_Step]:
        latest = self._latest_versions()
        for key in self.file.agreements:
            content = agreements.content_of(self.file, key)
            row = latest.get(key)
            if row is None:
                yield self._new_agreement(key, content)
            elif row["digest"] != content.digest or (row["state"] == "ended" and self._is_back("agreements", key)):
                yield self._redrafting(key, row, content)
                yield from self._rewordings(key, row, content)
        for key, row in latest.items():
            if key not in self.file.agreements and self.before and key in self.before.agreements:
                yield from self._without_agreement(key, row)

    def _new_agreement(self, key: str, content: Content) -> _Step:
        said = N_("New agreement with %(organization)s, as a draft: %(roles)d roles and %(obligations)d obligations.")
        facts = {
            "organization": self.file.organizations[key].short_name,
            "roles": len(content.roles),
            "obligations": len(content.obligations),
        }
        agreement_id, title = uuid4(), self.file.agreements[key].title
        columns = {"organization_id": self.organization_ids[key], "title_fr": title.fr, "title_en": title.en}

        def write(act: _Act) -> None:
            act.session.execute(
                insert(_agreement).values(program_id=program_of(act.session), id=agreement_id, **columns)
            )
            agreements.draft_version(act.session, agreement_id, content, by=act.by, at=act.at)

        return _Step(Change("added", "agreement", said, facts), write)

    def _redrafting(self, key: str, row: Row, content: Content) -> _Step:
        """A draft is rewritten, one that was only sent taken back first; anything else gets a next version."""
        state, facts = row["state"], {"organization": self.file.organizations[key].short_name, "number": row["n"]}
        signed = bool(agreements.signatures_of(self.session, row["id"]))
        rewritten = state in ("draft", "sent") and not signed
        said = N_("Version %(number)d of the agreement with %(organization)s, a draft, is rewritten.")
        if not rewritten:
            facts["number"] += 1
            said = N_("Version %(number)d of the agreement with %(organization)s is drafted; what is signed stays.")
        elif state == "sent":
            said = N_("Version %(number)d of the agreement with %(organization)s is taken back and rewritten.")
        title = self.file.agreements[key].title

        def write(act: _Act) -> None:
            where = (_agreement.c.program_id == self.here, _agreement.c.id == row["agreement_id"])
            named = update(_agreement).where(*where).values(title_fr=title.fr, title_en=title.en)
            act.session.execute(named)
            if not rewritten:
                agreements.draft_version(act.session, row["agreement_id"], content, by=act.by, at=act.at)
                return
            if state == "sent":
                agreements.withdraw_version(act.session, row["id"], by=act.by, at=act.at)
            agreements.redraft_version(act.session, row["id"], content, by=act.by, at=act.at)

        return _Step(Change("changed", "agreement", said, facts), write)

    def _rewordings(self, key: str, row: Row, content: Content) -> Iterator[_Step]:
        """What a version says otherwise than the last, line by line."""
        name = {"organization": self.file.organizations[key].short_name}
        roles = self._parts(_created, "role", row["id"])
        for kind, role in _three(roles, content.roles):
            facts = {**name, "role": self._role_title(role)}
            yield _Step(Change(kind, "agreement", _ROLE_OF_AGREEMENT[kind], facts))
        duties = self._parts(_obligation, "key", row["id"])
        for kind, duty in _three(duties, content.obligations):
            wording = content.obligations.get(duty) or duties[duty]
            facts = {**name, "duty": _words(wording, "text"), "clause": duty}
            yield _Step(Change(kind, "obligation", _OBLIGATION[kind], facts))
        if row["terms"] != content.terms or row["notice_days"] != content.notice_days:
            said = N_("%(organization)s: the title, notice, resources, clauses or sharing of information changed.")
            yield _Step(Change("changed", "agreement", said, name))

    def _without_agreement(self, key: str, row: Row) -> Iterator[_Step]:
        facts = {"organization": self.organizations[key]["short_name"]}
        in_force = [
            version
            for version in many(self.session, _versions(self.here).where(_organization.c.key == key))
            if version["state"] == "in_force"
        ]
        if not in_force:
            said = N_("The file has no agreement with %(organization)s any more; none was in force.")
            yield _Step(Change("ended", "agreement", said, facts), None, row["agreement_id"])
        for version in in_force:

            def write(act: _Act, version: Row = version) -> None:
                # One that was to come into force later never does: it ends on its first day.
                last = max(act.day, version["starts_on"])
                agreements.end_version(act.session, version["id"], ends_on=last, by=act.by, at=act.at)

            said = N_("The agreement with %(organization)s is no longer in the file, and ends today.")
            yield _Step(Change("ended", "agreement", said, facts), write)

    def _latest_versions(self) -> dict[str, Row]:
        """The version with the highest number of each organization's agreement, by the organization's key."""
        rows = many(self.session, _versions(self.here).order_by(_version.c.n))
        return {row["organization"]: row for row in rows}

    def _parts(self, table: Table, name: str, version_id: UUID) -> dict[str, Row]:
        rows = many(
            self.session,
            select(table).where(table.c.program_id == self.here, table.c.agreement_version_id == version_id),
        )
        return {row[name]: row for row in rows}

    def _role_title(self, role: str) -> object:
        file = self.file if role in self.file.roles else self.before
        titles = {key: one.title for key, one in file.roles.items()} if file else {}
        return titles.get(role) or role  # type: ignore[call-overload]  # a key that this file may not have

    # ------------------------------------------------------------------------------------ rows and their steps

    def _is_back(self, part: str, key: str) -> bool:
        """Whether something that has a row was not in the last file: it was dropped once, and is named again."""
        if self.before is None:
            return False
        return key not in (_established(self.before) if part == "committees" else getattr(self.before, part))

    def _by_key(self, table: Table) -> dict[str, Row]:
        rows = many(self.session, select(table).where(table.c.program_id == self.here).order_by(table.c.key))
        return {row["key"]: row for row in rows}

    @staticmethod
    def _ids(known: Mapping[str, Row], wanted: Mapping[str, object]) -> dict[str, UUID]:
        return {key: known[key]["id"] if key in known else uuid4() for key in [*known, *wanted]}

    def _adding(self, change: Change, table: Table, row_id: UUID, columns: Row, *, said: bool = True) -> _Step:
        row = {"program_id": self.here, "id": row_id, **columns}
        return _Step(change if said else None, lambda act: act.session.execute(insert(table).values(**row)), row_id)

    def _changing(self, change: Change, table: Table, row_id: UUID, columns: Row) -> _Step:
        where = and_(table.c.program_id == self.here, table.c.id == row_id)
        return _Step(change, self._updating(table, columns, where), row_id)

    def _ending(self, change: Change, table: Table, row_id: UUID, *, said: bool = True) -> _Step:
        where = and_(table.c.program_id == self.here, table.c.id == row_id)

        def write(act: _Act) -> None:
            last = func.greatest(func.coalesce(table.c.starts_on, act.day), act.day)
            act.session.execute(update(table).where(where).values(ends_on=last))

        return _Step(change if said else None, write, row_id)

    @staticmethod
    def _updating(table: Table, columns: Row, where: Any) -> _Write:
        return lambda act: act.session.execute(update(table).where(where).values(**columns))


_NEW_PROGRAM: Final[Row] = {"is_demonstration": False, "source": "", "digest": "", "version": 0}

_PROGRAM_CHANGED: Final = {
    "title": N_("The program is now called “%(title)s”."),
    "languages": N_("The languages of the program changed."),
    "time_zone": N_("The time zone of the program changed."),
    "calendar": N_("The public holidays that count are those of another place."),
    "area": N_("The area that the program serves changed."),
    "coordination": N_("How the coordination is set up, where it is or to whom it reports changed."),
}
_ROLE_OF_AGREEMENT: Final[Mapping[Kind, str]] = {
    "added": N_("%(organization)s: its agreement creates the role “%(role)s”."),
    "changed": N_("%(organization)s: how many hold the role “%(role)s”, or for how many hours, changed."),
    "ended": N_("%(organization)s: its agreement no longer creates the role “%(role)s”."),
}
_OBLIGATION: Final[Mapping[Kind, str]] = {
    "added": N_("%(organization)s: new obligation %(clause)s, “%(duty)s”"),
    "changed": N_("%(organization)s: the obligation %(clause)s, or how it is checked, changed: “%(duty)s”"),
    "ended": N_("%(organization)s: no longer an obligation, %(clause)s, “%(duty)s”"),
}


def _refuse_other(session: Session, file: ProgramFile) -> None:
    """The session's program is the file's, or is new and the file's key is free."""
    here = program_of(session)
    row = one(session, select(_program.c.key).where(_program.c.id == here))
    if row is not None and row["key"] != file.program.key:
        raise Refusal("program.other", N_("This file is of another program: its key is another one."))
    if row is None and program_id_for(session, file.program.key) is not None:
        raise Refusal("program.exists", N_("A program with this key was loaded meanwhile. Look again at what changes."))


def _today(session: Session, file: ProgramFile, at: datetime) -> date:
    """The day of the load in the zone that the file names, which is the program's from now on."""
    session.info["time_zone"] = file.program.time_zone
    return local_day(session, at)


def _tell(session: Session, steps: Sequence[_Step], *, by: Actor, at: datetime) -> None:
    """One event for each change that has a row of its own, those of one kind in one statement."""
    told: dict[tuple[str, str], list[tuple[UUID, dict[str, events.Fact]]]] = {}
    for step in steps:
        if step.change and step.subject:
            told.setdefault((step.change.what, step.change.kind), []).append((step.subject, {}))
    for (what, kind), subjects in told.items():
        events.write_many(session, f"{what}.{kind}", what, subjects, by=by, at=at)


def _keep_source(
    session: Session, declared: Declared[ProgramFile], comparison: _Comparison, *, changed: bool, at: datetime
) -> None:
    """Keep the file itself, its comments included. A new comment alone is no change of the program, and no event."""
    if not changed and comparison.row and comparison.row["digest"] == declared.digest:
        return
    session.execute(
        update(_program)
        .where(_program.c.id == program_of(session))
        .values(
            source=declared.text,
            digest=declared.digest,
            loaded_at=at,
            version=_program.c.version + (1 if changed else 0),
        )
    )
    # Whoever looks at the program in this session sees what it is now.
    session.get(Program, program_of(session), populate_existing=True)


def _is_recorded(session: Session, protocol: Declared[Protocol]) -> bool:
    found = session.scalar(
        select(_protocol.c.id).where(
            _protocol.c.program_id == program_of(session),
            _protocol.c.key == protocol.value.protocol,
            _protocol.c.digest == protocol.digest,
        )
    )
    return found is not None


def _recorded(protocol: Protocol) -> Change:
    said = N_("The procedure “%(title)s” is recorded as its version %(number)d.")
    return Change("added", "protocol", said, {"title": protocol.title.model_dump(), "number": protocol.version})


def _versions(program_id: UUID) -> Any:
    """Every version of every agreement, each with its organization's key."""
    return (
        select(_version, _organization.c.key.label("organization"))
        .join(_agreement, agreements.of_agreement())
        .join(
            _organization,
            and_(
                _organization.c.program_id == _agreement.c.program_id,
                _organization.c.id == _agreement.c.organization_id,
            ),
        )
        .where(_version.c.program_id == program_id)
    )


def _established(file: ProgramFile) -> dict[str, Committee]:
    """The committees that meet. One that is only recommended has neither rhythm nor seats, and so no row."""
    return {key: committee for key, committee in file.committees.items() if committee.established}


def _rhythm(committee: Committee) -> Row:
    rhythm: Row = committee.rhythm.model_dump(mode="json", exclude_none=True) if committee.rhythm else {}
    return rhythm


def _three(was: Mapping[str, Row], now: Mapping[str, Row]) -> Iterator[tuple[Kind, str]]:
    """What is new, what is otherwise, and what is gone, by name, in the order of the file."""
    for name, columns in now.items():
        if name not in was:
            yield "added", name
        elif _differ(was[name], columns):
            yield "changed", name
    for name in was:
        if name not in now:
            yield "ended", name


def _differ(row: Row, columns: Row) -> bool:
    return any(row[name] != value for name, value in columns.items())


def _words(row: Row, name: str) -> Words:
    return Bilingual(fr=row[f"{name}_fr"], en=row[f"{name}_en"]).model_dump()


def _not_over(tenure: Any, day: Any) -> Any:
    return or_(tenure.c.ends_on.is_(None), tenure.c.ends_on >= day)
