"""Protocols from the command line, for those who write them: check, print, plan, compare."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli.spoken import Ending, tell
from api.cli.terminal import Counter, ProgramKey, counter
from domain.casework import TaskOwing, links_of, scheduling, versions, who_may_approve
from domain.declarations import REQUESTER, PlanLine, Protocol, Step, difference, known_days, meant_on
from domain.declarations import plan as planned
from domain.kernel import periods
from domain.roles import DayTenures, Link, standing
from flows.protocols import read_protocol
from locales import LANGUAGES, N_, Counted, current_language, is_language, say, show_day
from models.casework import Case

app = typer.Typer(no_args_is_help=True, help="The procedures that cases follow.")

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The protocol's YAML file.")]
Lang = Annotated[str, typer.Option("--lang", help="fr or en; the terminal's language where it is not given.")]


@app.command()
@asks(Action.LOOK)
def check(file: File) -> None:
    """Say everything that is wrong with a protocol's file, by line."""
    protocol = read_protocol(file).value
    tell(
        N_("%(file)s is right: version %(version)s, %(steps)s, %(facts)s."),
        file=file.name,
        version=protocol.version,
        steps=Counted("%(n)s step", "%(n)s steps", len(protocol.steps)),
        facts=Counted("%(n)s fact of the guide", "%(n)s facts of the guide", len(protocol.sources())),
    )


@app.command()
@asks(Action.LOOK)
def show(file: File, lang: Lang = "") -> None:
    """Print the procedure that a file declares, stage by stage."""
    language = _language(lang)
    protocol = read_protocol(file).value
    typer.echo(f"{protocol.title.in_language(language)} ({protocol.version})")
    typer.echo(say(language, N_("A case is about: %(whom)s"), whom=protocol.subject_in_words(language)))
    typer.echo(say(language, N_("It begins: %(when)s"), when=protocol.starts_in_words(language)))
    for stage in protocol.stages:
        typer.echo(f"\n{stage.title.in_language(language)}")
        for step in protocol.steps:
            if step.stage != stage.id:
                continue
            typer.echo(f"  · {step.title.in_language(language)}")
            who = protocol.roles[step.by].title.in_language(language) if step.by else say(language, N_("the program"))
            when = protocol.due_in_words(step, language)
            typer.echo(f"    {who}{' – ' + when if when else ''}  [{', '.join(step.source)}]")


@app.command()
@asks(Action.PLAN_PROTOCOL)
def plan(
    anchor: Annotated[list[str] | None, typer.Option(help="A named day, such as arrival=2026-12-07.")] = None,
    protocol: Annotated[str, typer.Argument(help="The protocol's key.")] = "onboarding",
    period: Annotated[
        str, typer.Option(help="The quarter or the year that the case would be for: 2026-Q3, or 2026.")
    ] = "",
    organization: Annotated[
        str, typer.Option(help="The key of the organization where the case would be; without it, its roles are named.")
    ] = "",
    program: ProgramKey = "",
    lang: Lang = "",
) -> None:
    """Print every step with its day, who owes it and who approves it; vacant roles and closed days are flagged."""
    require(Action.PLAN_PROTOCOL, at_the_terminal())
    language = _language(lang)
    with counter(program) as here:
        version = versions.current_protocol(here.session, protocol)
        declared = scheduling.protocol_of(version)
        place = here.organization(organization).id if organization else here.program.id
        days = {**_days_of(period, declared), **dict(_anchor(one, declared) for one in anchor or ())}
        if not days:
            raise Ending(_named_days(declared))
        calendar = scheduling.calendar_for(here.session, declared, place)
        # As the case would stand: nothing is its subject yet, so a step of the subject's falls on the next.
        case = Case(
            program_id=here.program.id,
            protocol=protocol,
            protocol_version_id=version.id,
            subject_kind=declared.subject.kind,
            subject_id=here.program.id,
            organization_id=place,
            period=period,
            opened_at=here.at,
        )
        begins = scheduling.meant_on(case, declared) or meant_on(declared, days)
        roles = _Roles(here, declared, case, language, named=bool(organization))
        lines = planned(declared, days, calendar, opened_on=here.day, meant_on=begins)
        for line in lines:
            if not line.is_lapsed:
                typer.echo(_in_words(line, roles.of_line(line), language))


def _in_words(line: PlanLine, who: str, language: str) -> str:
    when = show_day(language, line.due_on, "medium") if line.due_on else "–"
    return f"{when:<16} {_title(line, language)} – {who}{_why_moved(line, language)}"


def _title(line: PlanLine, language: str) -> str:
    title = line.step.title.in_language(language)
    return title if line.item is None else f"{title} ({line.item.title.in_language(language)})"


