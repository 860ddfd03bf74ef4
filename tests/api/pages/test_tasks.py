"""One task: its forms, what they refuse, and the documents that prove it."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select

from domain.casework import tasks
from domain.casework.proofs import LARGEST_DOCUMENT, GivenProof
from domain.people.absences import record_absence
from domain.people.people import end_tenure
from models.base import table_of
from models.casework import Evidence
from models.equipment import Loan
from models.program import Tenure
from tests.agreeing import PDF
from tests.api.pages.looking import send, signed_in, task_of, text_of
from tests.casework import approve, complete, open_onboarding, step, stock
from tests.cast import AT, TODAY, Cast

_evidence = table_of(Evidence)
_loan = table_of(Loan)
_tenure = table_of(Tenure)

HARD = "<script>alert(1)</script> l’été d'août 🌍"

#: One that is kept byte for byte, as it says that it is signed.
SIGNED = PDF + b"%/ByteRange"


def test_a_task_says_what_it_asks_of_whom_by_when_and_why(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    task = task_of(cast, case_id, "open_secure_account")
    page = text_of(signed_in(cast, "coordinator").get(f"/tasks/{task['id']}").text)
    assert "Create the account and open access to the secure network" in page
    assert "Record the user name, never the password" in page
    assert "Flint Cobalt" in page
    assert "ON-P06 · ON-D09" in page
    assert "3 working days before the arrival" in page
    assert "Waits for: Ask for access to the secure network" in page
    assert "Others wait for it Hand over the passwords of the protected files" in page


def test_a_task_of_another_program_looks_like_one_that_is_not_there(cast: Cast) -> None:
    theirs = task_of(cast.other, open_onboarding(cast.other), "plan_coaching")
    mine = signed_in(cast, "coordinator")
    absent = mine.get(f"/tasks/{uuid4()}")
    for answer in (mine.get(f"/tasks/{theirs['id']}"), send(mine, theirs, "completion")):
        assert answer.status_code == 404
        assert text_of(answer.text) == text_of(absent.text)
    assert task_of(cast.other, theirs["case_id"], "plan_coaching")["state"] == "open"


def test_a_task_of_a_case_that_is_not_theirs_is_hidden_and_shut(cast: Cast) -> None:
    task = task_of(cast, open_onboarding(cast), "plan_coaching")
    stranger = signed_in(cast, "manager_codim")
    assert stranger.get(f"/tasks/{task['id']}").status_code == 404
    assert send(stranger, task, "completion").status_code == 404


def test_whoever_may_see_a_task_without_owing_it_is_offered_nothing_and_can_do_nothing(cast: Cast) -> None:
    task = task_of(cast, open_onboarding(cast), "plan_coaching")
    manager = signed_in(cast, "manager_em")
    page = manager.get(f"/tasks/{task['id']}")
    assert page.status_code == 200
    assert "/completion" not in page.text
    for act in ("completion", "approval", "rejection", "handing-back", "returning", "waiver", "undoing"):
        assert send(manager, task, act, words="x").status_code == 404


def test_a_note_is_kept_and_shown_as_it_was_written(cast: Cast) -> None:
    task = task_of(cast, open_onboarding(cast), "plan_coaching")
    mine = signed_in(cast, "coordinator")
    assert send(mine, task, "completion", words=HARD).headers["location"] == f"/tasks/{task['id']}"
    page = mine.get(f"/tasks/{task['id']}").text
    assert "<script>alert" not in page
    assert HARD in text_of(page)
    assert "Done by Agate Améthyste (Coordinator)" in text_of(page)


@pytest.mark.parametrize(
    ("back", "place"), [("work", "/"), ("case", "/cases/{case}#task-{task}"), ("task", "/tasks/{task}")]
)
def test_one_comes_back_to_the_page_on_which_the_form_stood(cast: Cast, back: str, place: str) -> None:
    case_id = open_onboarding(cast)
    task = task_of(cast, case_id, "plan_coaching")
    answer = send(signed_in(cast, "coordinator"), task, "completion", back=back)
    assert answer.status_code == 303
    assert answer.headers["location"] == place.format(case=case_id, task=task["id"])


def test_a_form_does_not_lead_anywhere_else(cast: Cast) -> None:
    task = task_of(cast, open_onboarding(cast), "plan_coaching")
    assert send(signed_in(cast, "coordinator"), task, "completion", back="//elsewhere.example").status_code == 422


@pytest.mark.ci
@pytest.mark.parametrize("back", ["work", "case", "task"])
def test_a_note_that_is_too_long_comes_back_in_its_form(cast: Cast, back: str) -> None:
    case_id = open_onboarding(cast)
    task = task_of(cast, case_id, "plan_coaching")
    long = "é" * 100_000
    answer = send(signed_in(cast, "coordinator"), task, "completion", back=back, words=long)
    assert answer.status_code == 422
    assert "longer than 4000 characters" in text_of(answer.text)
    assert long in answer.text
    assert task_of(cast, case_id, "plan_coaching")["state"] == "open"


@pytest.mark.ci
def test_a_note_of_a_megabyte_is_not_read_and_stays_in_the_browser(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    mine = signed_in(cast, "coordinator")
    answer = send(mine, task_of(cast, case_id, "plan_coaching"), "completion", words="é" * 1_000_000)
    assert answer.status_code == 400
    assert "what you typed is still there" in text_of(answer.text)
    assert "é" * 100 not in answer.text
    assert task_of(cast, case_id, "plan_coaching")["state"] == "open"


def test_a_step_that_asks_for_a_note_is_not_done_without_one(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_petty_cash")
    approve(cast, case_id, "request_petty_cash", by=cast.actor("manager_la"))
    task = task_of(cast, case_id, "give_petty_cash")
    holder = signed_in(cast, "petty_cash_holder")
    answer = send(holder, task, "completion")
    assert answer.status_code == 422
    assert "asks for a note" in text_of(answer.text)
    assert send(holder, task, "completion", words="200 $ remis.").status_code == 303


@pytest.mark.ci
def test_a_serial_number_puts_the_equipment_in_hands_and_one_in_other_hands_is_refused(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    other = open_onboarding(cast, "worker_codim", "codim")
    for one in (case_id, other):
        complete(cast, one, "prepare_equipment", item="phone")
        complete(cast, one, "prepare_equipment", item="computer")
    mine = signed_in(cast, "coordinator")
    with cast.session() as session:
        stock(session, cast, "phone", "SN-1")
    task = task_of(cast, case_id, "hand_over_equipment", "phone")
    assert send(mine, task, "completion").status_code == 422
    assert send(mine, task, "completion", label="SN-1").status_code == 303
    assert "Serial number SN-1" in text_of(mine.get(f"/tasks/{task['id']}").text)
    answer = send(mine, task_of(cast, other, "hand_over_equipment", "phone"), "completion", label="SN-1")
    assert answer.status_code == 409
    assert "already in someone's hands" in text_of(answer.text)
    assert "SN-1</textarea>" in answer.text, "what was meant is kept, though it is in no list"
    with cast.session() as session:
        assert session.scalar(select(func.count()).select_from(_loan)) == 1


def with_document(cast: Cast, name: str, content: bytes) -> tuple[int, str, UUID]:
    task = task_of(cast, open_onboarding(cast), "plan_coaching")
    answer = send(
        signed_in(cast, "coordinator"), task, "completion", words="Voici.", files={"document": (name, content)}
    )
    return answer.status_code, text_of(answer.text), task["id"]


@pytest.mark.parametrize(
    ("name", "content", "status", "sentence"),
    [
        ("plan.pdf", b"MZ\x90\x00 not a pdf", 422, "does not match the extension of its name"),
        ("plan.exe", b"MZ\x90\x00", 422, "Files of this kind are not accepted"),
        ("plan.pdf", b"", 422, "This file is empty"),
        ("plan.pdf", b"%PDF-" + b"x" * LARGEST_DOCUMENT, 413, "larger than 10 MB"),
    ],
)
def test_a_document_that_is_not_what_it_says_is_refused_and_the_note_kept(
    cast: Cast, name: str, content: bytes, status: int, sentence: str
) -> None:
    found, page, _ = with_document(cast, name, content)
    assert found == status
    assert sentence in page
    assert "Voici." in page
    with cast.session() as session:
        assert session.scalar(select(func.count()).select_from(_evidence)) == 0


def test_a_document_is_shown_under_its_own_name(cast: Cast) -> None:
    name = "Échéancier d'été; <b>final</b> 🌍.pdf"
    status, _, task_id = with_document(cast, name, PDF)
    assert status == 303
    page = signed_in(cast, "coordinator").get(f"/tasks/{task_id}").text
    assert name.rpartition("/")[2] in text_of(page)  # nothing of a path is kept
    assert "<b>" not in page


def test_a_document_comes_back_as_a_file_and_never_as_a_page(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    name = 'Échéancier d\'été; "final" 🌍.pdf'
    with cast.session() as session:
        task_id = step(session, case_id, "plan_coaching")["id"]
        proof = GivenProof("document", name, SIGNED)
        tasks.complete_task(session, task_id, by=cast.actor("coordinator"), at=AT, evidence=[proof])
        (evidence_id,) = session.scalars(select(_evidence.c.id)).all()
    mine = signed_in(cast, "coordinator")
    answer = mine.get(f"/evidence/{evidence_id}")
    assert answer.content == SIGNED
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["content-disposition"] == (
        'attachment; filename="_ch_ancier d__t__ _final_ _.pdf"; '
        "filename*=UTF-8''%C3%89ch%C3%A9ancier%20d%27%C3%A9t%C3%A9%3B%20%22final%22%20%F0%9F%8C%8D.pdf"
    )
    for stranger in ("manager_codim", "police"):
        assert signed_in(cast, stranger).get(f"/evidence/{evidence_id}").status_code == 404
    assert signed_in(cast.other, "coordinator").get(f"/evidence/{evidence_id}").status_code == 404
    assert mine.get(f"/evidence/{uuid4()}").status_code == 404


# ----------------------------------------------------------------------------------------------- two at once


@pytest.mark.ci
def test_the_second_of_two_who_change_a_task_is_told_and_keeps_what_they_wrote(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    task = task_of(cast, case_id, "prepare_notebook_and_guide")
    assert send(signed_in(cast, "officer"), task, "completion").status_code == 303
    for back in ("work", "case", "task"):
        answer = send(signed_in(cast, "coordinator"), task, "completion", back=back, words="Deux carnets.")
        assert answer.status_code == 412
        assert "This task was changed by someone else" in text_of(answer.text)
        assert "Deux carnets." in answer.text


def test_whoever_wrote_while_the_task_passed_to_another_is_told_and_keeps_it(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    task = task_of(cast, case_id, "prepare_notebook_and_guide")
    with cast.session() as session:
        tasks.hand_back_task(session, task["id"], by=cast.actor("officer"), at=AT, reason="Parti.")
    answer = send(signed_in(cast, "officer"), task, "completion", words="Deux carnets.")
    assert answer.status_code == 412
    assert "Deux carnets." in answer.text


@pytest.mark.ci
def test_the_second_click_of_a_double_click_is_no_mistake(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    mine = signed_in(cast, "coordinator")
    task = task_of(cast, case_id, "plan_coaching")
    assert [send(mine, task, "completion").status_code for _ in range(2)] == [303, 303]
    asked = task_of(cast, case_id, "request_secure_access")
    assert [send(mine, asked, "completion").status_code for _ in range(2)] == [303, 303]
    submitted = task_of(cast, case_id, "request_secure_access")
    manager = signed_in(cast, "manager_em")
    assert [send(manager, submitted, "approval").status_code for _ in range(2)] == [303, 303]
    # Later it is a mistake like any other, even by the same person.
    assert send(mine, task_of(cast, case_id, "plan_coaching"), "completion").status_code == 409


@pytest.mark.ci
def test_whoever_writes_something_else_in_a_second_window_is_told_and_keeps_it(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    mine, manager = signed_in(cast, "coordinator"), signed_in(cast, "manager_em")
    task = task_of(cast, case_id, "request_secure_access")
    sent = [send(mine, task, "completion", words=words) for words in ("Une note.", "Une note.", "Une autre.")]
    assert [answer.status_code for answer in sent] == [303, 303, 412]
    assert "Une autre." in sent[2].text
    submitted = task_of(cast, case_id, "request_secure_access")
    sent = [send(manager, submitted, "approval", words=words) for words in ("Vu.", "Vu. ", "Pas tout.")]
    assert [answer.status_code for answer in sent] == [303, 303, 412]
    assert "Pas tout." in sent[2].text


@pytest.mark.ci
def test_another_serial_number_in_a_second_window_is_not_dropped_unsaid(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    for item in ("computer", "phone"):
        complete(cast, case_id, "prepare_equipment", item=item)
    with cast.session() as session:
        stock(session, cast, "computer", "SN-1 a")
    mine, task = signed_in(cast, "coordinator"), task_of(cast, case_id, "hand_over_equipment", "computer")
    sent = [send(mine, task, "completion", label=label) for label in ("SN-1  a", "SN-1 a", "SN-2")]
    assert [answer.status_code for answer in sent] == [303, 303, 412]
    assert "SN-2" in sent[2].text


# ------------------------------------------------------------------------------------------------- approvals


@pytest.mark.ci
def test_the_workers_manager_approves_and_nobody_else(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    task = task_of(cast, case_id, "request_secure_access")
    for name in ("officer", "director_em", "it_contact"):
        assert send(signed_in(cast, name), task, "approval").status_code == 404
    assert "/approval" in signed_in(cast, "manager_em").get(f"/tasks/{task['id']}").text
    assert send(signed_in(cast, "manager_em"), task, "approval", words="Vu.").status_code == 303
    assert "Approved by Perle Obsidienne (Manager)" in text_of(
        signed_in(cast, "coordinator").get(f"/tasks/{task['id']}").text
    )


@pytest.mark.parametrize("as_a_deputy", [False, True])
def test_nobody_is_offered_their_own_request_nor_can_approve_it(cast: Cast, as_a_deputy: bool) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    with cast.session() as session:
        if as_a_deputy:
            record_absence(
                session,
                person_id=cast.people["manager_em"],
                starts_on=TODAY,
                ends_on=TODAY,
                deputy_id=cast.people["coordinator"],
                by=cast.actor("manager_em"),
                at=AT,
            )
        else:
            # Nobody manages any more: the approval falls to the coordinator, who asked.
            tenure = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["manager_em"])).one()
            end_tenure(session, tenure, ends_on=TODAY.replace(day=1), by=cast.actor("coordinator"), at=AT)
    mine = signed_in(cast, "coordinator")
    task = task_of(cast, case_id, "request_secure_access")
    page = mine.get(f"/tasks/{task['id']}").text
    assert "/approval" not in page
    assert "You cannot approve what you did yourself" in text_of(page)
    answer = send(mine, task, "approval")
    assert answer.status_code == 409
    assert "You cannot approve what you did yourself" in text_of(answer.text)
    assert task_of(cast, case_id, "request_secure_access")["state"] == "submitted"


@pytest.mark.ci
def test_what_is_sent_back_says_why_and_wants_a_reason(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    task = task_of(cast, case_id, "request_secure_access")
    manager = signed_in(cast, "manager_em")
    refused = send(manager, task, "rejection", words="  ")
    assert refused.status_code == 422
    assert f'id="reject-{task["id"]}"' in refused.text
    assert " open>" in refused.text[refused.text.index(f'id="reject-{task["id"]}"') :][:120]
    assert send(manager, task, "rejection", words="Trop large.").status_code == 303
    page = text_of(signed_in(cast, "coordinator").get(f"/tasks/{task['id']}").text)
    assert "Trop large." in page
    assert "Sent back: Ask for access to the secure network." in page


@pytest.mark.ci
@pytest.mark.parametrize("back", ["case", "task"])
def test_an_approver_from_elsewhere_who_sends_back_is_led_to_their_own_work_and_not_to_a_page_of_nothing(
    cast: Cast, back: str
) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_petty_cash")
    task = task_of(cast, case_id, "request_petty_cash")
    approver = signed_in(cast, "manager_la")
    assert approver.get(f"/tasks/{task['id']}").status_code == 200
    sent = send(approver, task, "rejection", words="Trop.", back=back)
    assert sent.headers["location"] == "/"
    assert approver.get(f"/tasks/{task['id']}").status_code == 404
    assert task_of(cast, case_id, "request_petty_cash")["state"] == "open"


@pytest.mark.ci
def test_what_was_said_of_a_task_before_is_told_from_what_was_written_now(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "request_secure_access")
    send(signed_in(cast, "manager_em"), task_of(cast, case_id, "request_secure_access"), "rejection", words="Trop.")
    mine = signed_in(cast, "coordinator")
    here = f"/tasks/{task_of(cast, case_id, 'request_secure_access')['id']}"
    assert "To be done again, because: Trop." in text_of(mine.get(here).text)
    send(mine, task_of(cast, case_id, "request_secure_access"), "completion", words="Moins.")
    again = text_of(mine.get(here).text)
    assert "Moins." in again
    assert "Earlier notes: Trop." in again
    send(signed_in(cast, "manager_em"), task_of(cast, case_id, "request_secure_access"), "approval", words="Bien.")
    approved = text_of(mine.get(here).text)
    assert "Earlier notes" not in approved
    assert "Bien." in approved


# ------------------------------------------------------------------------------------- back, waived, undone


def test_a_reason_is_optional_only_beside_an_act_that_needs_none(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    mine = signed_in(cast, "coordinator")
    asks, plain = (task_of(cast, case_id, one)["id"] for one in ("request_petty_cash", "plan_training"))
    words = re.compile(r'<textarea name="words"[^>]* id="more-[^>]*>')
    only_waived, completed_too = (words.search(mine.get(f"/tasks/{one}").text) for one in (asks, plain))
    assert only_waived
    assert " required" in only_waived.group()
    assert completed_too
    assert " required" not in completed_too.group()


@pytest.mark.ci
def test_a_task_is_handed_back_with_a_reason_and_given_again(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    task = task_of(cast, case_id, "prepare_notebook_and_guide")
    officer, mine = signed_in(cast, "officer"), signed_in(cast, "coordinator")
    assert send(officer, task, "handing-back", words="").status_code == 422
    assert send(officer, task, "handing-back", words="Plus de carnets.").status_code == 303
    page = mine.get(f"/tasks/{task['id']}").text
    assert "Handed back by Béryl Calcaire" in text_of(page)
    assert "Plus de carnets." in text_of(page)
    assert send(mine, task_of(cast, case_id, "prepare_notebook_and_guide"), "returning").status_code == 422
    again = send(mine, task_of(cast, case_id, "prepare_notebook_and_guide"), "returning", words="Il en reste dix.")
    assert again.status_code == 303
    assert "Handed back by" not in text_of(mine.get(f"/tasks/{task['id']}").text).partition("History")[0]


@pytest.mark.ci
def test_a_step_that_the_protocol_never_waives_is_not_offered_and_not_waived(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    mine = signed_in(cast, "coordinator")
    never, may = task_of(cast, case_id, "plan_coaching"), task_of(cast, case_id, "provide_own_cards")
    assert "/waiver" not in mine.get(f"/tasks/{never['id']}").text
    assert send(mine, never, "waiver", words="Non.").status_code == 404
    assert "/waiver" in mine.get(f"/tasks/{may['id']}").text
    assert send(mine, may, "waiver", words="Déjà des cartes.").status_code == 303
    assert "Waived by Agate Améthyste" in text_of(mine.get(f"/tasks/{may['id']}").text)


@pytest.mark.ci
def test_a_mistaken_completion_is_taken_back_by_whoever_did_it(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "prepare_notebook_and_guide", by=cast.actor("officer"))
    task = task_of(cast, case_id, "prepare_notebook_and_guide")
    officer = signed_in(cast, "officer")
    assert "/undoing" in officer.get(f"/tasks/{task['id']}").text
    assert send(officer, task, "undoing").status_code == 303
    assert task_of(cast, case_id, "prepare_notebook_and_guide")["state"] == "open"
    for page in (f"/tasks/{task['id']}", f"/cases/{case_id}"):
        assert "Taken back" in text_of(officer.get(page).text)


def test_what_rests_on_a_later_step_is_not_taken_back(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    complete(cast, case_id, "prepare_notebook_and_guide")
    complete(cast, case_id, "hand_over_notebook_and_guide")
    answer = send(signed_in(cast, "coordinator"), task_of(cast, case_id, "prepare_notebook_and_guide"), "undoing")
    assert answer.status_code == 409
    assert "Undo them first" in text_of(answer.text)


@pytest.mark.ci
def test_a_step_that_waits_or_that_the_program_does_is_not_done_by_hand(cast: Cast) -> None:
    case_id = open_onboarding(cast)
    mine = signed_in(cast, "coordinator")
    for name, said in (
        ("hand_over_notebook_and_guide", "waits for others to be done first"),
        ("enrol_on_clinical_committee", "This step is automatic"),
    ):
        task = task_of(cast, case_id, name)
        assert "/completion" not in mine.get(f"/tasks/{task['id']}").text
        answer = send(mine, task, "completion")
        assert answer.status_code == 409
        assert said in text_of(answer.text)
