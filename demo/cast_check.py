"""Whether a demonstration fits its program and protocols, on the day on which it would be loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from pathlib import Path

from demo.cast import Act, DemoCase, DemonstrationFile, DemoTenure, DemoVacancy, RelativeDay
from domain.declarations import ProgramFile, Protocol, Step, checked
from domain.declared import Declared, DeclaredErrors, FileProblem, PathOf, load_declared, load_declared_text
from domain.kernel import Refusal
from locales import N_, current_language, pick


def read_demonstration(
    path: Path, program: ProgramFile, *, today: date, protocols: Mapping[str, Protocol]
) -> Declared[DemonstrationFile]:
    """A demonstration's file, checked against its program and protocols as it would stand on `today`.

    `today` is a local date of the program's zone. Raises DeclaredErrors with everything that is wrong, and
    UnknownYear where the program's calendar does not reach.
    """
    return _checked(load_declared(path, DemonstrationFile), program, today, protocols)


def read_demonstration_text(
    text: str, file_name: str, program: ProgramFile, *, today: date, protocols: Mapping[str, Protocol]
) -> Declared[DemonstrationFile]:
    """The same for a text, complaints naming `file_name`."""
    return _checked(load_declared_text(text, file_name, DemonstrationFile), program, today, protocols)


def _checked(
    declared: Declared[DemonstrationFile], program: ProgramFile, today: date, protocols: Mapping[str, Protocol]
) -> Declared[DemonstrationFile]:
    here = _Checking(declared, program, today, protocols)
    problems = [problem for check in here.checks() for problem in check()]
    if problems:
        raise DeclaredErrors(problems)
    return declared


Findings = Iterator[FileProblem]


class _Checking:
    """One demonstration beside its program, on one day."""

    def __init__(
        self,
        declared: Declared[DemonstrationFile],
        program: ProgramFile,
        today: date,
        protocols: Mapping[str, Protocol],
    ) -> None:
        self.declared = declared
        self.demo = declared.value
        self.program = program
        self.protocols = protocols
        self.today = today
        self._on = partial(RelativeDay.on, today=today, calendar=program.calendar())
        self._lent: set[tuple[str, str]] = set()

    def checks(self) -> tuple[Callable[[], Findings], ...]:
        return (
            self._program,
            self._names,
            self._spans,
            self._tenures,
            self._vacancies,
            self._absences,
            self._signatures,
            self._seats,
            self._equipment,
            self._cases,
        )

    def _says(self, path: PathOf, sentence: str, /, **facts: str | int) -> FileProblem:
        return self.declared.problem(path, sentence, **facts)

    def _program(self) -> Findings:
        if self.demo.program != self.program.program.key:
            yield self._says(("program",), N_("This demonstration is not of this program."))

    def _names(self) -> Findings:
        """Every person and organization that is named exists, wherever it is named."""
        for path, person in _people_named(self.demo):
            if person not in self.demo.people:
                yield self._says(path, N_("No person here is named “%(person)s”."), person=person)
        for path, organization in _organizations_named(self.demo):
            if organization not in self.program.organizations:
                sentence = N_("No organization here is named “%(organization)s”.")
                yield self._says(path, sentence, organization=organization)

    def _spans(self) -> Findings:
        """What ends does not end before it starts, on this day."""
        for name in ("tenures", "absences", "closures", "seats"):
            for place, span in enumerate(getattr(self.demo, name)):
                if span.ends is not None and self._on(span.ends) < self._on(span.starts):
                    yield self._says((name, place, "ends"), N_("This ends before it starts."))

    def _tenures(self) -> Findings:
        """A role is held where an agreement creates it, by nobody twice at once, and by one where one may hold it.

        What an agreement says of how many is a promise: more is refused by nobody (docs/adr/0005).
        """
        for place, tenure in enumerate(self.demo.tenures):
            path: PathOf = ("tenures", place)
            if tenure.organization not in self.program.organizations:
                continue
            if tenure.role not in self.program.roles_at(tenure.organization):
                yield self._says(
                    (*path, "role"),
                    N_("“%(organization)s” has no role “%(role)s”."),
                    organization=tenure.organization,
                    role=tenure.role,
                )
                continue
            first = self._on(tenure.starts)
            beside = [other for other in self.demo.tenures if self._is_held(other, first, tenure)]
            if sum(other.person == tenure.person for other in beside) > 1:
                yield self._says((*path, "person"), N_("This person holds this role here already."))
            if self.program.roles[tenure.role].single_holder and any(one.person != tenure.person for one in beside):
                sentence = N_("Only one person at a time holds the role “%(role)s” at an organization.")
                yield self._says(path, sentence, role=tenure.role)

    def _is_held(self, tenure: DemoTenure, day: date, alike: DemoTenure | DemoVacancy) -> bool:
        """Whether `tenure` is of the same role and place as `alike`, and holds on `day`."""
        same = (tenure.role, tenure.organization) == (alike.role, alike.organization)
        return same and self._on(tenure.starts) <= day and (tenure.ends is None or day <= self._on(tenure.ends))

    def _holds(self, person: str, role: str, organization: str, day: date) -> bool:
        """Whether `person` holds `role` at `organization` on `day`."""
        return any(
            tenure.person == person and tenure.role == role and self._is_held(tenure, day, tenure)
            for tenure in self.demo.tenures
            if tenure.organization == organization
        )

    def _vacancies(self) -> Findings:
        """Vacant today is exactly what says so: no role is forgotten, and none is held after all."""
        listed = {(vacancy.role, vacancy.organization) for vacancy in self.demo.vacant}
        for place, vacancy in enumerate(self.demo.vacant):
            if any(self._is_held(tenure, self.today, vacancy) for tenure in self.demo.tenures):
                yield self._says(("vacant", place), N_("Somebody holds this role today."))
        for organization in self.program.agreements:
            for role in self.program.agreements[organization].roles:
                vacancy = DemoVacancy(role=role, organization=organization)
                held = any(self._is_held(tenure, self.today, vacancy) for tenure in self.demo.tenures)
                if not held and (role, organization) not in listed:
                    yield self._says(
                        ("tenures",),
                        N_("Nobody holds “%(role)s” at “%(organization)s” today, and vacant does not say so."),
                        role=role,
                        organization=organization,
                    )

    def _absences(self) -> Findings:
        """Nobody is their own deputy, or away twice at once."""
        for place, absence in enumerate(self.demo.absences):
            path: PathOf = ("absences", place)
            if absence.deputy == absence.person:
                yield self._says((*path, "deputy"), N_("A person cannot be their own deputy."))
            for other in self.demo.absences[:place]:
                apart = self._on(absence.ends) < self._on(other.starts) or self._on(other.ends) < self._on(
                    absence.starts
                )
                if other.person == absence.person and not apart:
                    yield self._says(path, N_("This person is away already on some of these days."))

    def _signatures(self) -> Findings:
        """An agreement is signed once, by the one who is then the director."""
        for place, signature in enumerate(self.demo.signatures):
            path: PathOf = ("signatures", place)
            if any(other.organization == signature.organization for other in self.demo.signatures[:place]):
                yield self._says(path, N_("This agreement is signed already."))
            if signature.organization not in self.program.agreements:
                yield self._says((*path, "organization"), N_("This organization has no agreement to sign."))
            elif not self._holds(signature.director, "director", signature.organization, self._on(signature.signed)):
                yield self._says((*path, "director"), N_("This person is not the director there on that day."))
            if self._on(signature.starts) < self._on(signature.signed):
                yield self._says((*path, "starts"), N_("An agreement is not in force before it is signed."))

    def _seats(self) -> Findings:
        """Whoever sits holds the seat's role, or the alternates' role, at the seat's organization."""
        for place, held in enumerate(self.demo.seats):
            path: PathOf = ("seats", place)
            committee = self.program.committees.get(held.committee)
            seat = committee.seats.get(held.seat) if committee else None
            if committee is None or seat is None:
                wrong = "committee" if committee is None else "seat"
                yield self._says((*path, wrong), N_("The program has no such seat."))
                continue
            day = self._on(held.starts)
            alternates = committee.alternates.role if committee.alternates else seat.role
            for name, role in (("principal", seat.role), ("alternate", alternates)):
                person = getattr(held, name)
                if person is not None and not self._holds(person, role, seat.organization, day):
                    yield self._says(
                        (*path, name),
                        N_("This person does not hold “%(role)s” at “%(organization)s” on the seat's first day."),
                        role=role,
                        organization=seat.organization,
                    )

    def _equipment(self) -> Findings:
        seen = Counter((thing.kind, thing.serial) for thing in self.demo.equipment)
        for place, thing in enumerate(self.demo.equipment):
            if seen[thing.kind, thing.serial] > 1:
                yield self._says(("equipment", place, "serial"), N_("Two things of a kind have this serial number."))

    def _cases(self) -> Findings:
        for key, case in self.demo.cases.items():
            path: PathOf = ("cases", key)
            if not any(
                tenure.person == case.worker
                and tenure.organization == case.organization
                and tenure.role == "youth_worker"
                for tenure in self.demo.tenures
            ):
                yield self._says((*path, "worker"), N_("This person is no youth worker of this organization."))
            protocol = self.protocols.get(case.protocol)
            if protocol is None:
                yield self._says((*path, "protocol"), N_("No protocol here is named “%(name)s”."), name=case.protocol)
                continue
            yield from self._acts(path, case, protocol)

    def _acts(self, path: PathOf, case: DemoCase, protocol: Protocol) -> Findings:
        """Each act fits its step and what was done before it, and the case stands at the end as it says."""
        replay = _Replay(protocol)
        for place, act in enumerate(case.acts):
            here = (*path, "acts", place)
            for at, name in enumerate(act.steps):
                step = protocol.by_id.get(name)
                if step is None:
                    yield self._says((*here, "steps", at), N_("This protocol has no step “%(step)s”."), step=name)
                    continue
                unfit = list(self._act(here, act, step))
                yield from unfit
                wrong = replay.act(step, act)
                if wrong and not unfit:
                    yield self._says((*here, "steps", at), wrong)
        missing = [step.id for step in protocol.steps if step.required and not replay.is_settled(step)]
        if case.ends == "closed" and missing:
            yield self._says((*path, "ends"), N_("This case cannot be closed: %(steps)s."), steps=", ".join(missing))
        if case.ends == "open" and not missing:
            yield self._says((*path, "ends"), N_("This case would close by itself: nothing is left to do."))

    def _act(self, path: PathOf, act: Act, step: Step) -> Findings:
        if step.action is not None and act.verb == "done":
            yield self._says((*path, "steps"), N_("The engine does this step, and nobody else."))
        if act.verb in ("approved", "rejected") and step.approved_by is None:
            yield self._says((*path, act.verb), N_("This step needs no approval."))
        if act.verb == "waived" and step.waive == "never":
            yield self._says((*path, "waived"), N_("The protocol lets nobody waive this step."))
        if step.for_each is not None and step.for_each.list_ is not None:
            if act.item not in {item.id for item in step.for_each.list_}:
                yield self._says((*path, "item"), N_("Say which of the step's items this is."))
        elif act.item is not None:
            yield self._says((*path, "item"), N_("This step has no items."))
        if act.verb != "done":
            return
        asks = [part.model_dump(mode="json", exclude_none=True) for part in step.asks]
        try:
            checked(asks, act.filled_in(step.id))
        except Refusal as refusal:
            facts = {
                name: fact if isinstance(fact, str | int) else pick(current_language(), fact)
                for name, fact in refusal.facts.items()
            }
            yield self._says((*path, "given"), refusal.sentence, **facts)
        wanted = step.evidence if step.evidence in ("serial", "account", "document") else None
        if act.evidence != wanted:
            at = (*path, act.evidence) if act.evidence else path
            yield self._says(at, N_("This step asks for other evidence: %(kind)s."), kind=step.evidence)
        if step.evidence == "note" and act.note is None:
            yield self._says(path, N_("This step asks for a note."))
        if act.serial is not None:
            yield from self._lends((*path, "serial"), act.item or step.id, act.serial)

    def _lends(self, path: PathOf, kind: str, serial: str) -> Findings:
        """A thing is lent out of the pool, and to one person. Its kind is the item that the step is done for."""
        if (kind, serial) not in {(thing.kind, thing.serial) for thing in self.demo.equipment}:
            yield self._says(path, N_("No equipment of this kind has this serial number."))
        elif (kind, serial) in self._lent:
            yield self._says(path, N_("This is lent to somebody else already."))
        self._lent.add((kind, serial))