def _why_moved(line: PlanLine, language: str) -> str:
    """Why a step is due on another day than the one counted; "" where it is not."""
    if line.moved_from is None or line.closed_reason is None:
        return ""
    reason = line.closed_reason.in_language(language)
    return " " + say(language, N_("(instead of %(day)s: %(reason)s)"), day=line.moved_from, reason=reason)


class _Roles:
    """On whom the steps of a case would fall, each on its day.

    `named`: whether the organization of the case is known, so that who is there can be named.
    """

    def __init__(self, here: Counter, protocol: Protocol, case: Case, language: str, *, named: bool) -> None:
        self._here, self._protocol, self._case = here, protocol, case
        self._language, self._named = language, named
        self._on_days: dict[date, DayTenures] = {}

    def of_line(self, line: PlanLine) -> str:
        """Who does a step, and who approves it."""
        today = self._standing(line.due_on or self._here.day)
        who = say(self._language, N_("the program"))
        if line.step.by is not None:
            who = self._whom(line.step.by, today)
        if line.step.approved_by is None:
            return who
        approver = self._whom(line.step.approved_by.role, today, asked=self._as_asked(line.step, today))
        return say(self._language, N_("%(who)s; approved by %(approver)s"), who=who, approver=approver)

    def _standing(self, day: date) -> DayTenures:
        if day not in self._on_days:
            self._on_days[day] = standing(self._here.session, day)
        return self._on_days[day]

    def _links(self, name: str) -> list[Link]:
        return links_of(self._here.session, self._protocol, name, self._case)

    def _whom(self, name: str, today: DayTenures, *, asked: TaskOwing | None = None) -> str:
        """On whom a role's part falls on a day, and that the role is vacant where it is.

        The role alone where nobody is known yet: the subject of the case, or a person of an organization that is not
        named. `asked` is a step whose approval is this part: who is barred from giving it is left out.
        """
        role = self._protocol.roles[name]
        title = role.title.in_language(self._language)
        if role.subject is not None or (not self._named and role.at in ("employer", "partner")):
            return title
        chain = self._links(name)
        falls = today.falls(chain, kind="tasks" if asked is None else "approvals")
        holders = falls.holders if asked is None else who_may_approve(today, asked, chain)
        people = ", ".join(self._here.person(one.person_id).name for one in holders)
        who = people or say(self._language, N_("no one"))
        if not falls.vacant:
            return who
        return say(self._language, N_("%(who)s (vacant: %(role)s)"), who=who, role=title)

    def _as_asked(self, step: Step, today: DayTenures) -> TaskOwing:
        """A step as if it waited for its approval, having been done by whom it falls on: what bars an approver of it.

        Where it falls on several, each may approve what another did.
        """
        names = [name for name in step.approved_by.not_same_as if name != REQUESTER] if step.approved_by else []
        barred = [link for name in names for link in self._links(name)[:1]]
        doers = today.falls(self._links(step.by)).holders if step.by else ()
        done_by, done_for = (doers[0].person_id, doers[0].acting_for) if len(doers) == 1 else (None, None)
        return TaskOwing("submitted", None, None, None, done_by, done_for, barred)


@app.command()
@asks(Action.LOOK)
def diff(
    old: File,
    new: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The newer file.")],
    lang: Lang = "",
) -> None:
    """Say what changed from one file to another, in plain words."""
    changes = difference(read_protocol(old).value, read_protocol(new).value, _language(lang))
    for change in changes:
        typer.echo(f"· {change}")
    if not changes:
        tell(N_("They say the same."))


def _language(lang: str) -> str:
    if lang and not is_language(lang):
        raise Ending(say(current_language(), N_("Choose one of: %(languages)s."), languages=", ".join(LANGUAGES)))
    return lang or current_language()


def _anchor(given: str, protocol: Protocol) -> tuple[str, date]:
    name, _, day = given.partition("=")
    if name not in protocol.anchors:
        raise Ending(_named_days(protocol))
    try:
        return name, date.fromisoformat(day)
    except ValueError:
        raise Ending(say(current_language(), N_("Write the day as arrival=2026-12-07."))) from None


def _named_days(protocol: Protocol) -> str:
    return say(current_language(), N_("The protocol's named days are: %(names)s."), names=", ".join(protocol.anchors))


def _days_of(key: str, protocol: Protocol) -> dict[str, date]:
    """The named days that a period gives."""
    each = protocol.starts.each if protocol.starts else None
    if not key:
        return {}
    span = periods.period(key)
    if each is None or span is None or not periods.is_of(key, each):
        raise Ending(say(current_language(), N_("A case of this protocol is for no such period.")))
    return known_days(protocol, {"period.starts_on": span.starts_on, "period.ends_on": span.ends_on})
