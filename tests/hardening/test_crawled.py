"""The pages, walked through and filled in with hostile words by several kinds of asker, in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urljoin
from uuid import uuid4

import psycopg
import pytest
from fastapi import FastAPI
from psycopg import sql
from sqlalchemy import ARRAY, JSON, String
from sqlmodel.sql.sqltypes import AutoString

from adapters.addresses import conninfo_of
from domain.mail.envelopes import Mailbox, message_id, mime
from domain.mail.letters import Letter
from models.base import Structured
from models.tables import metadata
from tests.api.application import ADDRESS
from tests.cast import AT, TODAY
from tests.hardening.crawler import Crawler, Fields, Found, encoded, forms_of, page_of
from tests.hardening.pages import MARK
from tests.matrix.asked import Route
from tests.matrix.askers import COLUMNS
from tests.matrix.fixtures import Run
from tests.matrix.runner import Runner
from tests.matrix.world import CODIM, ELSEWHERE, STEPS, World

#: Who walks, and in which language.
WALKERS: Final[Mapping[str, str]] = {
    "coor": "fr",
    "admi": "en",
    "priv": "fr",
    "mana": "en",
    "subj": "fr",
    "dire": "en",
    "othp": "en",
    "anon": "fr",
    "away": "en",
    "depu": "fr",
    "offi": "en",
    "rese": "fr",
    "reco": "en",
}

#: Of them, who between them reach every page.
FIRST: Final = ("coor", "admi", "priv", "mana", "subj", "dire", "reco", "othp", "anon")

#: Of the first, who go further: their pages are in the most states.
FAR: Final = frozenset({"coor", "dire"})

_MARKUP: Final = f"{MARK}\"'><{MARK} {MARK}=1 onload={MARK}><script>{MARK}</script><!--{MARK}"

HOSTILE: Final[Sequence[str]] = (
    _MARKUP,
    f"{MARK}{{{{37*41}}}}${{37*41}}#{{37*41}}<%=37*41%>{{% raw %}}%(name)s%s",
    f"{MARK}' or '1'='1'; drop table person; --",
    f"=cmd|' /C calc'!A0{MARK}",
    f"{MARK}\r\nX-{MARK}: 1\r\nSet-Cookie: {MARK}=1\r\n\r\n<{MARK}>",
    f"{MARK}\x00\x01\x08\x1b[31m\x7f\x85",
    f"{MARK}\ud800\udfff",
    f"\u202e{MARK}\u2066\u200f\ufeff",
    MARK * 3_000,
    f"javascript:alert('{MARK}')",
    f"//elsewhere.example/{MARK}",
    f"../../../etc/passwd\x00{MARK}",
    "0000-00-00",
    "9999-12-31",
    "0001-01-01",
    "-1",
    "9" * 40,
    "1e400",
    "NaN",
    "[]",
    "",
)

#: What a rule takes, of whoever may write it: short, and on one line.
TAKEN: Final = (f"<{MARK} {MARK}=1>\"'&", f"{MARK}{{{{37*41}}}}%s", f"=1+1|' <!--{MARK}")

#: What else a form would send that people fill in with care.
_BY_KIND: Final[Mapping[str, str]] = {
    "date": TODAY.isoformat(),
    "email": "jaspe.grenat@codim.example",
    "tel": "514-555-0199",
    "file": "zq7.txt",
}

#: What the program alone sets, and of the other program besides.
_SET_BY_US: Final = ("id", "program_id", "role", "version", "state", "is_demonstration")

#: Why no link and no form leads to a page; each is sent hostile words all the same.
UNREACHED: Final[Mapping[str, str]] = {
    "GET /healthz": "asked by whoever watches over the process",
    "GET /static/{file}": "a page names its files, and a crawler does not fetch them as pages",
    "POST /sign-in/passkey/options": "asked by the script",
    "POST /door/{token}/options": "asked by the script",
    "POST /door/{token}/passkey": "sent by the script, with what a passkey signed",
    "POST /words": "asked by the script, while one types",
    "POST /meetings/{meeting_id}/words/answer": "offered where a word of a meeting may be the name of somebody on file",
    "POST /auth/callback": "sent by the directory, by way of the browser",
    "GET /auth/callback": "sent by the directory, by way of the browser",
    "GET /sign-in/entra": "of an installation with a directory",
    "POST /sign-in/entra": "of an installation with a directory",
    "GET /sign-in/program": "of someone with one account in two programs",
    "POST /sign-in/program": "of someone with one account in two programs",
    "POST /sign-in": "of the demonstration",
    "POST /people/{person_id}/invitation/link": "of an installation without mail",
    "POST /cases/{case_id}/version": "of a case whose protocol has a newer version",
    "POST /cases/{case_id}/closing": "of a case with nothing left to do",
    "GET /answer/{token}": "a letter leads there; its address is spoilt like all others",
    "POST /answer/{token}": "a letter leads there; its address is spoilt like all others",
    "GET /calendar/{token}.ics": "a calendar asks for it, and its address is shown once",
    "POST /committees/{key}/dates": "after what a planner proposed was ticked",
    "POST /committees/{key}/drafts/{draft_id}/dismissal": "of a year that was drafted",
    "POST /participants/{participant_id}/decision": "while the committee sits on whose agenda the candidate is",
    "POST /obligations/{period_id}/waiver-proposals/{proposal_id}/decision": "while the committee sits on a waiver",
    "GET /obligations/{period_id}/proofs/{evidence_id}": "of a clause whose document a procedure brought",
}

#: What only an act leads to, and which one. Whether a form filled in here does it depends on what else it is sent.
AFTER: Final[Mapping[str, str]] = {
    "GET /departures/{case_id}": "a departure was opened",
    "POST /departures/{case_id}/offers": "a departure was opened of someone who follows somebody",
    "POST /tasks/{task_id}/settlement": "a departure was opened",
    "POST /tasks/{task_id}/missing": "a departure was opened of someone who has equipment",
    "GET /proofs/{document_id}": "a document was given as a proof",
    "POST /privacy/incidents/{incident_id}/reopening": "an incident was closed",
    "POST /decisions/{decision_id}/settlement": "a partner objected, and the committee sits",
    "POST /decisions/{decision_id}/translation": "a decision was recorded in one language",
    "POST /decisions/{decision_id}/wanted-endorsement": "a decision was recorded that partners need not endorse",
    "GET /redactions/{redaction_id}": "words were asked to be taken out that stand there",
    "POST /redactions/{redaction_id}/confirmation": "the same, for somebody else than who asked",
    "POST /redactions/{redaction_id}/refusal": "the same",
    "POST /redactions/{redaction_id}/taking-back": "the same, for who asked",
    **dict.fromkeys(
        (f"POST /restored/{{matter_id}}/{act}" for act in ("again", "undone", "noted", "cancellation", "keeping")),
        "a copy of the database was put back",
    ),
    "GET /cases/{case_id}/interviews": "a recruiting was opened",
    "POST /cases/{case_id}/interviews": "a recruiting was opened",
    "POST /research-consents/{participant_id}/withdrawal": "a consent to research was recorded",
    "GET /study-exports/{export_id}/{language}/{file}": "an export was approved",
    **dict.fromkeys(
        (
            "POST /meetings/{meeting_id}/run/opening",
            "POST /meetings/{meeting_id}/run/closing",
            "POST /meetings/{meeting_id}/run/items",
            "POST /meetings/{meeting_id}/run/decision",
            "POST /meetings/{meeting_id}/run/outcome",
            "POST /meetings/{meeting_id}/run/putting-back",
        ),
        "the day of a meeting had come, or it was opened",
    ),
    **dict.fromkeys(
        (
            "POST /meetings/{meeting_id}/agenda/assembly",
            "POST /meetings/{meeting_id}/agenda/freezing",
            "POST /meetings/{meeting_id}/agenda/items/{item_id}/place",
            "POST /meetings/{meeting_id}/agenda/items/{item_id}/removal",
            "POST /meetings/{meeting_id}/agenda/items/{item_id}/restoring",
            "POST /meetings/{meeting_id}/agenda/items/{item_id}/scheduling",
            "POST /meetings/{meeting_id}/hour",
        ),
        "a meeting to come was found, and not one that sits or sat",
    ),
    "GET /tasks/{task_id}/summary/taking-back": "a summary was said to be complete",
    "POST /tasks/{task_id}/summary/taking-back": "a summary was said to be complete",
    "POST /tasks/{task_id}/hiring": "a recruiting came to its last step",
    "POST /activities/{activity_id}/parts/{follow_up_id}/leaving": "somebody in an activity was found to recruit",
    "POST /participants/{participant_id}/consents/going-on": "a consent to the program was taken back",
    "POST /participants/{participant_id}/consents/review": "a consent for a child was found that is theirs now",
    "POST /post/retry": "letters were not delivered",
    "POST /participants/{participant_id}/destruction": "the retention of a file ended",
    "GET /participants/{participant_id}/destruction": "somebody asked that a file be destroyed",
    "POST /participants/{participant_id}/destruction/withdrawal": "somebody asked that a file be destroyed",
    "POST /participants/{participant_id}/destruction/confirmation": "another asked that a file be destroyed",
    "POST /participants/{participant_id}/destruction/refusal": "another asked that a file be destroyed",
    "POST /obligations/{period_id}/documents/{document_id}/withdrawal": "a document was given as a proof",
    "POST /obligations/{period_id}/acceptance": "a document was given as a proof",
    "POST /obligations/{period_id}/return": "a document was given as a proof",
    "POST /obligations/{period_id}/waivers": "a committee decided on a waiver",
    "GET /sign-in/letter": "a letter was asked for",
    "GET /referred": "a referral was sent by a link",
    "GET /statements/{period}/{language}.{form}": "a statement was released",
    "POST /activities/{activity_id}/calling-off": "an activity was planned",
    "POST /activities/{activity_id}/moving": "an activity was planned",
    "GET /follow-ups/{follow_up_id}/ended": "a follow-up ended",
    "POST /follow-ups/{follow_up_id}/taking-up": "a follow-up ended",
    "POST /equipment/{equipment_id}/loan": "a thing of the inventory is in nobody's hands",
    "POST /cases": "what a case would ask was looked at",
    "POST /cases/{case_id}/reopening": "a case was cancelled",
    "POST /follow-ups/{follow_up_id}/notes/{week}": "a break ended",
    "POST /meetings/{meeting_id}/minutes/amendment": "minutes went out",
    "POST /meetings/{meeting_id}/minutes/approval": "minutes went out",
    "POST /participants/{participant_id}/hold/release": "a file was put under a legal hold",
    "POST /participants/{participant_id}/joining": "it was read who somebody is who may be known already",
    "POST /participants/{participant_id}/meetings": "a candidate was given to a worker",
    "POST /participants/{participant_id}/triage/taking-back": "a triage was ended",
    "POST /participants/{participant_id}/worker": "a worker was decided on, and then barred",
    "POST /program/agreements/{agreement_id}/renewal": "a version of an agreement came into force",
    "POST /program/agreements/{agreement_id}/versions/{n}/start": "every director signed a version",
}


def crawler_of(runner: Runner, column: str, app: FastAPI | None = None) -> Crawler:
    return Crawler(app or runner.app, COLUMNS[column], WALKERS[column])


def starts_of(column: str, world: World) -> list[str]:
    """Where a walk begins: at the front page, and for who is not in where a letter leads them.

    The coordinator's begins at what is proved by documents too: of many clauses alike a walk looks at a few.
    """
    things = world.things[CODIM]
    if column == "anon":
        return ["/", f"/door/{things['token']}", f"/refer/{things['refer_token']}"]
    return ["/", f"/obligations/{things['period_id:paper']}"] if column == "coor" else ["/"]


#: What tells one form from another: its method, the route of its action, and its fields.
Key = tuple[str, str, tuple[str, ...]]


@dataclass
class Walk:
    """One walker, and the forms that they found on their way, one of each key."""

    walker: Crawler
    forms: dict[Key, Found] = field(default_factory=dict)

    def add(self, forms: Iterable[Found]) -> list[Found]:
        """Keep those of which there is none yet; these."""
        new = [one for one in forms if one.key not in self.forms]
        self.forms |= {one.key: one for one in new}
        return new


@pytest.fixture(scope="module")
def walks(runner: Runner, run: Run[Any]) -> dict[str, Walk]:
    """The walks of the first."""
    made = {}
    for column in FIRST:
        walk = Walk(crawler_of(runner, column))
        walk.add(run(walk.walker.walk(starts_of(column, runner.world), most=7 if column in FAR else 2)))
        made[column] = walk
    return made


async def fill_in(runner: Runner, walk: Walk, found: Found, fields: Fields) -> None:
    """Send a form, look at what came of it, and send what forms there are only then. What it changed is gone after."""
    waiting = [(found, fields)]
    while waiting:
        found, fields = waiting.pop()
        answer = await walk.walker.send(found, fields)
        if found.form.method == "GET":
            return
        pages = [page_of(found.action, answer)]
        if answer.status_code == 303:
            pages = [await walk.walker.page(urljoin(found.action, answer.headers["location"]))]
        if runner.changed():
            pages.append(await walk.walker.page(found.address))
        new = walk.add(one for page in pages if page for one in forms_of(page))
        waiting += [(one, meant(one, TAKEN[0])) for one in new]
    if runner.changed():
        # Nobody of this program changes the other one; that someone there was refused is written there.
        assert walk.walker.kind.elsewhere or runner.changed_elsewhere() <= {"event"}, found.key
        runner.renew()


def meant(found: Found, words: str) -> Fields:
    """A form filled in so that it does something, with these words wherever one may write freely."""
    return [(one.name, words if one.is_free else one.filled or _BY_KIND.get(one.kind, "")) for one in found.form.fields]


def spoilt(found: Found, word: str) -> Fields:
    """A form with one word in each of its fields, and in some that only the program sets."""
    return [(one.name, word) for one in found.form.fields] + [(name, word) for name in _SET_BY_US]


def spoilt_in_one(found: Found, word: str) -> Iterator[Fields]:
    """A form as it is meant, with the word in one field after the other, and then in each a second time."""
    fields = meant(found, "Un mot.")
    for turn, (name, _) in enumerate(fields):
        yield [*fields[:turn], (name, word), *fields[turn + 1 :]]
    yield [*fields, *((name, word) for name, _ in fields)]


async def fill_in_some(runner: Runner, walk: Walk, known: Collection[Key] = ()) -> None:
    """Each form, but those known, with words that it takes, and then twice with what it does not."""
    for turn, found in enumerate([found for found in walk.forms.values() if found.key not in known]):
        await fill_in(runner, walk, found, meant(found, TAKEN[turn % len(TAKEN)]))
        for word in (HOSTILE[turn % len(HOSTILE)], HOSTILE[(turn * 5 + 8) % len(HOSTILE)]):
            await fill_in(runner, walk, found, spoilt(found, word))


async def fill_in_again(runner: Runner, walk: Walk, known: Collection[Key]) -> None:
    """One in three of the forms that somebody else found before, once."""
    for turn, found in enumerate([found for found in walk.forms.values() if found.key in known][::3]):
        await fill_in(runner, walk, found, spoilt(found, HOSTILE[turn % len(HOSTILE)]))


async def fill_in_all(runner: Runner, walk: Walk, forms: Iterable[Found]) -> None:
    """Each form with a quarter of the hostile words in all its fields, some ids of elsewhere, and some in each field.

    Which ones goes from form to form, so that forms together meet every word in every way.
    """
    ids = [value for name, value in runner.world.things[ELSEWHERE].items() if name.endswith("_id")]
    for n, found in enumerate(forms):
        await fill_in(runner, walk, found, meant(found, TAKEN[n % len(TAKEN)]))
        for word in (*HOSTILE[n % 4 :: 4], *ids[n % 16 :: 16]):
            await fill_in(runner, walk, found, spoilt(found, word))
        for turn, fields in enumerate(fields for word in HOSTILE for fields in spoilt_in_one(found, word)):
            if turn % 40 == n % 40:
                await fill_in(runner, walk, found, fields)


@pytest.mark.nightly
def test_the_forms_of_those_who_have_most_and_of_who_is_not_in_take_no_hostile_word_amiss(
    runner: Runner, run: Run[Any]
) -> None:
    """One as it is meant, one with a word in each field, and as many left out; everyone's, at length, at night."""
    known: set[Key] = set()
    statuses: set[int] = set()
    for column in ("coor", "dire", "anon"):
        walk = Walk(crawler_of(runner, column))
        new = walk.add(run(walk.walker.walk(starts_of(column, runner.world), most=1)))
        for turn, found in enumerate(found for found in new if found.key not in known):
            if turn % 4 == 0:
                run(fill_in(runner, walk, found, meant(found, TAKEN[turn // 4 % len(TAKEN)])))
            elif turn % 4 == 1:
                run(fill_in(runner, walk, found, spoilt(found, HOSTILE[turn // 4 % len(HOSTILE)])))
        known |= walk.forms.keys()
        statuses |= walk.walker.statuses.keys()
    assert len(known) > 40
    assert {200, 303, 404, 409, 422} <= statuses


@pytest.mark.nightly
def test_no_form_takes_hostile_words_amiss_and_every_page_is_reached(
    runner: Runner, walks: dict[str, Walk], routes: list[Route], run: Run[Any]
) -> None:
    known: set[Key] = set()
    for walk in walks.values():  # each form is filled in by the first who finds it; at length by everyone
        run(fill_in_some(runner, walk, known))
        known |= walk.forms.keys()
    reached = {name for walk in walks.values() for name in walk.walker.reached}
    pages = {str(route) for route in routes if not route.is_json}
    said = UNREACHED.keys() | AFTER.keys()
    wrong = {
        "say in UNREACHED why no link and no form leads there": sorted(pages - reached - said),
        "these are reached": sorted(UNREACHED.keys() & (reached | AFTER.keys())),
        "there are no such pages": sorted(said - pages),
    }
    assert not any(wrong.values()), wrong
    # Things were done, and refused for every sort of reason.
    statuses = {status for walk in walks.values() for status in walk.walker.statuses}
    assert {200, 303, 404, 409, 412, 422} <= statuses


@pytest.mark.nightly
def test_no_form_takes_any_hostile_word_amiss_in_any_of_its_fields(runner: Runner, run: Run[Any]) -> None:
    """Everyone walks everywhere; each form is filled in by the first who finds it, and now and then by others."""
    known: set[Key] = set()
    for column in WALKERS:
        walk = Walk(crawler_of(runner, column))
        new = walk.add(run(walk.walker.walk(starts_of(column, runner.world), most=4)))
        run(fill_in_all(runner, walk, [found for found in new if found.key not in known]))
        run(fill_in_again(runner, walk, known))
        known |= walk.forms.keys()
    assert len(known) > 40


@pytest.mark.nightly
def test_every_address_with_hostile_parts_is_answered_as_one_of_nothing_or_refused(
    runner: Runner, routes: list[Route], run: Run[Any]
) -> None:
    """Also those that no link leads to: in each part of a path, and in the query."""
    walkers = [crawler_of(runner, column) for column in ("coor", "priv", "anon")]
    things = runner.world.things[CODIM]

    async def ask() -> None:
        for turn, route in enumerate(route for route in routes if not route.is_json):
            for n, address in enumerate(_spoilt_addresses(route, things)):
                walker = walkers[(turn + n) % len(walkers)]
                if not route.writes:
                    await walker.ask("GET", address)
                    continue
                fields = [(name, HOSTILE[n % len(HOSTILE)]) for name in (*route.sent.form, *_SET_BY_US)]
                await walker.ask("POST", address, content=encoded(fields), content_type=_FORM)
        for path in _PATHS:
            assert (await walkers[0].ask("GET", ADDRESS + path)).status_code in (303, 400, 404, 414, 422), path

    run(ask())
    if runner.changed():
        runner.renew()
    assert {404, 422} <= {status for walker in walkers for status in walker.statuses}


_FORM: Final = "application/x-www-form-urlencoded"

_PATHS: Final = (
    f"//elsewhere.example/{MARK}",
    f"/%2f%2felsewhere.example/{MARK}",
    f"/static/../../../etc/passwd{MARK}",
    f"/static/%2e%2e/%2e%2e/app.py%00{MARK}",
    f"/static/..%5c..%5c{MARK}",
    f"/{MARK}%0d%0aSet-Cookie:%20{MARK}=1",
    "/%00",
    "/%ed%a0%80",
    "/cases/..;/" + MARK,
    "/" + "a/" * 2_000,
    f"/{quote('<script>' + MARK)}",
)


def _spoilt_addresses(route: Route, things: Mapping[str, str]) -> Iterator[str]:
    """The route's address with a hostile word in place of each of its parts, then with some in its query."""
    words = [quote(word[:3_000].encode("utf-8", "surrogatepass"), safe="") for word in HOSTILE if word]
    named = re.findall(r"{(\w+)}", route.path)
    for turn, name in enumerate(named):
        for word in words[turn::2]:
            parts = {**things, **{f"task_id:{state}": word for state in STEPS}} if name == "task_id" else {**things}
            yield ADDRESS + route.address({**parts, name: word})
    address = ADDRESS + route.address({**things, "file": "app.css"})
    for turn, name in enumerate(
        ("q", "state", "on", "person", "thing", "organization", "before", "about", "lang", "x")
    ):
        yield f"{address}{'&' if '?' in address else '?'}{name}={words[turn]}&{words[-turn]}={words[turn - 3]}"


@pytest.mark.ci
def test_what_is_no_form_is_refused_by_every_page_that_takes_one(
    runner: Runner, routes: list[Route], run: Run[Any]
) -> None:
    walker = crawler_of(runner, "coor")
    things = runner.world.things[CODIM]

    async def ask() -> None:
        for route in routes:
            if route.writes and not route.is_json and route.path != "/auth/callback":
                body = json.dumps({**route.form(things), MARK: MARK}).encode()
                address = ADDRESS + route.address(things)
                answer = await walker.ask("POST", address, content=body, content_type="application/json")
                assert answer.status_code == 415, route

    run(ask())
    assert not runner.changed()


#: Where people's own words stand, and those of a region's declared files.
_WORDS: Final[Mapping[str, Sequence[str]]] = {
    "person": ("given_name", "family_name", "phone"),
    "program": ("title_fr", "title_en"),
    "organization": ("name_fr", "name_en", "short_name"),
    "role": ("title_fr", "title_en"),
    "committee": ("title_fr", "title_en"),
    "seat": ("title_fr", "title_en"),
    "agreement": ("title_fr", "title_en"),
    "obligation": ("text_fr", "text_en"),
    "protocol_version": ("title_fr", "title_en"),
    "case": ("ended_reason",),
    "task": ("title_fr", "title_en", "note", "reason"),
    "evidence": ("label",),
    "notice": ("subject",),
    "browser_session": ("device",),
    "passkey": ("device",),
}

#: Such words as well, where no case of the crawled world need have any: they are written wherever it has.
_WORDS_SOMETIMES: Final[Mapping[str, Sequence[str]]] = {
    "account": ("user_name",),
    "agenda_item": ("section_fr", "section_en", "title_fr", "title_en", "late_reason"),
    "attestation": ("note",),
    "signature": ("taken_back_reason",),
    "closure": ("reason_fr", "reason_en"),
    "committee": ("place",),
    "decision": ("text_fr", "text_en", "why_not_management", "wanted_why"),
    "endorsement": ("reason",),
    "equipment": ("serial", "label", "reason"),
    "hand_over": ("reason",),
    "restored_matter": ("reason",),
    "interview": ("note",),
    "loan": ("condition",),
    "meeting": ("place", "reason"),
    "meeting_series": ("place",),
    "obligation_document": ("name",),
    "settlement": ("note",),
    "signed_file": ("name",),
    "waiver": ("reason",),
    "waiver_proposal": ("reason",),
    "acceptance": ("reason",),
    "stray_reply": ("from_address",),
    "study": ("title_fr", "title_en", "purpose_fr", "purpose_en", "ethics_body", "ethics_reference"),
    "study_export": ("ethics_reference",),
}

#: Text that nobody writes freely: keys, states, digests, and what is checked, such as an address; and structures, which
#: are not written here: they were made of the above, or of a declared file.
_NOT_WORDS: Final[Mapping[str, Sequence[str]]] = {
    "absence": ("kinds",),
    "account": ("system",),
    "activity": ("called_off_as", "kind"),
    "activity_part": ("taken_out_as", "where_mark"),
    "admission_decision": ("outcome", "taken_as"),
    "agenda_item": (
        "kind",
        "subject",
        "rule",
        "reasons",
        "audience",
        "purpose",
        "number",
        "state",
        "outcome",
        "settled_as",
    ),
    "agenda_version": ("kind", "content", "digest"),
    "agreement_role": ("role",),
    "agreement_version": ("state", "terms", "digest"),
    "answered_request": ("route", "key", "digest", "location"),
    "assignment": ("assigned_as", "ended_as", "kind"),
    "attendance": ("state",),
    "attestation": ("role", "said"),
    "backup_run": ("kind", "code"),
    "beat": ("process", "machine"),
    "browser_session": ("token_digest", "means", "ended_as"),
    "calendar_feed": ("token_digest",),
    "calendar_reader": ("dialect",),
    "candidate_worker": ("ended_as",),
    "case": ("protocol", "subject_kind", "period", "anchors", "state", "opened_as"),
    "committee": ("key", "source", "rhythm", "derived_from", "letters", "quorum", "agenda"),
    "consent": ("language", "purpose", "signed_by", "text_digest", "text_key"),
    "contact_attempt": ("means",),
    "criterion_finding": ("criterion", "finding"),
    "decision": (
        *("added_in", "number", "kind", "quorum", "owner_role", "state", "closed_as", "endorsement", "takes_back"),
    ),
    "departure": ("was_to_end",),
    "destruction": ("asked_as", "ended_as", "ground", "state", "stopped_by"),
    "consent_form": ("way", "text_digest"),
    "disclosure": ("ground",),
    "door": ("token_digest", "kind", "browser_digest", "used_by_digest"),
    "drafted_year": ("dates", "settled_as"),
    "endorsement": ("said", "said_as", "majority"),
    "engine_run": ("outcome", "trouble", "why_plain"),
    "engine_seat": ("seat", "address", "machine"),
    "equipment": ("kind", "serial_key", "state", "state_as"),
    "event": ("actor_as", "verb", "subject_kind", "facts"),
    "evidence": ("kind", "content_type", "sha256", "withdrawn_why"),
    "first_meeting": ("outcome", "way"),
    "follow_up": ("inactive_reason", "intensity", "state", "state_as"),
    "hand_over": ("state", "way"),
    "inbox_place": ("mailbox", "place", "trouble"),
    "incident_version": ("stood", "digest"),
    "invitation": ("told",),
    "kept_until": ("kind", "set_as"),
    "lateness": ("clause",),
    "ledger_seen": ("digest",),
    "number_given": ("series", "lost"),
    "sent_before": ("digest",),
    "meeting": ("uid", "time_zone", "online_url", "state"),
    "meeting_answer": ("answer", "by"),
    "meeting_guest": ("withdrawn_by",),
    "meeting_link": ("token_digest",),
    "meeting_series": ("uid", "time_zone", "online_url"),
    "minutes": ("state", "digest"),
    "name_answer": ("mark",),
    "no_show": ("strategy",),
    "notice": ("key", "to_address", "language", "template", "thread", "calls", "state", "code"),
    "obligation": ("key", "owed_by", "period", "check_kind", "rule", "sources"),
    "obligation_document": ("key", "kind", "content_type", "sha256", "withdrawn_why", "added_as"),
    "obligation_finding": ("state", "found"),
    "obligation_period": ("key", "state"),
    "organization": ("key", "kind", "regime"),
    "participant": ("area", "candidate_ref", "languages", "marks", "number", "state"),
    "passkey": ("credential_id",),
    "person": ("key", "sort_key", "email", "language", "spoken"),
    "program": (
        "key",
        "time_zone",
        "languages",
        "calendar",
        "area",
        "governance",
        "coordination",
        "obligations",
        "retention",
        "reading",
        "research",
        "rights",
        "self_reports",
        "source",
        "digest",
    ),
    "protocol_version": ("key", "digest", "declared", "source"),
    "rate_count": ("key",),
    "redaction": ("after", "asked_as", "before", "settled_as", "state", "taken_out"),
    "referral": ("asked", "offered", "reference", "result", "stands", "state", "way"),
    "referral_link": ("token_digest", "browser_digest"),
    "request": ("asked", "given", "digest"),
    "research_group": ("left_because",),
    "rights_package": ("digest", "removed_as"),
    "rights_request": (
        "asked_by",
        "contested",
        "ended_as",
        "ground",
        "handed_over",
        "kind",
        "language",
        "state",
        "verified_by",
    ),
    "study": ("fields",),
    "study_export": ("state", "fields", "recipients", "asked_as", "settled_as", "codebook", "digests"),
    "responsibility": ("digest", "links"),
    "restored_matter": ("kind", "verb", "subject_kind", "facts", "before", "decision", "decided_as"),
    "risk_assessment": ("assessed_as", "kind", "level"),
    "role": ("key",),
    "round_mark": ("key", "ran_by", "trouble"),
    "seal": ("events", "marks", "digest", "signature", "key_id"),
    "seat": ("key", "role"),
    "seat_holder": ("kind",),
    "sent_head": ("signature",),
    "settlement": ("ended_as", "kind", "settled_as"),
    "sign_in_flow": ("cookie_digest", "kind", "kept"),
    "signed_file": ("content_type", "sha256"),
    "stray_reply": ("digest", "reason", "claimed", "outcome"),
    "task": (
        "step",
        "item",
        "stage",
        "sources",
        "clause",
        "evidence",
        "system",
        "asks",
        "may_not_approve",
        "on_reject",
        "waived_by",
        "state",
        "due_rule",
        "ladder",
        "ladder_to",
        "done_as",
        "settled_as",
        "action",
        "undo",
        "act_state",
        "holding",
    ),
    "tenure": ("role", "entered_late"),
    "waiver": ("key", "recorded_as"),
    "waiver_proposal": ("key", "proposed_as"),
    "acceptance": ("said", "said_as"),
    "case_discussion": ("outcome",),
    "wake_up": ("leased_by", "trouble", "shown"),
    "note_import": ("told", "saved_as"),
    "note_import_sheet": ("name", "trouble", "lines"),
    "self_report": ("risk",),
    "weekly_note": (
        "communications",
        "why_none",
        "need",
        "worker_satisfaction",
        "participant_satisfaction",
        "activity_type",
    ),
}


def test_every_column_of_text_is_known_to_hold_words_or_none() -> None:
    """So that a new one is tried with markup, or is said to need no trial."""
    known = [(table, name) for of in (_WORDS, _WORDS_SOMETIMES, _NOT_WORDS) for table in of for name in of[table]]
    there = [
        (name, column.name)
        for name, table in metadata.tables.items()
        for column in table.columns
        if isinstance(column.type, String | JSON | ARRAY | AutoString | Structured)
    ]
    assert len(known) == len(set(known)), "a column is on one list"
    assert sorted(set(there) - set(known)) == [], "say in _WORDS or _NOT_WORDS what these hold"
    assert sorted(set(known) - set(there)) == [], "there are no such columns"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(_MARKUP, id="markup", marks=pytest.mark.nightly),
        pytest.param(HOSTILE[4], id="header", marks=pytest.mark.nightly),
    ],
)
def test_whatever_stands_in_the_database_is_words_on_every_page(runner: Runner, run: Run[Any], words: str) -> None:
    """Written past every rule: as by someone who found a hole in one."""
    assert run(_shown(runner, words, ("coor", "priv"), most=1)) > 30


@pytest.mark.nightly
@pytest.mark.parametrize("turn", range(4), ids=["template", "formula", "controls", "direction"])
def test_whatever_else_stands_in_the_database_is_words_on_every_page_to_everyone(
    runner: Runner, run: Run[Any], turn: int
) -> None:
    """To the coordinator, who reaches most, and to two of the others, so that the four words meet all of them."""
    words = HOSTILE[1:8:2][turn]
    others = FIRST[1:-1]  # to whom is not in hardly anything is shown
    readers = ("coor", others[2 * turn % len(others)], others[(2 * turn + 1) % len(others)])
    assert run(_shown(runner, words.translate(_NOT_KEPT), readers, most=2)) > 60


#: Of which no two are the same.
_EACH_ANOTHER: Final = frozenset({("equipment", "serial")})
#: What no column of a database in UTF-8 can hold.
_NOT_KEPT: Final = {0: None, **dict.fromkeys(range(0xD800, 0xE000))}


async def _shown(runner: Runner, words: str, columns: Iterable[str], *, most: int) -> int:
    """Write the words wherever words stand, and walk; how many pages show them."""
    _write_everywhere(runner, words)
    shown = 0
    try:
        for column in columns:
            walker = crawler_of(runner, column)
            await walker.walk(["/"], most=most)
            shown += walker.marked
    finally:
        runner.renew()
    return shown


def _write_everywhere(runner: Runner, words: str) -> None:
    # A letter's bytes are made, and made without these.
    legible = "".join(letter if letter.isprintable() else " " for letter in words)
    letter = Letter("Avis", legible, f"<p>{legible}</p>")
    written = mime(
        letter,
        sender=Mailbox("spheres@program.example"),
        to=Mailbox("jaspe@codim.example"),
        message_id=message_id(uuid4(), "program.example"),
        date=AT,
        language="fr",
    )
    with psycopg.connect(conninfo_of(runner.world.cast.database.admin_url)) as admin:
        admin.execute("set session_replication_role = replica")
        for table, columns in [*_WORDS.items(), *_WORDS_SOMETIMES.items()]:
            values = sql.SQL(", ").join(
                sql.SQL("{} = %(words)s" + (" || ' ' || id" if (table, column) in _EACH_ANOTHER else "")).format(
                    sql.Identifier(column)
                )
                for column in columns
            )
            done = admin.execute(sql.SQL("update {} set {}").format(sql.Identifier(table), values), {"words": words})
            assert done.rowcount > 0 or table not in _WORDS, table
        admin.execute("update notice set message = %s", [written])
