"""The privacy officer's page: who read what about people, what is unusual in it first, and who was turned away.

Only they and who stands in for them see it, and they change nothing here. A reading's subject is named as far as they
need to know who it concerns; the document itself stays with those who have a part in its case. Who stands in is not
shown what they read themselves: that is for the officer to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse

from api.access.permissions import Action, asks
from api.access.privacy import look_without
from api.access.restored import to_decide
from api.access.session import InContext, RequestContext
from api.pages.choices import names_to_choose
from api.pages.frame import framed_pages, page
from api.views.names import titles_of_roles
from api.views.tasks import by_day, cases_about, names_of, who_acted
from api.web.readers import day_or_none, id_or_none
from domain.kernel import Refusal, col, joins, only, run, surely, title_of, tuples, value_of
from domain.mail import resending
from domain.record import LEFT_OUT, RecordQuery, UnusualReading, readings, unusual_reads
from locales import N_, gettext, say
from models.casework import Evidence, Task
from models.outbox import Notice
from models.program import Person
from models.record import Event, Incident

router = framed_pages()

PAGE_SIZE: Final = 50
#: So many unusual readings are shown at once.
UNUSUAL_SHOWN: Final = 20
_NEWEST: Final = 2**62

#: What was read, as people say it.
WHAT: Final[Mapping[str, str]] = {
    "document": N_("Document: %(thing)s"),
    "letter": N_("Letter: %(thing)s"),
    "identity": N_("Name, birth date and how to reach them: %(thing)s"),
    "referral": N_("What a referral says: %(thing)s"),
    "disclosure": N_("Disclosure without consent: %(thing)s"),
    "findings": N_("Facts behind the criteria: %(thing)s"),
    "reasons": N_("Why it was decided so: %(thing)s"),
    "looked_up": N_("Number of who lost it, by name and birth date: %(thing)s"),
    "duplicates": N_("Possible matches of a referral: %(thing)s"),
    "risk": N_("Risk assessment: %(thing)s"),
    "information": N_("Gender, and month and year of birth: %(thing)s"),
    "weekly_note": N_("Text of a weekly note: %(thing)s"),
    "task_words": N_("Text of a step about a participant: %(thing)s"),
    "follow_up_summary": N_("Summary of a follow-up that is handed over: %(thing)s"),
    "raised_issue": N_("Issue raised before the Clinical Committee: %(thing)s"),
    "case_said": N_("What the Clinical Committee said of a case: %(thing)s"),
    "break_terms": N_("Terms of return of a break: %(thing)s"),
    "package": N_("What a person is given of their file: %(thing)s"),
    "rights_request": N_("What a person asks about their own data: %(thing)s"),
    "statement": N_("A person’s own words beside a part of their file: %(thing)s"),
    "destruction": N_("Why a file is to be destroyed, or not: %(thing)s"),
    "incidents": N_("Register of incidents, as a file (incidents in it: %(lines)s)"),
}
PURPOSES: Final[Mapping[str, str]] = {
    "own_part": N_("their own part in it"),
    "coordination": N_("coordination of the program"),
    "management": N_("management of the organization"),
    "administration": N_("administration of the program"),
    "protection": N_("protection of personal information"),
    "follow_up": N_("follow-up in the Clinical Committee"),
    "hand_over": N_("taking over a follow-up"),
    "urgent_help": N_("urgent help"),
    "request_of_person": N_("a request of the person concerned"),
    "legal_duty": N_("a legal duty"),
}
#: A part in it, and a role that oversees it, are told by the purpose itself.
GROUNDS: Final[Mapping[str, str]] = {"purpose": N_("outside their own follow-ups")}
WHYS: Final[Mapping[str, str]] = {
    "not_theirs": N_("it is not theirs, or does not exist"),
    "lapsed": N_("their sign-in had lapsed"),
    "ended": N_("their sign-in had been ended"),
    "left": N_("they have left"),
    "too_many": N_("they had reached the number of files that their role may open in that time"),
}
#: What someone was turned away from, where it is no longer, or never was, a thing of this program.
KINDS: Final[Mapping[str, str]] = {
    "": N_("a page"),
    "case": N_("a case"),
    "task": N_("a task"),
    "evidence": N_("a document"),
    "obligation_document": N_("a document"),
    "signed_file": N_("a signed agreement"),
    "notice": N_("a letter"),
    "letter": N_("a letter"),
    "person": N_("a person"),
    "incident": N_("an incident"),
    "rights_request": N_("a request about a person’s own data"),
    "participant": N_("a candidate or participant"),
    "referral": N_("a referral"),
    "follow_up": N_("a follow-up"),
    "no_show": N_("a missed meeting"),
}
_SOMETHING = N_("something else")
_PLAINLY = "%(thing)s"
_NAMED_TASK = N_("%(task)s (%(case)s)")
_NAMED_LETTER = N_("%(subject)s, to %(person)s")
_NAMED_INCIDENT = N_("incident no. %(number)s")
_LOOKS: Final = ("see_", "read_", "look")


@dataclass(frozen=True)
class ReadingLine:
    """One line as the page shows it. `about` is where all that was done with the same thing stands, or "".

    `more` is how many other lines the same act wrote, where the whole act is meant.
    """

    n: int
    at: datetime
    who: str
    what: str
    why: str
    shape: str
    about: str
    reasons: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True)
class _Sought:
    """What one looks for in either list, as it was typed and as it is understood."""

    typed: Mapping[str, str]
    asked: RecordQuery
    wrong: Refusal | None
    before: int

    @property
    def is_newest(self) -> bool:
        """Whether the newest lines are wanted, and not those before another part."""
        return self.before == _NEWEST

    def all_of(self, rows: Sequence[Event], older: int | None) -> int | None:
        """How many lines match, where they are all in this part; None where there are more, which nothing counts."""
        return len(rows) if self.is_newest and older is None else None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is looked for, and the newest lines of all are shown."""
        return self.asked == RecordQuery() and self.is_newest and self.wrong is None


