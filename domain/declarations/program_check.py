"""Checks that see the whole of a program's file: whether it holds together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from domain.declarations.program import Joint, ProgramFile, SeatIn, Secondment, each_group_of_obligations
from domain.declarations.program_agreements import DeclaredObligation, Obligations, Oversight, owed_under
from domain.declarations.program_committees import AgendaRules, DeclaredCommittee, DeclaredSeat, Quorum
from domain.declarations.role_keys import RoleKey
from domain.declared import Declared, DeclaredErrors, FileProblem, PathOf, load_declared, load_declared_text
from locales import N_


def read_program(path: Path) -> Declared[ProgramFile]:
    """A program's file with its text and digest; raises DeclaredErrors with everything that is wrong.

    What the grammar refuses is reported first, all of it. What only the whole shows (a role that no agreement creates,
    a committee that does not exist) is reported after the grammar is satisfied.
    """
    return _checked(load_declared(path, ProgramFile))


def read_program_text(text: str, file_name: str) -> Declared[ProgramFile]:
    """The same for a text, complaints naming `file_name`."""
    return _checked(load_declared_text(text, file_name, ProgramFile))


def _checked(declared: Declared[ProgramFile]) -> Declared[ProgramFile]:
    problems = [problem for check in _CHECKS for problem in check(declared)]
    if problems:
        raise DeclaredErrors(problems)
    return declared


Findings = Iterator[FileProblem]
Seats = tuple[SeatIn, ...]
Finder = Callable[[Declared[ProgramFile]], Findings]


def _coordination(declared: Declared[ProgramFile]) -> Findings:
    """The position sits with partners whose agreement creates it; it reports to a committee that meets."""
    here = declared.value.coordination
    for path, name in here.organizations():
        yield from _role_exists(declared, ("coordination", *path), "coordinator", name)
    if here.joint:
        yield from _joint(declared, here.joint)
    if here.secondment:
        yield from _secondment(declared, here.secondment)
    hosts = [declared.value.roles_at(name) for _, name in here.organizations()]
    for place, role in enumerate(here.support):
        if not any(role in roles for roles in hosts):
            yield declared.problem(
                ("coordination", "support", place),
                N_("No agreement of those who host the coordination creates the role “%(role)s”."),
                role=role,
            )
    yield from _is_committee(declared, ("coordination", "reports_to"), here.reports_to)
    yield from _settles_objections(declared, here.decisions.committee)


def _joint(declared: Declared[ProgramFile], joint: Joint) -> Findings:
    path: PathOf = ("coordination", "joint")
    manager = joint.administrative_manager
    yield from _role_exists(declared, (*path, "administrative_manager"), "administrative_manager", manager)
    for place, share in enumerate(joint.funders):
        yield from _is_partner(declared, (*path, "funders", place, "organization"), share.organization)


def _secondment(declared: Declared[ProgramFile], secondment: Secondment) -> Findings:
    known = declared.value.organizations
    names = [share.organization for share in secondment.shares]
    if all(name in known for name in names) and {known[name].kind for name in names} != {"community", "health_agency"}:
        yield declared.problem(
            ("coordination", "secondment", "shares"),
            N_("A secondment is between a health agency and a community organization."),
        )


def _settles_objections(declared: Declared[ProgramFile], committee: str) -> Findings:
    path = ("coordination", "decisions", "committee")
    yield from _is_committee(declared, path, committee)
    settles = declared.value.committees.get(committee)
    if settles is not None and settles.established and settles.agenda is None:
        yield declared.problem(path, N_("The committee that settles objections has an agenda, on which they come."))


def _approvers(declared: Declared[ProgramFile]) -> Findings:
    """Each role that approves exports is among the program's, where the file names any."""
    program = declared.value
    named = program.program.research.approved_by if "research" in program.program.model_fields_set else ()
    for place, role in enumerate(named):
        if role not in program.roles:
            where = ("program", "research", "approved_by", place)
            yield declared.problem(where, N_("The role “%(role)s” is not among the program's roles."), role=role)


