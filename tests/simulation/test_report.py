"""The page of simulated years: whole, needing nothing else, the same from the same, and true to what was counted."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest

from adapters.addresses import conninfo_of
from simulation import promises
from simulation.cast import FAMILY, GIVEN
from simulation.counted import Week, Years, vacant_roles
from simulation.pictures import Axis, ceiling, month_after, months_between
from simulation.report import Facts, page_of, write
from simulation.routes import Route, Routes, declared_routes
from simulation.running import Asked, live
from simulation.tallies import Asked as Asking
from simulation.tallies import Tally, by_which, only, tallies
from simulation.visits import Act
from simulation.watching import Watch
from simulation.world import Server
from tests.api.application import client_for
from tests.browser import OpenPage, assert_accessible, assert_fits
from tests.cast import AT, TODAY, Cast
from tests.conftest import Copies

FIRST = date(2027, 1, 4)
SENTENCES = [one.sentence for one in promises.promises()]
WHO = "Abricot Amont"
ROUTES = Routes(
    (
        Route("GET", "/work", "What is to do."),
        Route("POST", "/tasks/{task_id}/completion", "Record that a task was done."),
        Route("GET", "/tasks/{task_id}", "One task."),
        Route("GET", "/tasks/late", "The late ones."),
    )
)
COMMAND = "python3 run.py simulate --seed 7 --days 40"
#: Elements that have no end.
VOID = {"meta", "link", "br", "hr", "img", "input", "path"}


def facts(*, days: int, seconds: float = 1.5) -> Facts:
    return Facts(
        program="Greater <Montréal>",
        seed=7,
        first=FIRST,
        last=FIRST + timedelta(days=days),
        command=COMMAND,
        time_zone="America/Toronto",
        routes=ROUTES,
        seconds=seconds,
    )


def week(n: int) -> Week:
    return Week(
        FIRST + timedelta(days=7 * n),
        people=40 + n % 3,
        came=n % 2,
        staff=Counter(youth_worker=12, it_contact=1),
        follow_ups=Counter(active=n),
        tasks=Counter({"in time": 20, "late": n % 5}),
        days_late=3.0 if n % 5 else None,
        verbs=Counter({"task.done": 11, "follow_up.opened": 1}),
        in_process=30,
        over_the_web=3,
    )


def years(weeks: int = 6, *, seconds: float = 0.25, wrong: bool = False) -> Years:
    made = Years([week(n) for n in range(weeks)], days=7 * weeks)
    made.months["sitting"] = Counter({("2027-01", "clinical", "held"): 3, ("2027-02", "clinical", "cancelled"): 1})
    made.asked = Counter({("POST", "/tasks/{}/completion", 200): 5, ("POST", "/tasks/{}/completion", 409): 2})
    for sentence in SENTENCES[:-1]:
        made.promise_looked(sentence, seconds, 0, day=FIRST, rows=12)
    if wrong:
        made.promise_looked(SENTENCES[0], seconds, 1, day=FIRST)
        at = datetime(2027, 1, 4, 14, 5, tzinfo=UTC)
        act = Act(at, WHO, "youth_worker", "POST", "/tasks/6f5e/completion", 409, "task.by_its_act", "")
        for where in ("task 1", "task 2"):
            made.went_wrong(SENTENCES[0], where, day=FIRST, seed=7, acts=[act], command=COMMAND)
    return made


class Balanced(HTMLParser):
    """Whether every element ends where it is to, and what it refers to."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.tags: Counter[str] = Counter()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "srcset", "action", "data", "poster"):
                self.refers.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("weeks", [0, 1, 6, 300])
def test_the_page_is_whole_and_refers_to_nothing_outside(weeks: int) -> None:
    page = page_of(years(weeks, wrong=True), facts(days=7 * weeks))
    read = Balanced(page)
    assert read.open == []
    assert len(read.ids) == len(set(read.ids))
    assert {one[:1] for one in read.refers} == {"#"}
    assert {one[1:] for one in read.refers} <= set(read.ids)
    assert not re.search(r"https?:|@import|url\(|<script|<link", page)
    assert read.tags["table"] == read.tags["caption"]


def test_every_promise_stands_in_it_with_its_sentence_those_that_nobody_looked_at_too() -> None:
    page = page_of(years(), facts(days=40))
    text = page.replace("&#39;", "'").replace("&amp;", "&")
    assert [sentence for sentence in SENTENCES if sentence not in text] == []
    assert f"Promises: {len(SENTENCES)}" in page


def test_it_names_people_in_the_acts_of_a_day_alone() -> None:
    page = page_of(years(wrong=True), facts(days=40))
    acts = re.compile(r'<details class="acts">.*?</details>', re.DOTALL)
    told = acts.findall(page)
    assert len(told) == 1
    assert f"{WHO}, youth worker: Record that a task was done." in told[0]
    assert "<time>09:05</time>" in told[0]
    words = set(re.findall(r"\w+", acts.sub("", page)))
    assert words.isdisjoint(set(FAMILY) | set(GIVEN))


def test_what_went_wrong_is_told_once_with_where_and_the_command_that_repeats_it() -> None:
    page = page_of(years(wrong=True), facts(days=40))
    assert "1 promise was broken." in page
    assert page.count("Broken promise</span>") == 1
    assert "On 2027-01-04, 2 times. Seed 7." in page
    assert "<code>task 1</code>, <code>task 2</code>" in page
    assert COMMAND in re.sub(r"</?span>", "", page)
    part = years()
    assert f"of {len(SENTENCES)} promises that were looked at held" in page_of(part, facts(days=40))
    for sentence in SENTENCES:
        part.promise_looked(sentence, 0.1, 0, day=FIRST)
    assert "Every promise held, and the program never failed." in page_of(part, facts(days=40))