def _sought(
    person: str = "",
    on: str = "",
    thing: str = "",
    file: Annotated[str, Query(max_length=readings.LONGEST_FILE)] = "",
    before: Annotated[int, Query(ge=1, le=_NEWEST)] = _NEWEST,
) -> _Sought:
    typed = {"person": person, "on": on, "thing": thing, "file": file}
    try:
        return _Sought(typed, RecordQuery(id_or_none(person), day_or_none(on), id_or_none(thing), file), None, before)
    except Refusal as refusal:
        return _Sought(typed, RecordQuery(), refusal, before)


Sought = Annotated[_Sought, Depends(_sought)]


@router.get("/privacy", name="privacy")
@asks(Action.SEE_PRIVACY)
def show_readings(
    context: InContext, request: Request, sought: Sought, unusual_from: Annotated[int, Query(ge=0, le=_NEWEST)] = 0
) -> HTMLResponse:
    """Who read what: the unusual of the last 30 days with its reasons, then all that is asked for, the newest first.

    Whatever is asked for, what stands out in it says why.
    """
    without = look_without(context.asker)
    rows, older = _part(context, readings.READINGS, sought, without)
    unusual = [one for one in unusual_reads(context.session, at=context.at) if one.line.actor_id != without]
    until = unusual_from + UNUSUAL_SHOWN
    shown = unusual[unusual_from:until] if sought.is_everything else []
    marks = {n: reasons for one in unusual for n, reasons in one.by_line.items() if reasons}
    lines = _read_lines(context, [*(one.line for one in shown), *rows], marks)
    return _page(
        context,
        request,
        "privacy.html",
        sought,
        older=older,
        unusual=[
            replace(line, reasons=reasons_in_words(one.reasons, context.language), more=len(one.by_line) - 1)
            for line, one in zip(lines, shown, strict=False)
        ],
        unusual_count=len(unusual),
        unusual_from=unusual_from,
        unusual_next=until if len(unusual) > until else 0,
        days=by_day(context, lines[len(shown) :]),
        total=sought.all_of(rows, older),
        everything=sought.is_everything,
        thing=_thing_of(context, sought.asked),
        sealed=readings.sealed(context.session),
        restored=to_decide(context),
        now=context.at,
    )