def _roles(declared: Declared[ProgramFile]) -> Findings:
    """Every declared role is created somewhere, and every created one is declared."""
    program = declared.value
    created = program.roles_created()
    for role in program.roles:
        if role not in created:
            yield declared.problem(("roles", role), N_("No agreement creates the role “%(role)s”."), role=role)
    for role in program.program.reading.roles:
        if role not in program.roles:
            path = ("program", "reading", "roles", role)
            yield declared.problem(path, N_("The role “%(role)s” is not among the program's roles."), role=role)
    yield from _approvers(declared)
    for name, agreement in program.agreements.items():
        for role, terms in agreement.roles.items():
            path = ("agreements", name, "roles", role)
            if role not in program.roles:
                yield declared.problem(path, N_("The role “%(role)s” is not among the program's roles."), role=role)
            elif program.roles[role].single_holder and terms.headcount > 1:
                yield declared.problem(
                    (*path, "headcount"),
                    N_("Only one person at a time holds the role “%(role)s” at an organization."),
                    role=role,
                )


def _agreements(declared: Declared[ProgramFile]) -> Findings:
    """Partners have an agreement, outside bodies none; what an agreement names exists, and once."""
    program = declared.value
    for name, organization in program.organizations.items():
        if organization.kind != "outside" and name not in program.agreements:
            yield declared.problem(
                ("organizations", name),
                N_("“%(organization)s” is a partner and has no agreement; one without is of kind outside."),
                organization=name,
            )
    for name, agreement in program.agreements.items():
        path: PathOf = ("agreements", name)
        if name not in program.organizations:
            yield _no_organization(declared, path, name)
        elif program.organizations[name].kind == "outside":
            yield declared.problem(
                path, N_("“%(organization)s” is outside the program: it has no agreement."), organization=name
            )
        yield from _groups(declared, (*path, "clauses"), agreement.clauses, program.clause_groups)
        yield from _groups(declared, (*path, "obligations"), agreement.obligations, program.obligation_groups)
        terms = agreement.information_sharing
        if terms is not None and terms not in program.sharing_terms:
            yield declared.problem((*path, "information_sharing"), N_("Nothing here is named “%(name)s”."), name=terms)
        if agreement.oversight is not None:
            yield from _oversight(declared, (*path, "oversight"), name, agreement.oversight)
        yield from _once(declared, (*path, "clauses"), agreement.clauses, program.clause_groups, agreement.own_clauses)
        yield from _once(
            declared,
            (*path, "obligations"),
            agreement.obligations,
            program.obligation_groups,
            agreement.own_obligations,
        )


def _oversight(declared: Declared[ProgramFile], path: PathOf, name: str, oversight: Oversight) -> Findings:
    """A committee waives clauses; another partner's manager accepts proof, and never the partner's own."""
    if oversight.waivers is not None:
        yield from _is_committee(declared, (*path, "waivers"), oversight.waivers)
    if oversight.proof == name:
        yield declared.problem(
            (*path, "proof"),
            N_("No one accepts what they owe: name another partner than “%(organization)s”."),
            organization=name,
        )
    elif oversight.proof is not None:
        yield from _role_exists(declared, (*path, "proof"), "manager", oversight.proof)


def _sharing(declared: Declared[ProgramFile]) -> Findings:
    """The committees that terms of sharing name are the program's."""
    for name, terms in declared.value.sharing_terms.items():
        yield from _groups(declared, ("sharing_terms", name, "bodies"), terms.bodies, declared.value.committees)


def _groups(
    declared: Declared[ProgramFile], path: PathOf, names: tuple[str, ...], groups: Mapping[str, object]
) -> Findings:
    for place, name in enumerate(names):
        if name not in groups:
            yield declared.problem((*path, place), N_("Nothing here is named “%(name)s”."), name=name)


def _once(
    declared: Declared[ProgramFile],
    path: PathOf,
    names: tuple[str, ...],
    groups: Mapping[str, Mapping[str, object]],
    own: Mapping[str, object],
) -> Findings:
    """What an agreement takes from its groups and what it says itself do not repeat each other."""
    seen: set[str] = set()
    own_path = (*path[:-1], f"own_{path[-1]}")
    parts: list[tuple[PathOf, Mapping[str, object]]] = [
        ((*path, place), groups[name]) for place, name in enumerate(names) if name in groups
    ]
    for at, group in (*parts, (own_path, own)):
        for key in group:
            if key in seen:
                where = (*at, key) if at == own_path else at
                yield declared.problem(where, N_("This agreement has “%(key)s” already."), key=key)
            seen.add(key)


