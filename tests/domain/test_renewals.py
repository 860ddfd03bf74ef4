"""The steps of a renewal that nobody ticks: what is done with the next version completes them, and takes them back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlmodel import Session

from domain.agreements import signed_files, succession
from domain.agreements.agreements import send_version, sign_version, start_version, withdraw_version
from domain.agreements.terminations import end_version
from domain.casework import cases, tasks
from domain.declared.problems import DeclaredErrors
from domain.loading.loading import load
from flows.protocols import PROTOCOLS, read_protocol
from tests.agreeing import PDF, agreement_of, code_of, in_force, last_version, second_director
from tests.casework import case_row, complete, step
from tests.cast import AT, LOADING, TODAY, Cast, onboarding, program_file, without_spvm
from tests.declared import record, record_text
from tests.domain.obligations.signed import DIRECTORS as SIGNATORIES

LAST = TODAY + timedelta(days=60)


@dataclass(frozen=True)
class Renewal:
    """A renewal that has come to its draft: the case, and the version that was drafted."""

    cast: Cast
    case_id: UUID
    version_id: UUID
    steps: tuple[str, ...] = ("send_new_version", "sign_new_version", "start_new_version")

    def states(self, session: Session) -> list[str]:
        """How sending, signing and starting stand."""
        return [step(session, self.case_id, name)["state"] for name in self.steps]

    def send(self, session: Session) -> None:
        """The draft goes to the directors."""
        send_version(session, self.version_id, by=self.cast.actor("coordinator"), at=AT)

    def sign(self, session: Session, director: str = "director_em") -> None:
        """A director's signature is recorded."""
        person = self.cast.people[director]
        by = self.cast.actor("coordinator")
        sign_version(session, self.version_id, director_id=person, signed_on=TODAY, by=by, at=AT)
        signed_files.add(session, self.version_id, name="entente.pdf", content=PDF, director_id=person, by=by, at=AT)

    def start(self, session: Session, day: date = LAST + timedelta(days=1)) -> None:
        """It begins on a day."""
        succession.begin(session, self.version_id, starts_on=day, by=self.cast.actor("coordinator"), at=AT)


@pytest.fixture
def renewal(cast: Cast) -> Renewal:
    """A renewal of which everything was done up to the draft."""
    record(cast, "renewal")
    return drafted(cast)


def drafted(cast: Cast) -> Renewal:
    """One by the procedure that the program follows."""
    by = cast.actor("coordinator")
    with cast.session() as session:
        first = in_force(session, cast, until=LAST)
        case_id = cases.open_case(session, "renewal", agreement_version_id=first, by=by, at=AT)
    complete(cast, case_id, "gather_year_record")
    complete(cast, case_id, "review_by_manager", by=cast.actor("manager_em"))
    complete(cast, case_id, "review_by_director", by=cast.actor("director_em"))
    with cast.session() as session:
        asked = step(session, case_id, "reevaluate_at_joint_committee")["id"]
        tasks.waive_task(session, asked, reason="Le comité ne siège pas d’ici là.", by=by, at=AT)
        version_id = succession.renew(session, agreement_of(session, cast), by=by, at=AT)
    complete(cast, case_id, "draft_new_version")
    return Renewal(cast, case_id, version_id)


def test_sending_signing_and_starting_a_version_complete_the_steps_of_its_renewal(renewal: Renewal) -> None:
    with renewal.cast.session() as session:
        found = [renewal.states(session)]
        for act in (renewal.send, renewal.sign, renewal.start):
            act(session)
            found.append(renewal.states(session))
        assert found == [
            ["open", "planned", "planned"],
            ["done", "open", "planned"],
            ["done", "done", "open"],
            ["done", "done", "done"],
        ]
        assert case_row(session, renewal.case_id)["state"] == "closed"


def moved_by_its_acts(renewal: Renewal, session: Session) -> bool:
    """Whether each act completes its own step, and no other."""
    found = []
    for act in (renewal.send, renewal.sign, renewal.start):
        act(session)
        found.append([state == "done" for state in renewal.states(session)])
    return found == [[True, False, False], [True, True, False], [True, True, True]]


@pytest.mark.ci
def test_a_procedure_says_which_act_completes_a_step_by_whatever_name_the_step_goes(cast: Cast) -> None:
    text = PROTOCOLS["renewal"].file.read_text(encoding="utf-8")
    names = {"send_new_version": "post_it", "sign_new_version": "have_it_signed", "start_new_version": "begin_with_it"}
    for old, new in names.items():
        text = text.replace(old, new)
    record_text(cast, text)
    with cast.session() as session:
        assert moved_by_its_acts(replace(drafted(cast), steps=tuple(names.values())), session)