def _thing_of(context: RequestContext, asked: RecordQuery) -> str:
    """What is looked for, in words; "" of everything."""
    return things_in_words(context, {asked.thing}).get(asked.thing, "") if asked.thing else ""


@router.get("/privacy/refusals", name="refusals")
@asks(Action.SEE_PRIVACY)
def show_refusals(context: InContext, request: Request, sought: Sought) -> HTMLResponse:
    """Who was turned away, from what and why, the newest first."""
    without = look_without(context.asker)
    rows, older = _part(context, readings.REFUSALS, sought, without)
    return _page(
        context,
        request,
        "refusals.html",
        sought,
        older=older,
        days=by_day(context, _refused_lines(context, rows)),
        total=sought.all_of(rows, older),
    )


def things_in_words(context: RequestContext, things: Iterable[UUID | None]) -> dict[UUID | None, str]:
    """What these things are called, by id, whatever kind each is; one that is no longer there is left out."""
    ids = {thing for thing in things if thing is not None}
    if not ids:
        return {}
    found: dict[UUID | None, str] = {case.id: case.title for case in cases_about(context, ids).values()}
    found.update(names_of(context, ids).items())
    found.update(readings.file_names(context.session, ids).items())
    found |= _tasks_in_words(context, ids)
    for row in run(
        context.session,
        only(Notice.id, value_of(resending.subject_shown().label("subject")), Person.given_name, Person.family_name)
        .join(Person, joins(Notice.person_id, Person))
        .where(col(Notice.id).in_(ids)),
    ):
        name = f"{row.given_name} {row.family_name}"
        found[row.id] = say(context.language, _NAMED_LETTER, subject=row.subject, person=name)
    for incident in run(context.session, only(Incident.id, Incident.number).where(col(Incident.id).in_(ids))):
        found[incident.id] = say(context.language, _NAMED_INCIDENT, number=incident.number)
    return found


def reasons_in_words(reasons: Sequence[UnusualReading], language: str) -> tuple[str, ...]:
    """Why a reading stands out, for its reader."""
    return tuple(say(language, reason.sentence, **reason.facts) for reason in reasons)


def _tasks_in_words(context: RequestContext, ids: set[UUID]) -> dict[UUID | None, str]:
    """Tasks, and documents by the task that they prove: with their case, and never by a file's own name."""
    title = title_of(Task, context.language)
    rows = [
        *tuples(context.session, only(Task.id, Task.case_id, title).where(col(Task.id).in_(ids))),
        *tuples(
            context.session,
            only(Evidence.id, Task.case_id, title)
            .join(Task, joins(Evidence.task_id, Task))
            .where(col(Evidence.id).in_(ids)),
        ),
    ]
    cases = cases_about(context, {case_id for _, case_id, _ in rows if case_id})
    return {
        one: say(context.language, _NAMED_TASK, task=name, case=cases[case_id].title) if case_id in cases else name
        for one, case_id, name in rows
    }