def _obligations(declared: Declared[ProgramFile]) -> Findings:
    """What an obligation names exists, for any owner."""
    program = declared.value
    for path, group in each_group_of_obligations(program):
        for key, obligation in group.items():
            here = (*path, key)
            rule = obligation.check.rule
            at = (*here, "check", obligation.check.kind)
            if obligation.endorsed_by is not None:
                yield from _is_committee(declared, (*here, "endorsed_by"), obligation.endorsed_by)
            for where, committee in rule.committees_named():
                yield from _is_committee(declared, (*at, *where), committee)
            stated = rule.stated()
            if stated is not None and stated.by not in program.roles_created():
                yield declared.problem((*at, "by"), N_("No agreement creates the role “%(role)s”."), role=stated.by)


def _owners(declared: Declared[ProgramFile]) -> Findings:
    """The owner of an obligation, and the one who states it, are created by its agreement; it has the seat to fill."""
    program = declared.value
    for name, agreement in program.agreements.items():
        path: PathOf = ("agreements", name)
        parts: list[tuple[PathOf, Obligations]] = [
            ((*path, "obligations", place), program.obligation_groups[group])
            for place, group in enumerate(agreement.obligations)
            if group in program.obligation_groups
        ]
        parts += [
            ((*path, "own_obligations", key), {key: obligation})
            for key, obligation in agreement.own_obligations.items()
        ]
        for at, group in parts:
            for key, obligation in group.items():
                if not any(owed_under(key, obligation, agreement)):
                    yield declared.problem(
                        at,
                        N_("“%(key)s” is owed by a role that this agreement does not create: %(roles)s."),
                        key=key,
                        roles=", ".join(obligation.owed_by),
                    )
                stated = obligation.check.rule.stated()
                if stated is not None and not stated.has_somebody(agreement.roles):
                    yield declared.problem(
                        at,
                        N_("“%(key)s” is attested in writing by a role that this agreement does not create: %(role)s."),
                        key=key,
                        role=stated.by,
                    )
                yield from _seats_to_fill(declared, at, key, obligation, name)


def _seats_to_fill(
    declared: Declared[ProgramFile], at: PathOf, key: str, obligation: DeclaredObligation, organization: str
) -> Findings:
    """An attendance that no one could ever fulfil is a mistake of the file."""
    program = declared.value
    rule = obligation.check.rule
    if not rule.needs_seat:
        return
    for _, committee in rule.committees_named():
        if committee not in program.committees or not _derivation_ends(program, committee):
            continue
        if not any(one.seat.organization == organization for one in program.seats_of(committee)):
            yield declared.problem(
                at,
                N_("“%(key)s” asks for a seat on “%(committee)s”, and this organization has none."),
                key=key,
                committee=committee,
            )


def _committees(declared: Declared[ProgramFile]) -> Findings:
    """Seats belong to organizations of the program, for roles that exist there; a committee's sources end."""
    program = declared.value
    for name, committee in program.committees.items():
        path: PathOf = ("committees", name)
        for key, seat in committee.seats.items():
            yield from _seat(declared, (*path, "seats", key), seat, committee)
        for place, other in enumerate(committee.derived_from):
            yield from _is_committee(declared, (*path, "derived_from", place), other)
        if not _derivation_ends(program, name):
            yield declared.problem(
                (*path, "derived_from"), N_("“%(committee)s” would take its seats from itself."), committee=name
            )
        else:
            yield from _how_it_works(declared, path, name, committee)
    lettered: dict[str, str] = {}
    for name, committee in program.committees.items():
        if committee.letters and lettered.setdefault(committee.letters, name) != name:
            yield declared.problem(
                ("committees", name, "letters"),
                N_("“%(other)s” numbers its decisions with these letters already."),
                other=lettered[committee.letters],
            )


def _how_it_works(declared: Declared[ProgramFile], path: PathOf, name: str, committee: DeclaredCommittee) -> Findings:
    """Its quorum can be reached, and its agenda's rules name seats and roles that it has."""
    if any(other not in declared.value.committees for other in committee.derived_from):
        return
    seats = declared.value.seats_of(name)
    if committee.quorum:
        voting = [one.seat for one in seats if one.seat.voting]
        yield from _quorum(declared, (*path, "quorum"), committee.quorum, voting)
        for place, key in enumerate(committee.quorum.must):
            yield from _has_seat(declared, (*path, "quorum", "must", place), key, seats)
    if committee.agenda:
        yield from _presenters(declared, (*path, "agenda", "rules"), committee.agenda, seats)


