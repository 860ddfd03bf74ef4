"""Agreements, partners and obligations at the terminal: by keys, by the same verbs and the same table as the pages."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.agreeing import PDF, in_force
from tests.cast import TODAY, Cast
from tests.duties.obligations.signed import kept, period
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
    assert "Met" in command("obligation", "show", stated, "--as", "coordinator")[1]
    paper = tmp_path / "bilan.txt"
    paper.write_text("Fait.", encoding="utf-8")
    late = command("obligation", "add-document", proved, str(paper), "2031-01-01", "--as", "manager_em")
    assert (late[0], "document.day_to_come" in late[2]) == (1, True)
    assert command("obligation", "add-document", proved, str(paper), TODAY.isoformat(), "--as", "manager_em")[0] == 0
    given = ("2026-11-01", "2026-11-02", str(cast.program_id), "Relocation")
    status, _, wrong = command("obligation", "waive", proved, *given, "--as", "coordinator")
    assert (status, "decision.does_not_stand" in wrong) == (1, True)