def test_the_same_years_make_the_same_page_but_for_the_seconds(tmp_path: Path) -> None:
    one, other = tmp_path / "one.html", tmp_path / "other.html"
    write(one, years(seconds=0.1), facts(days=40, seconds=2))
    write(other, years(seconds=0.9), facts(days=40, seconds=3))
    texts = [path.read_text("utf-8") for path in (one, other)]
    assert texts[0] != texts[1]
    without = [re.sub(r'(class="(?:number )?seconds">)[^<]*<', r"\1<", text) for text in texts]
    assert without[0] == without[1]


def test_a_route_that_says_more_of_a_path_is_meant_and_those_that_nobody_asked_are_told() -> None:
    met = ROUTES.met({("GET", "/tasks/late", 200): 2, ("GET", "/tasks/{}", 404): 1, ("GET", "/gone", 500): 1})
    assert [(one.route.path, one.done, one.not_there, one.failed) for one in met] == [
        ("/gone", 0, 0, 1),
        ("/tasks/late", 2, 0, 0),
        ("/tasks/{task_id}", 0, 1, 0),
    ]
    assert [one.path for one in ROUTES.never(met)] == ["/tasks/{task_id}/completion", "/work"]


def test_every_declared_route_says_what_it_does(cast: Cast) -> None:
    routes = declared_routes(client_for(cast.database, cast.people["coordinator"]).app)  # type: ignore[arg-type]
    assert [one.path for one in routes.declared if len(one.does.split()) < 2] == []
    assert routes.find("POST", "/tasks/6f5e1b1c/completion") is not None


def test_a_month_that_is_told_again_takes_the_place_of_what_was_told_before() -> None:
    made = Years()
    made._keep_months([Tally("sitting", "clinical", month, "planned", 1) for month in ("2027-01", "2027-02")])
    made._keep_months([Tally("sitting", "clinical", "2027-02", "held", 2), Tally("staff", "manager", "", "", 3)])
    kept = {("2027-01", "clinical", "planned"): 1, ("2027-02", "clinical", "held"): 2}
    assert made.months == {"sitting": Counter(kept)}


def test_months_scales_and_marks_are_round_and_few() -> None:
    assert months_between(date(2027, 11, 30), date(2028, 1, 1)) == [
        date(2027, 11, 1),
        date(2027, 12, 1),
        date(2028, 1, 1),
    ]
    assert month_after(date(2028, 1, 31)) == date(2028, 2, 1)
    assert [ceiling(values) for values in ([], [0.4], [7], [10], [43], [101])] == [1, 1, 8, 10, 50, 200]
    ticks = Axis(date(2027, 1, 4), date(2036, 12, 31)).ticks()
    assert [one.name for one in ticks] == ["2028", "2030", "2032", "2034"]


def test_a_role_is_vacant_where_the_file_has_it_and_nobody_holds_it() -> None:
    posts = [("one", "manager"), ("two", "manager"), ("one", "director")]
    assert vacant_roles(posts, {("one", "director"), ("two", "manager")}) == Counter(manager=1)


def test_the_reading_of_a_week_counts_who_holds_what_and_what_is_recorded(cast: Cast) -> None:
    asked = Asking(cast.program_id, "America/Toronto", TODAY, AT, AT, 0, TODAY.replace(day=1))
    with psycopg.connect(conninfo_of(cast.database.admin_url)) as reading:
        rows = list(tallies(reading, asked))
        again = list(tallies(reading, Asking(**{**vars(asked), "line": int(only(rows, "line") or 0)})))
    people = {row.which.rpartition("/")[2] for row in rows if row.of == "hold"}
    assert people == {str(one) for name, one in cast.people.items() if name != "worker_em"}
    assert by_which(rows, "verb")["person.added"] >= len(cast.people)
    assert by_which(again, "verb").total() == 0
    assert only(rows, "days late") is None
    assert by_which(rows, "seat").total() > 0


@pytest.mark.nightly
def test_a_run_is_watched_and_its_page_written(copies: Copies, tmp_path: Path) -> None:
    asked = Asked(5, 5, begins=date(2027, 1, 4))
    watch, page = Watch(asked), tmp_path / "page.html"
    server = Server(copies.urls, tmp_path, names="watched")
    lived = live(server, asked, after=lambda life, day, _: watch.after(life, day), watch=watch.begin)
    watch.write(page, lived, seconds=1)
    assert watch.years.days == lived.days
    assert sum(one.in_process + one.over_the_web for one in watch.years.weeks) == lived.acts_in_all
    assert len(watch.years.promises) == len(SENTENCES), "on the last day all are looked at"
    assert sum(kept.rows for kept in watch.years.promises.values()) > 0
    assert Balanced(page.read_text("utf-8")).open == []


@pytest.mark.ci
@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(360, False), (1280, True)])
def test_it_is_legible_on_a_telephone_and_on_a_desk(
    open_page: OpenPage, tmp_path: Path, width: int, *, dark: bool
) -> None:
    write(tmp_path / "page.html", years(60, wrong=True), facts(days=420))
    page = open_page(f"file://{tmp_path / 'page.html'}", width=width, dark=dark)
    assert_fits(page)
    assert_accessible(page)
