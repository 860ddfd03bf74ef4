"""The chapters of the page: which pictures are drawn of the years, in the words of the guide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from models.lifecycles import FOLLOW_UP, PARTICIPANT
from models.obligation import PERIOD_STATES
from simulation.counted import Week
from simulation.figures import Chapter, Drawing, Series, Table, in_words, number
from simulation.routes import Routes, times_by_code

_FOLLOW_UPS = ("Going on", "On break", "Inactive", "Completed")
#: What became of a sitting, from the bottom: what it looks like, its name, and its states.
_SITTINGS = (
    ("first", "Held", ("held",)),
    ("second", "Held without quorum", ("without_quorum",)),
    ("third", "Cancelled, or never closed", ("cancelled", "planned", "under_way")),
)
#: A table of more rows is folded.
_MANY = 12
_IN_THE_ROOM = ("present", "remote", "alternate", "excused", "absent", "unrecorded")


def verbs(*names: str) -> Callable[[Week], float]:
    """How often the record tells of these acts."""
    return lambda week: sum(week.verbs[name] for name in names)


def people(draw: Drawing) -> Chapter:
    """The staff."""
    figures = [
        draw.inside(
            "People of the staff",
            "Everyone who holds a role on the day, and those who are away.",
            Series("Staff", lambda week: week.people),
            Series("Away", lambda week: week.away),
        ),
        draw.up_and_down(
            "Comings and goings",
            f"People who hold a role at the end of a {draw.each} and held none before, and the other way round.",
            Series("Came", lambda week: week.came),
            Series("Left", lambda week: week.left),
        ),
        draw.stood(
            "Staff by role",
            "Each picture has its own scale. Who holds two roles stands in both.",
            draw.series(lambda week: week.staff),
            alike=False,
        ),
    ]
    vacant = draw.series(lambda week: week.vacant_roles)
    seats = draw.series(lambda week: week.vacant_seats)
    if vacant:
        says = "Organizations at which the role is vacant, of those whose agreement or seat has it."
        figures.append(draw.stood("Vacant roles", says, vacant))
    if seats:
        figures.append(draw.stood("Vacant seats", "Seats without principal or alternate, by committee.", seats))
    says = "" if vacant else "No role was ever vacant at the end of a week."
    return Chapter("people", "People", says, figures)


def follow_ups(draw: Drawing) -> Chapter:
    """Candidates, participants and follow-ups."""
    states = [Series(name, _state(key)) for name, key in zip(_FOLLOW_UPS, FOLLOW_UP.states, strict=True)]
    candidates = [
        Series(in_words(state), lambda week, state=state: week.participants[state])  # type: ignore[misc]
        for state in PARTICIPANT.states
        if state in ("draft", "candidate", "assigned", "committed")
    ]
    return Chapter(
        "follow-ups",
        "Participants and follow-ups",
        "",
        [
            draw.stood(
                "Follow-ups",
                "By state at the end of each week. Vacant: it goes on, and has no worker.",
                [*states, Series("Vacant", lambda week: week.vacant_follow_ups)],
            ),
            draw.up_and_down(
                "Opened and ended",
                f"Follow-ups that were opened in a {draw.each}, and that became inactive or were completed.",
                Series("Opened", verbs("follow_up.opened")),
                Series("Ended", verbs("follow_up.completed", "follow_up.deactivated")),
            ),
            draw.stood("Candidates who wait", "By how far they have come since they were referred.", candidates),
            draw.stood(
                "How long candidates have waited",
                "Days since the last referral, of half of those who wait at the end of the week.",
                [Series("Median, in days", lambda week: week.waiting_days)],
            ),
            draw.up_and_down(
                "Admitted and not admitted",
                "Not admitted: the program said no, or they did.",
                Series("Admitted", verbs("participant.admitted")),
                Series("Not admitted", verbs("participant.refused", "participant.declined")),
            ),
        ],
    )


def _state(key: str) -> Callable[[Week], float]:
    return lambda week: week.follow_ups[key]


def lateness(draw: Drawing) -> Chapter:
    """What is owed, and late."""
    return Chapter(
        "lateness",
        "Lateness",
        "",
        [
            draw.inside(
                "Open tasks",
                "Tasks that somebody owes or is to approve, and those among them whose due day is over.",
                Series("Open", lambda week: week.tasks.total()),
                Series("Late", lambda week: week.tasks["late"]),
                look="second",
            ),
            draw.stood(
                "How late the late ones are",
                "Half of the late tasks are late by so many days or fewer.",
                [Series("Median, in days", lambda week: week.days_late)],
            ),
            draw.happened(
                "What became of tasks, and what was written about them",
                f"A bar for each {draw.each}; each picture has its own scale.",
                [
                    Series("Opened", verbs("task.opened")),
                    Series("Done", verbs("task.done", "task.approved")),
                    Series("Waived", verbs("task.waived")),
                    Series("Reminders", verbs("task.reminded")),
                    Series("Letters sent", lambda week: week.letters.total()),
                ],
            ),
        ],
    )


def committees(draw: Drawing) -> Chapter:
    """The sittings."""
    sittings = draw.years.months.get("sitting", Counter())
    keys = sorted({which for _, which, _ in sittings})
    panels: list[tuple[str, list[tuple[str, str, list[float]]]]] = []
    columns: dict[str, list[float]] = {}
    for key in keys:
        parts = [(look, name, _by_month(draw, sittings, key, states)) for look, name, states in _SITTINGS]
        panels.append((in_words(key), parts))
        columns |= {f"{in_words(key)}: {name.lower()}": sums for _, name, sums in parts}
    figures = [
        draw.upon_each_other(
            "Sittings",
            "By the month that they were planned for, with what became of them.",
            panels,
            draw.months,
            draw.table_by_span("Sittings by committee", draw.months, columns),
        )
    ]
    decided = draw.years.months.get("decision", Counter())
    taken = {in_words(key): _by_month(draw, decided, key, ("",)) for key in keys}
    figures.append(
        draw.upon_each_other(
            "Decisions",
            "By the month of the sitting at which they were taken.",
            [(name, [("first", "Decisions", sums)]) for name, sums in taken.items()],
            draw.months,
            draw.table_by_span("Decisions by committee", draw.months, taken),
        )
    )
    says = "" if keys else "No committee had a sitting."
    return Chapter("committees", "Committees", says, figures if keys else (), [_attendance(draw)] if keys else ())


def _by_month(
    draw: Drawing, counts: Mapping[tuple[str, str, str], int], which: str, states: Sequence[str]
) -> list[float]:
    return [sum(counts.get((f"{span.first:%Y-%m}", which, state), 0) for state in states) for span in draw.months]


def _attendance(draw: Drawing) -> Table:
    seats: Counter[tuple[str, str]] = Counter()
    for (_, which, state), times in draw.years.months.get("seat_filled", Counter()).items():
        seats[which, state] += times
    rows = []
    for key in sorted({which for which, _ in seats}):
        whole = sum(seats[key, state] for state in _IN_THE_ROOM)
        rows.append((in_words(key), *(f"{seats[key, state] / whole:.0%}" for state in _IN_THE_ROOM), number(whole)))
    heads = ("Committee", *map(in_words, _IN_THE_ROOM), "Seats in all")
    return Table("Attendance: how seats were filled at the sittings that were held", heads, rows)


def obligations(draw: Drawing) -> Chapter:
    """What partners owe."""
    states = [state for state in PERIOD_STATES if state in draw.names(lambda week: week.obligations)]
    ended = draw.years.months.get("period", Counter())
    reached = [state for state in PERIOD_STATES if any(at == state for _, _, at in ended)]
    values = {in_words(state): _by_month(draw, ended, "", (state,)) for state in reached}
    return Chapter(
        "obligations",
        "Obligations",
        "",
        [
            draw.stood(
                "How what partners owe stands",
                "Periods that go on, or whose last day for proof is to come, by state.",
                draw.series(lambda week: week.obligations, states),
            ),
            draw.upon_each_other(
                "How it ended",
                "Periods by the month of their last day for proof, with the state that they had some weeks later.",
                [(name, [("first", "Periods", sums)]) for name, sums in values.items()],
                draw.months,
                draw.table_by_span("Periods that ended, by state", draw.months, values),
            ),
        ],
    )


def acts(draw: Drawing, routes: Routes) -> Chapter:
    """What people asked of the program."""
    met = routes.met(draw.years.asked)
    never = routes.never(met)
    refusals = [(code, number(times)) for code, times in times_by_code(draw.years.codes)]
    asked = [
        (
            f"{one.route.method} {one.route.path}",
            one.route.does,
            *map(number, (one.times, one.done, one.refused, one.not_there, one.failed)),
        )
        for one in met
    ]
    tables = [
        Table("Refusals by code", ("Code", "Times"), refusals, is_folded=len(refusals) > _MANY),
        Table(
            f"Routes that were asked: {number(len(met))}",
            ("Route", "What it does", "Times", "Done", "Refused", "Not there", "Failed"),
            asked,
            words=2,
            is_folded=True,
        ),
        Table(
            f"Declared routes that nobody asked: {number(len(never))} of {number(len(routes.declared))}",
            ("Route", "What it does"),
            [(f"{one.method} {one.path}", one.does) for one in never],
            words=2,
            is_folded=True,
        ),
    ]
    figures = [
        draw.together(
            "Acts by window",
            "Everything that was to change something, whether it was done or refused.",
            [
                Series("In process", lambda week: week.in_process),
                Series("Over the web", lambda week: week.over_the_web),
            ],
        ),
        draw.happened(
            "What came of them",
            f"A bar for each {draw.each}; each picture has its own scale.",
            [
                Series("Done", lambda week: week.in_process + week.over_the_web - week.refused - week.failed),
                Series("Refused, or not there", lambda week: week.refused),
                Series("Failed", lambda week: week.failed),
                Series("Pages and lists that were read", lambda week: week.reads),
            ],
        ),
    ]
    return Chapter("acts", "Acts", "", figures, tables)


def engine(draw: Drawing) -> Chapter:
    """What is done automatically."""
    protocols = draw.series(lambda week: week.cases)
    figures = [
        draw.happened(
            "What the engine did",
            f"A bar for each {draw.each}; each picture has its own scale.",
            [
                Series("Times a case was carried", lambda week: week.runs.total()),
                Series("Of these, in trouble", lambda week: week.runs["trouble"]),
                Series("Rounds", lambda week: week.rounds),
                Series("Letters sent", lambda week: week.letters.total()),
                Series("Lines of the record", lambda week: week.verbs.total()),
            ],
        ),
        draw.stood(
            "Letters that are not sent",
            "Waiting at the end of the week, or given up.",
            [Series(in_words(state), _unsent(state)) for state in ("queued", "failed")],
        ),
    ]
    if protocols:
        figures.append(draw.stood("Open cases", "By protocol, each on its own scale.", protocols, alike=False))
    letters: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for week in draw.years.weeks:
        letters.update(week.letters)
        lines.update(week.verbs)
    faults = draw.years.faults
    return Chapter(
        "engine",
        "The engine",
        "" if faults else "No fault was put in.",
        figures,
        [
            *([_counted("Faults that were put in", "Fault", faults)] if faults else ()),
            _counted("Letters sent, by letter", "Letter", letters),
            _counted("Lines of the record, by act", "Act", lines),
        ],
    )


def _unsent(state: str) -> Callable[[Week], float]:
    return lambda week: week.unsent[state]


def _counted(caption: str, head: str, counts: Mapping[str, int]) -> Table:
    return Table(
        caption,
        (head, "Times"),
        [(name, number(counts[name])) for name in sorted(counts)],
        is_folded=len(counts) > _MANY,
    )


def files(draw: Drawing) -> Chapter:
    """The files of candidates and participants."""
    return Chapter(
        "files",
        "Participants’ files",
        "",
        [
            draw.stood(
                "Files",
                "A file is of a candidate or a participant. Each that is not destroyed has a key outside the database.",
                [
                    Series("Not destroyed", lambda week: week.participants.total() - week.participants["destroyed"]),
                    Series("Keys", lambda week: week.keys),
                    Series("Destroyed", lambda week: week.participants["destroyed"]),
                    Series("On a legal hold", lambda week: week.held),
                ],
            ),
            draw.happened(
                "Destruction, which takes two",
                f"A bar for each {draw.each}.",
                [
                    Series("Requested", verbs("destruction.asked")),
                    Series("Destroyed", verbs("participant.destroyed")),
                    Series("Refused", verbs("destruction.refused")),
                    Series("Taken back, lapsed or stopped", _gone),
                ],
                alike=True,
            ),
        ],
    )


_gone = verbs("destruction.withdrawn", "destruction.lapsed", "destruction.stopped")

#: What is told of the years, in the order of the page.
EVERY: Sequence[Callable[[Drawing], Chapter]] = (people, follow_ups, lateness, committees, obligations)
