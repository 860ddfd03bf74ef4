"""Protocols from the command line, for those who write them: check, print, plan, compare."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli.spoken import Ending, tell
from api.cli.terminal import Counter, ProgramKey, counter
from domain.casework import scheduling, versions
from domain.casework.approving import Owed, who_may_approve
from domain.casework.steps import links_of
from domain.declarations.planning import known_days, meant_on
from domain.declarations.planning import plan as planned
from domain.declarations.protocol import REQUESTER, Protocol, Step
from domain.declarations.protocol_difference import difference
from domain.kernel import periods
from domain.roles.roles import Standing, standing
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
        place = here.organization(organization).id if organization else None
        days = {**_days_of(period, declared), **dict(_anchor(one, declared) for one in anchor or ())}
        if not days:
            raise Ending(_named_days(declared))
        calendar = scheduling.calendar_for(here.session, declared, place or here.program.id)
        # As the case would stand: nothing is its subject yet, so a step of the subject's falls on the next.
        case = Case(
            program_id=here.program.id,
            protocol=protocol,
            protocol_version_id=version.id,
            subject_kind=declared.subject.kind,
            subject_id=here.program.id,
            organization_id=place or here.program.id,
            period=period,
            opened_at=here.at,
        )
        on_days: dict[date, Standing] = {}
        begins = scheduling.meant_on(case, declared) or meant_on(declared, days)
        for line in planned(declared, days, calendar, opened_on=here.day, meant_on=begins):
            if line.is_lapsed:
                continue
            day = line.due_on or here.day
            if day not in on_days:
                on_days[day] = standing(here.session, day)
            title = line.step.title.in_language(language)
            if line.item is not None:
                title = f"{title} ({line.item.title.in_language(language)})"
            who = say(language, N_("the program"))
            if line.step.by is not None:
                who = _whom(here, declared, case, line.step.by, on_days[day], language, named=place is not None)
            if line.step.approved_by is not None:
                asked = _as_asked(here, declared, case, line.step, on_days[day])
                role = line.step.approved_by.role
                approver = _whom(
                    here,
                    declared,
                    case,
                    role,
                    on_days[day],
                    language,
                    named=place is not None,
                    asked=asked,
                )
                who = say(language, N_("%(who)s; approved by %(approver)s"), who=who, approver=approver)
            why = ""
            if line.moved_from is not None and line.closed_reason is not None:
                why = " " + say(
                    language,
                    N_("(instead of %(day)s: %(reason)s)"),
                    day=line.moved_from,
                    reason=line.closed_reason.in_language(language),
                )
            when = show_day(language, line.due_on, "medium") if line.due_on else "–"
            typer.echo(f"{when:<16} {title} – {who}{why}")


def _whom(
    here: Counter,
    protocol: Protocol,
    case: Case,
    name: str,
    today: Standing,
    language: str,
    *,
    named: bool,
    asked: Owed | None = None,
) -> str:
    """Who a role's part falls on that day, or that the role is vacant; the role alone where no person is known yet.

    That is so of the case's subject and, unless its organization is `named`, of a person of the organization.
    `asked` is a step whose approval is this part: those who are barred from giving it are left out.
    """
    role = protocol.roles[name]
    title = role.title.in_language(language)
    if role.subject is not None or (not named and role.at in ("employer", "partner")):
        return title
    chain = links_of(here.session, protocol, name, case)
    falls = today.falls(chain, kind="tasks" if asked is None else "approvals")
    holders = falls.holders if asked is None else who_may_approve(today, asked, chain)
    who = ", ".join(here.person(one.person_id).name for one in holders) or say(language, N_("no one"))
    if not falls.vacant:
        return who
    return say(language, N_("%(who)s (vacant: %(role)s)"), who=who, role=title)


def _as_asked(here: Counter, protocol: Protocol, case: Case, step: Step, today: Standing) -> Owed:
    """A step as if those who owe it had done it and it waited for approval: it shows what bars an approver.

    Where it falls on several people, each may approve what another did.
    """
    names = [name for name in step.approved_by.not_same_as if name != REQUESTER] if step.approved_by else []
    barred = [link for name in names for link in links_of(here.session, protocol, name, case)[:1]]
    doers = today.falls(links_of(here.session, protocol, step.by, case)).holders if step.by else ()
    done_by, done_for = (doers[0].person_id, doers[0].acting_for) if len(doers) == 1 else (None, None)
    return Owed("submitted", None, None, None, done_by, done_for, barred)


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
