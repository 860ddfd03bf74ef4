"""Where what a task asks is done, where it is not done by a tick: the pages of steps that only their act completes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from domain.accompaniment import (
    ASSESS,
    FOLLOWS,
    OF_SECOND,
    REFUSE,
    REVIEW,
    REVIEWED,
    SPEAK,
    STOPPED,
    STOPS,
    STORE,
    breaks,
    referred_again,
)
from domain.accompaniment import FIND_A_WORKER as FIND_FOR_CANDIDATE
from domain.admissions import ASKED, OWED
from domain.casework import BY_ITS_ACT
from domain.departure import NAMES_THEM
from domain.follow_ups import APART, APART_COORDINATION, COME_BACK, FIND_A_SECOND, FIND_A_WORKER, WRITE, WRITTEN
from domain.obligations import ACCEPT, ASKS, GIVE_AGAIN, RECORD
from domain.participants import ASK, CONFIRM, UNFINISHED, research
from domain.research import ANSWER_EXPORT, REMOVE_ROWS
from domain.rights import ANSWER, CORRECT
from meetings import redacting
from meetings.asked_partners import ENDORSE
from meetings.drafting import PLAN
from meetings.unclosed import CLOSE
from models.casework import Task

#: Where a task outside any case is done, by its step; its item is what it is about.
_PLACES: Final[Mapping[str, str]] = {
    FIND_A_WORKER: "/follow-ups/%s#workers",
    FIND_A_SECOND: "/follow-ups/%s#workers",
    FIND_FOR_CANDIDATE: "/participants/%s#workers",
    WRITE: "/caseload",
    APART: "/activities",
    APART_COORDINATION: "/activities",
    ASSESS: "/participants/%s#risk",
    REFUSE: "/participants/%s#again",
    ASK: "/participants/%s#retention",
    CONFIRM: "/participants/%s/destruction",
    ANSWER: "/privacy/rights/%s",
    UNFINISHED: "/referrals/%s",
    OWED: "/participants/%s/triage",
    ASKED: "/referrals/%s",
    referred_again.ANSWER: "/referrals/%s#hearing",
    SPEAK: "/participants/%s#consent",
    FOLLOWS: "/participants/%s#consent",
    STOPS: "/participants/%s#consent",
    STOPPED: "/participants/%s#consent",
    OF_SECOND: "/participants/%s#consent",
    REVIEW: "/participants/%s#consent",
    REVIEWED: "/participants/%s#consent",
    STORE: "/participants/%s#consent",
    research.KEEP: "/research-consents",
    ANSWER_EXPORT: "/studies/%s#exports",
    REMOVE_ROWS: "/studies/%s#to-remove",
    **dict.fromkeys(ASKS, "/obligations/%s"),
    ACCEPT: "/obligations/%s#proof",
    GIVE_AGAIN: "/obligations/%s#proof",
    RECORD: "/meetings/%s",
    CLOSE: "/meetings/%s",
    PLAN: "/committees",
    ENDORSE: "/decisions/%s#endorsements",
    redacting.STEP: "/redactions/%s",
}
#: Where what a task asks is read, which is ticked once it is done; a correction under the task itself.
_READ_FIRST: Final[Mapping[str, str]] = {
    COME_BACK: "/follow-ups/%s#issue",
    CORRECT: "/tasks/%s/correction",
    breaks.RETURN: "/participants/%s",
}
#: The part of the candidate's page on which a step of an admission is done.
_PARTS: Final[Mapping[str, str]] = {
    "triage": "criteria",
    "decide": "decision",
    "first_meeting": "meeting",
    "consent": "consent",
    "store_consent": "consent",
    "risk": "risk",
    "number": "number",
}

#: What a step of a case is done on a page of its own, by what that page is called under the task.
_OWN_PAGES: Final[Mapping[str, str]] = {WRITTEN: "summary", NAMES_THEM: "hiring"}


def place_of(task: Task, subject: str | None) -> str:
    """The page on which what a task asks is done, where it is not done by a tick; "" of any other task.

    `subject` is the page of whom or what its case is about, None outside any case.
    """
    if task.holding:
        return line_on_departure(task)
    if task.step in _READ_FIRST:
        item = task.id if task.step == CORRECT else task.item
        return _READ_FIRST[task.step] % item if task.state == "open" else ""
    if task.evidence != BY_ITS_ACT:
        return ""
    if task.step in _OWN_PAGES:
        return f"/tasks/{task.id}/{_OWN_PAGES[task.step]}"
    if subject is not None:
        part = _PARTS.get(task.step, "")
        return f"{subject}#{part}" if part else subject
    place = _PLACES.get(task.step, "")
    return place % task.item if "%s" in place else place


def line_on_departure(task: Task) -> str:
    """The address of a task's line on the page of its departure."""
    return f"/departures/{task.case_id}#task-{task.id}"