def _presenters(declared: Declared[ProgramFile], path: PathOf, agenda: AgendaRules, seats: Seats) -> Findings:
    """Those who present an agenda's items sit on the committee."""
    roles = {one.seat.role for one in seats}
    for key, rule in agenda.rules.items():
        if rule.presenter is not None:
            yield from _has_seat(declared, (*path, key, "presenter"), rule.presenter, seats)
        if rule.role is not None and rule.role not in roles:
            said = N_("No seat of this committee is for the role “%(role)s”.")
            yield declared.problem((*path, key, "role"), said, role=rule.role)


def _quorum(declared: Declared[ProgramFile], path: PathOf, quorum: Quorum, voting: list[DeclaredSeat]) -> Findings:
    """As many seats and organizations vote as a quorum asks for."""
    if quorum.seats > len(voting):
        yield declared.problem(
            (*path, "seats"),
            N_("This committee has %(voting)s voting seats only: its quorum could never be reached."),
            voting=len(voting),
        )
    organizations = len({seat.organization for seat in voting})
    if quorum.organizations > organizations:
        yield declared.problem(
            (*path, "organizations"),
            N_("Fewer organizations vote on this committee than its quorum asks for: %(organizations)s."),
            organizations=organizations,
        )


def _has_seat(declared: Declared[ProgramFile], path: PathOf, key: str, seats: Seats) -> Findings:
    if all(one.key != key for one in seats):
        yield declared.problem(path, N_("This committee has no seat “%(seat)s”."), seat=key)


def _seat(declared: Declared[ProgramFile], path: PathOf, seat: DeclaredSeat, committee: DeclaredCommittee) -> Findings:
    program = declared.value
    organization = program.organizations.get(seat.organization)
    if organization is not None and organization.kind == "outside":
        if seat.role not in program.roles:
            yield declared.problem(
                (*path, "role"), N_("The role “%(role)s” is not among the program's roles."), role=seat.role
            )
        return
    yield from _role_exists(declared, (*path, "organization"), seat.role, seat.organization, (*path, "role"))
    alternates = committee.alternates
    if alternates and organization and alternates.role not in program.roles_at(seat.organization):
        yield declared.problem(
            path,
            N_("This seat has no alternate: its organization's agreement does not create “%(role)s”."),
            role=alternates.role,
        )


def _derivation_ends(program: ProgramFile, name: str) -> bool:
    """Whether a committee does not, through others, take its seats from itself."""

    def ends(committee: str, above: frozenset[str]) -> bool:
        if committee in above:
            return False
        here = program.committees.get(committee)
        return here is None or all(ends(other, above | {committee}) for other in here.derived_from)

    return ends(name, frozenset())


def _is_committee(declared: Declared[ProgramFile], path: PathOf, name: str) -> Findings:
    committee = declared.value.committees.get(name)
    if committee is None:
        yield declared.problem(path, N_("No committee here is named “%(committee)s”."), committee=name)
    elif not committee.established:
        yield declared.problem(path, N_("The committee “%(committee)s” is not established."), committee=name)


def _no_organization(declared: Declared[ProgramFile], path: PathOf, name: str) -> FileProblem:
    return declared.problem(path, N_("No organization here is named “%(organization)s”."), organization=name)


def _is_partner(declared: Declared[ProgramFile], path: PathOf, name: str) -> Findings:
    if name not in declared.value.organizations:
        yield _no_organization(declared, path, name)
    elif name not in declared.value.agreements:
        yield declared.problem(path, N_("“%(organization)s” has no agreement with the program."), organization=name)


def _role_exists(
    declared: Declared[ProgramFile], path: PathOf, role: RoleKey, name: str, role_path: PathOf | None = None
) -> Findings:
    """`name` is a partner, and its agreement creates `role`, which is written at `role_path`."""
    strangers = list(_is_partner(declared, path, name))
    yield from strangers
    if not strangers and role not in declared.value.agreements[name].roles:
        yield declared.problem(
            role_path or path,
            N_("The agreement of “%(organization)s” does not create the role “%(role)s”."),
            organization=name,
            role=role,
        )


_CHECKS: Final[tuple[Finder, ...]] = (_coordination, _roles, _agreements, _sharing, _obligations, _owners, _committees)