class _Replay:
    """How far a case is, act by act: which steps, or items of steps, are handed in and which are settled."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.handed_in: set[tuple[str, str]] = set()
        self.settled: set[tuple[str, str]] = set()

    def is_settled(self, step: Step) -> bool:
        """Whether nothing waits for this step any more. What the engine does is done as soon as it may be."""
        if step.action is not None:
            return self._may_begin(step)
        items = [item.id for item in step.for_each.list_] if step.for_each and step.for_each.list_ else [""]
        return all((step.id, item) in self.settled for item in items)

    def _may_begin(self, step: Step) -> bool:
        return all(self.is_settled(self.protocol.by_id[name]) for name in self.protocol.waits_for(step))

    def act(self, step: Step, act: Act) -> str | None:
        """Take one act into account; what is wrong with it where it cannot have happened then."""
        one = (step.id, act.item or "")
        waits, over = one in self.handed_in, one in self.settled
        if act.verb in ("approved", "rejected"):
            if not waits:
                return N_("Nothing waits for an approval here on that day.")
        elif act.verb == "undone":
            if not (waits or over):
                return N_("There is nothing to undo here on that day.")
        elif waits or over:
            return N_("This step is done already on that day.")
        elif act.verb != "waived" and not self._may_begin(step):
            return N_("This step still waits for another on that day.")
        self._move(step, one, act)
        return None

    def _move(self, step: Step, one: tuple[str, str], act: Act) -> None:
        self.handed_in.discard(one)
        self.settled.discard(one)
        if act.verb == "rejected":
            self.settled -= {other for other in self.settled if other[0] == step.reopens}
        elif act.verb == "done" and step.approved_by is not None:
            self.handed_in.add(one)
        elif act.verb in ("done", "approved", "waived"):
            self.settled.add(one)


def _people_named(demo: DemonstrationFile) -> Iterator[tuple[PathOf, str]]:
    """Every place where a person is named."""
    fields = {
        "tenures": ("person",),
        "absences": ("person", "deputy"),
        "signatures": ("director",),
        "seats": ("principal", "alternate"),
    }
    for name, keys in fields.items():
        for place, part in enumerate(getattr(demo, name)):
            for key in keys:
                if getattr(part, key) is not None:
                    yield (name, place, key), getattr(part, key)
    for name, case in demo.cases.items():
        for key in ("worker", "opened_by", "cancelled_by"):
            if getattr(case, key) is not None:
                yield ("cases", name, key), getattr(case, key)
        for place, act in enumerate(case.acts):
            yield ("cases", name, "acts", place, "by"), act.by


def _organizations_named(demo: DemonstrationFile) -> Iterator[tuple[PathOf, str]]:
    """Every place where an organization is named."""
    for name in ("tenures", "vacant", "closures", "signatures"):
        for place, part in enumerate(getattr(demo, name)):
            yield (name, place, "organization"), part.organization
    for key, case in demo.cases.items():
        yield ("cases", key, "organization"), case.organization