def _read_lines(
    context: RequestContext, rows: Sequence[Event], reasons: Mapping[int, Sequence[UnusualReading]]
) -> list[ReadingLine]:
    things = things_in_words(context, {row.subject_id for row in rows})
    people, titles = _people(context, rows), titles_of_roles(context)
    return [
        ReadingLine(
            n=surely(row.n),
            at=row.at,
            who=who_acted(row, people, titles, context.language),
            what=say(
                context.language,
                WHAT.get(row.facts.get("what", ""), _PLAINLY),
                thing=things.get(row.subject_id) or gettext(KINDS.get(row.subject_kind, _SOMETHING)),
                lines=row.facts.get("lines", 0),
            ),
            why=_purpose_in_words(row.facts),
            shape="late" if row.n in reasons else "half",
            about=f"/privacy?{urlencode({'thing': row.subject_id})}",
            reasons=reasons_in_words(reasons.get(surely(row.n), ()), context.language),
        )
        for row in rows
    ]


def _purpose_in_words(facts: Mapping[str, Any]) -> str:
    """What a reading was for, and that it was outside the reader's own follow-ups, where it was."""
    words = [PURPOSES.get(facts.get("purpose", "")), GROUNDS.get(facts.get("ground", ""))]
    return ", ".join(gettext(one) for one in words if one)


def _refused_lines(context: RequestContext, rows: Sequence[Event]) -> list[ReadingLine]:
    asked = {row.n: _id(row.facts.get("asked")) for row in rows}
    things = things_in_words(context, asked.values())
    people, titles = _people(context, rows), titles_of_roles(context)
    lines = []
    for row in rows:
        facts = row.facts
        reason = WHYS.get(facts.get("why", ""), "")  # on its own line: a literal within would be taken for a msgid
        if row.verb == LEFT_OUT:
            what = say(context.language, N_("More in one minute than is listed: %(count)s"), count=facts["left_out"])
            who = people.get(row.subject_id, "")
        else:
            kind = gettext(KINDS.get(facts.get("kind", ""), _SOMETHING))
            looked = str(facts.get("action", "")).startswith(_LOOKS)
            sentence = N_("Wanted to see: %(thing)s") if looked else N_("Wanted to act on: %(thing)s")
            what = say(context.language, sentence, thing=things.get(asked[row.n]) or kind)
            who = who_acted(row, people, titles, context.language)
        lines.append(
            ReadingLine(
                n=surely(row.n),
                at=row.at,
                who=who,
                what=what,
                why=gettext(reason) if reason else "",
                shape="stop" if row.verb != LEFT_OUT else "late",
                about=f"/privacy?{urlencode({'thing': asked[row.n]})}" if asked[row.n] else "",
            )
        )
    return lines


def _people(context: RequestContext, rows: Sequence[Event]) -> dict[UUID, str]:
    """The names of the people that some lines are about."""
    return names_of(context, (one for row in rows for one in (row.actor_id, row.actor_for, row.subject_id)))


def _part(
    context: RequestContext, verbs: tuple[str, ...], sought: _Sought, without: UUID | None
) -> tuple[Sequence[Event], int | None]:
    """A page full of the lines that are sought, and the number before which older ones follow."""
    asked = replace(sought.asked, without=without)
    rows = readings.find(context.session, verbs, asked, before=sought.before, limit=PAGE_SIZE + 1)
    return rows[:PAGE_SIZE], rows[PAGE_SIZE - 1].n if len(rows) > PAGE_SIZE else None


def _page(
    context: RequestContext, request: Request, template: str, sought: _Sought, *, older: int | None, **shown: Any
) -> HTMLResponse:
    """One of the two lists, with what was asked for and the ways to its other parts."""
    here = request.url.path
    kept = {name: value for name, value in sought.typed.items() if value}
    return page(
        context,
        request,
        template,
        refused=sought.wrong,
        asked=sought.typed,
        people=names_to_choose(context, sought.asked.person_id),
        stands_in=look_without(context.asker) is not None,
        older=f"{here}?{urlencode({**kept, 'before': older})}" if older else "",
        newest="" if sought.is_newest else here + (f"?{urlencode(kept)}" if kept else ""),
        **shown,
    )


def _id(value: object) -> UUID | None:
    return UUID(value) if isinstance(value, str) else None
