"""Agreements, partners and obligations at the terminal: by keys, by the same verbs and the same table as the pages."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from domain.people import people
from tests import waiving
from tests.agreeing import PDF, in_force
from tests.cast import AT, TODAY, Cast
from tests.domain.obligations.files import UNREADABLE
from tests.domain.obligations.signed import kept, period, put_in_force
from tests.meetings.sitting import seat_everyone
from tests.sealing import tamper
from tests.terminal import Say


@pytest.mark.ci
def test_an_agreement_is_carried_from_draft_to_its_end_and_renewed(command: Say, tmp_path: Path) -> None:
    by, scan = ("--as", "coordinator"), tmp_path / "entente.pdf"
    scan.write_bytes(PDF)
    assert command("agreement", "send", "en-marge", "1", "--as", "manager_em")[0] == 1
    assert "  1  Sent" in command("agreement", "send", "en-marge", "1", *by)[1]
    assert "  1  Draft" in command("agreement", "take-back", "en-marge", "1", *by)[1]
    assert "Signed" in command("agreement", "sign", "en-marge", "1", "director_em", "2026-11-02", *by)[1]
    unfiled = command("agreement", "start", "en-marge", "1", "2026-11-03", *by)[2]
    assert unfiled.strip().endswith("unfiled]")
    assert "without the signed file: Corail Mica" in unfiled
    assert command("agreement", "add-file", "en-marge", "1", str(scan), *by)[0] == 0
    assert command("agreement", "start", "en-marge", "1", "2026-11-01", *by)[2].strip().endswith("starts_unsigned]")
    assert "In force" in command("agreement", "start", "en-marge", "1", "2026-11-03", *by)[1]
    status, _, wrong = command("agreement", "end", "en-marge", "1", "2026-12-01", TODAY.isoformat(), *by)
    assert (status, "agreement.short_notice" in wrong) == (1, True)
    assert "the last day is February" in wrong  # days are said in words
    ended = command("agreement", "end", "en-marge", "1", "2027-03-31", TODAY.isoformat(), *by)
    assert "Mar 31, 2027" in ended[1]
    assert command("agreement", "renew", "en-marge", *by)[1].strip() == "2"
    listed = command("agreement", "list", *by)[1]
    assert any(line.startswith("En Marge 12-17") and "  2  Draft" in line for line in listed.splitlines())
    assert command("agreement", "show", "cavac", *by)[0] == 1  # an outside body has none


@pytest.mark.ci
def test_a_signed_file_goes_in_and_comes_out_by_its_digest(cast: Cast, command: Say, tmp_path: Path) -> None:
    with cast.session() as session:
        in_force(session, cast)
    scan, out = tmp_path / "entente.pdf", tmp_path / "back.pdf"
    scan.write_bytes(PDF)
    file_id = command("agreement", "add-file", "en-marge", "1", str(scan), "--as", "director_em")[1].strip()
    assert file_id in command("agreement", "show", "en-marge", "--as", "coordinator")[1]
    assert command("agreement", "file", file_id, str(out), "--as", "worker_codim")[0] == 1
    assert not out.exists()
    assert command("agreement", "file", file_id, str(out), "--as", "coordinator")[0] == 0
    assert (
        hashlib.sha256(out.read_bytes()).hexdigest()
        in command("agreement", "show", "en-marge", "--as", "manager_em")[1]
    )
    tamper(cast.database, "update signed_file set content = 'x'::bytea, size = 1")
    status, _, wrong = command("agreement", "file", file_id, str(tmp_path / "swapped.pdf"), "--as", "coordinator")
    assert (status, "signed_file.altered" in wrong) == (1, True)


@pytest.mark.ci
def test_what_a_partner_owes_is_listed_stated_and_proved(cast: Cast, command: Say, tmp_path: Path) -> None:
    with cast.session() as session:
        in_force(session, cast)
        kept(session)
        stated, proved = (str(period(session, cast, "en-marge", key)["id"]) for key in ("AG-P2", "AG-P4"))
    assert "En Marge 12-17" in command("partner", "list", "--as", "coordinator")[1]
    assert command("partner", "list", "--as", "manager_em")[1].count("\n") == 1
    assert command("partner", "show", "codim", "--as", "manager_em")[0] == 1
    assert stated in command("partner", "show", "en-marge", "--as", "manager_em")[1]
    assert command("obligation", "attest", stated, "held", "--as", "coordinator")[0] == 1
    assert command("obligation", "attest", stated, "held", "--as", "manager_em")[0] == 0
    shown = command("obligation", "show", stated, "--as", "coordinator")[1]
    assert "Submitted, to review" in shown
    word = next(line.split()[-1] for line in shown.splitlines() if " given " in line)
    assert command("obligation", "accept", stated, word, "--as", "manager_em")[0] == 1
    assert command("obligation", "return", stated, word, "The day is missing.", "--as", "coordinator")[0] == 0
    assert "returned" in command("obligation", "show", stated, "--as", "coordinator")[1]
    assert command("obligation", "accept", stated, word, "--as", "coordinator")[0] == 0
    assert "Met" in command("obligation", "show", stated, "--as", "coordinator")[1]
    paper = tmp_path / "bilan.txt"
    paper.write_text("Fait.", encoding="utf-8")
    late = command("obligation", "add-document", proved, str(paper), "2031-01-01", "--as", "manager_em")
    assert (late[0], "document.day_to_come" in late[2]) == (1, True)
    assert command("obligation", "add-document", proved, str(paper), TODAY.isoformat(), "--as", "manager_em")[0] == 0
    given = ("2026-11-01", "2026-11-02", str(cast.program_id), "Relocation")
    status, _, wrong = command("obligation", "waive", proved, *given, "--as", "coordinator")
    assert (status, "decision.does_not_stand" in wrong) == (1, True)
    for name, content, code in UNREADABLE:
        (tmp_path / name).write_bytes(content)
        given_so = command(
            "obligation", "add-document", proved, str(tmp_path / name), "2026-11-02", "--as", "manager_em"
        )
        assert (given_so[0], f"document.{code}" in given_so[2]) == (1, True), name


@pytest.mark.ci
def test_a_waiver_is_proposed_decided_and_recorded_and_by_nobody_who_owes_it(cast: Cast, command: Say) -> None:
    with cast.session() as session:
        seat_everyone(session, cast)
        put_in_force(session, cast)
        kept(session)
        own = str(period(session, cast, "ccsmtl", "GV-6.report")["id"])
        people.record_absence(
            session,
            person_id=cast.people["coordinator"],
            starts_on=TODAY,
            ends_on=TODAY + timedelta(days=36_500),  # the terminal knows the day that it is
            deputy_id=cast.people["manager_codim"],
            by=cast.actor("coordinator"),
            at=AT,
        )
    days = ("2026-11-01", "2026-12-31")
    propose = ("obligation", "propose-waiver", own, *days, "No place free.", "--as")
    for who in ("manager_codim", "coordinator"):  # the deputy of who owes it, and who owes it
        assert command(*propose, who)[0] == 1
    status, proposal, _ = command(*propose, "manager_em")
    assert status == 0
    with cast.session() as session:
        waiving.sat_on(session, cast, UUID(proposal.strip()))
    decide = ("obligation", "decide-waiver", own, proposal.strip(), "--as")
    assert "waiver.own" in command(*decide, "manager_codim")[2]
    decision = command(*decide, "manager_em")[1].strip()
    with cast.session() as session:
        waiving.endorsed(session, UUID(decision))
    record = ("obligation", "waive", own, *days, decision, "No place free.", "--as")
    assert "waiver.own" in command(*record, "manager_codim")[2]
    assert command(*record, "manager_em")[0] == 0
    assert "Waived" in command("obligation", "show", own, "--as", "manager_em")[1]