def test_a_step_that_waits_for_an_act_on_an_agreement_says_which(tmp_path: Path) -> None:
    text = PROTOCOLS["renewal"].file.read_text(encoding="utf-8")
    file = tmp_path / "protocol.yaml"
    file.write_text(text.replace("    act: agreement.signed\n", ""), encoding="utf-8")
    with pytest.raises(DeclaredErrors) as refused:
        read_protocol(file, program_file().value)
    (problem,) = refused.value.problems
    assert problem.path == "steps[6].evidence"
    assert "agreement.sent, agreement.signed, agreement.started" in str(problem)


def test_a_renewal_under_way_goes_on_by_the_file_that_did_not_say_yet_which_act_completes_a_step(cast: Cast) -> None:
    text = PROTOCOLS["renewal"].file.read_text(encoding="utf-8")
    before = re.sub(r" +act: .*\n", "", text)
    assert before != text
    record_text(cast, before)
    with cast.session() as session:
        assert moved_by_its_acts(drafted(cast), session)


def test_nobody_says_that_a_version_is_sent_signed_or_begins_which_is_not(renewal: Renewal) -> None:
    cast = renewal.cast
    with cast.session() as session:
        for name, who, act in (
            ("send_new_version", "coordinator", renewal.send),
            ("sign_new_version", "director_em", renewal.sign),
            ("start_new_version", "coordinator", renewal.start),
        ):
            task = step(session, renewal.case_id, name)["id"]
            by = cast.actor(who)
            said = code_of(lambda task=task, by=by: tasks.complete_task(session, task, by=by, at=AT))  # type: ignore[misc]
            assert said == "task.by_its_act"
            act(session)


def test_signing_is_done_once_everyone_who_directs_has_signed(renewal: Renewal) -> None:
    cast = renewal.cast
    with cast.session() as session:
        second_director(session, cast)
        renewal.send(session)
        renewal.sign(session)
        assert renewal.states(session) == ["done", "open", "planned"]
        renewal.sign(session, "deputy")
        assert renewal.states(session) == ["done", "done", "open"]


def test_a_version_that_is_taken_back_is_to_be_sent_again(renewal: Renewal) -> None:
    with renewal.cast.session() as session:
        renewal.send(session)
        withdraw_version(session, renewal.version_id, by=renewal.cast.actor("coordinator"), at=AT)
        assert renewal.states(session) == ["open", "planned", "planned"]
        renewal.send(session)
        assert renewal.states(session) == ["done", "open", "planned"]


def test_the_agreement_of_another_partner_completes_nothing_here(renewal: Renewal) -> None:
    cast = renewal.cast
    with cast.session() as session:
        in_force(session, cast, "anonyme")
        assert renewal.states(session) == ["open", "planned", "planned"]


@pytest.mark.ci
def test_a_renewal_under_way_is_called_off_where_the_agreement_is_ended_with_notice(cast: Cast) -> None:
    """And so is that of a partner who is no longer in the file; another partner's goes on."""
    by = cast.actor("coordinator")
    record(cast, "renewal")
    cases_of = {}
    with cast.session() as session:
        for place in ("en-marge", "anonyme", "spvm"):
            version = last_version(session, cast, place)
            director = cast.people[SIGNATORIES[place]]
            send_version(session, version, by=by, at=AT)
            sign_version(session, version, director_id=director, signed_on=TODAY, by=by, at=AT)
            start_version(session, version, starts_on=TODAY, ends_on=LAST, by=by, at=AT)
            cases_of[place] = cases.open_case(session, "renewal", agreement_version_id=version, by=by, at=AT)
        mine, sooner = last_version(session, cast), LAST - timedelta(days=1)
        end_version(session, mine, ends_on=sooner, notice_on=TODAY, shorter_agreed=True, by=by, at=AT)
        load(session, without_spvm(), [onboarding()], by=LOADING, at=AT)
        rows = {place: case_row(session, case_id) for place, case_id in cases_of.items()}
        assert {place: row["state"] for place, row in rows.items()} == {
            "en-marge": "cancelled",
            "anonyme": "open",
            "spvm": "cancelled",
        }
        assert "its last day is January 21, 2027" in rows["en-marge"]["ended_reason"]
        assert step(session, cases_of["en-marge"], "gather_year_record")["state"] == "cancelled"
        assert step(session, cases_of["anonyme"], "gather_year_record")["state"] == "open"
