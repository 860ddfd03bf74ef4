"""The command line: the same verbs and the same table as the pages, and wrong files told by their lines."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import NullPool, create_engine, make_url, select, text

from adapters.settings import Settings
from api.cli import main, stopping
from api.cli.commands import run
from api.cli.installation import _welcome
from domain.casework import versions
from domain.declarations.protocol import Protocol
from domain.declared.reading import load_declared_text
from domain.kernel.scope import local_day
from domain.people.absences import record_absence
from domain.people.people import add_person, appoint, end_tenure
from models.base import table_of
from models.casework import Evidence
from models.program import Tenure
from tests.agreeing import PDF
from tests.casework import onboard_wholly, open_onboarding, step
from tests.cast import ARRIVAL, AT, LOADING, ONBOARDING, PROGRAM, TODAY, Cast, onboarding
from tests.conftest import Database
from tests.flows.prefect_server import free_port

Say = Callable[..., tuple[int, str, str]]

_tenure = table_of(Tenure)
_evidence = table_of(Evidence)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs one command, in English where no language is given, and gives its status and what it said."""

    def run(*arguments: str, lang: str = "en") -> tuple[int, str, str]:
        monkeypatch.setenv("SPHERES_LANG", lang)
        monkeypatch.setattr(sys, "argv", ["spheres", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Database], None]:
    """Points the settings at a test's database."""

    def point(database: Database) -> None:
        monkeypatch.setenv("DATABASE_URL", database.url)
        monkeypatch.setenv("DATABASE_OWNER_URL", database.owner_url)
        monkeypatch.setenv("PREFECT_DATABASE_URL", "postgresql+asyncpg://nobody:x@/prefect?host=/nowhere")

    return point


def test_a_right_program_is_said_to_be_right(command: Say) -> None:
    status, out, _ = command("program", "check", str(PROGRAM))
    assert status == 0
    assert "is right" in out


def test_a_wrong_program_gets_file_line_path_and_sentence(command: Say, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    number = next(place for place, line in enumerate(lines) if line.startswith("coordination:"))
    lines[number] = "coordinaton:"
    wrong.write_text("\n".join(lines), encoding="utf-8")
    status, _, err = command("program", "check", str(wrong))
    assert status == 2
    assert f":{number + 1}: coordinaton: " in err
    assert "Traceback" not in err
    _, _, french = command("program", "check", str(wrong), lang="fr")
    assert f":{number + 1}: coordinaton: " in french
    assert "Vouliez-vous dire « coordination »" in french.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.ci
def test_a_program_is_loaded_once_and_shows_nothing_the_second_time(
    command: Say, at: Callable[[Database], None], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(database)
    for answer in ("n\n", "perhaps\n", "\n", ""):
        monkeypatch.setattr("sys.stdin", StringIO(answer))
        status, out, err = command("program", "load", str(PROGRAM))
        assert (status, "Nothing was changed." in err) == (2, True)
        assert "CCSMTL" in out
    assert command("program", "export")[0] == 2, "nothing is there to write out"
    assert command("program", "load", str(PROGRAM), "--yes")[0] == 0
    status, out, _ = command("program", "load", str(PROGRAM), "--yes")
    assert (status, out.strip()) == (0, "Nothing changes.")


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize(("lang", "yes"), [("en", "y"), ("en", "YES"), ("fr", "o"), ("fr", "Oui"), ("fr", "y")])
def test_a_question_takes_the_yes_of_either_language(
    command: Say,
    at: Callable[[Database], None],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    lang: str,
    yes: str,
) -> None:
    at(database)
    monkeypatch.setattr("sys.stdin", StringIO(f"{yes}\n"))
    assert command("program", "load", str(PROGRAM), lang=lang)[0] == 0
    assert command("program", "export")[0] == 0


@pytest.mark.ci
def test_what_is_exported_loads_without_a_change(
    command: Say, at: Callable[[Database], None], cast: Cast, tmp_path: Path
) -> None:
    at(cast.database)
    status, out, _ = command("program", "export", "--program", "greater-montreal")
    assert status == 0
    written = tmp_path / "again.yaml"
    written.write_text(out, encoding="utf-8")
    # The cast knows one procedure; the first load records the others, and nothing else.
    *recorded, counted = command("program", "load", str(written), "--yes")[1].strip().splitlines()
    assert all(re.search(r"is recorded as its version \d\.", line) for line in recorded), recorded
    assert counted.endswith(f"{len(recorded)} changes.")
    assert command("program", "load", str(written), "--yes")[1].strip() == "Nothing changes."


def test_with_two_programs_one_is_asked_which(command: Say, at: Callable[[Database], None], cast: Cast) -> None:
    at(cast.database)
    status, _, err = command("work", "--as", "coordinator")
    assert status == 2
    assert "greater-montreal" in err
    assert "other-shore" in err


@pytest.mark.ci
def test_a_plan_prints_every_step_with_its_day_and_flags_vacant_roles_and_closed_days(
    command: Say, at: Callable[[Database], None], cast: Cast
) -> None:
    at(cast.database)
    named = ("protocol", "plan", "--anchor", "arrival=2027-06-24", "--program", "greater-montreal", "--lang")
    status, out, _ = command(*named, "en", "--organization", "codim")
    assert status == 0
    assert len(out.splitlines()) == 28
    assert "Pearl O'Quartz" in out, "the manager there"
    assert "instead of" in out
    _, french, _ = command(*named, "fr", "--organization", "marie-vincent")
    assert "au lieu du 24 juin 2027" in french
    status, anywhere, _ = command(*named, "en")
    assert status == 0
    assert "Worker’s manager" in anywhere
    assert "vacant" not in out
    with cast.session() as session:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["it_contact"])).one()
        end_tenure(session, held, ends_on=TODAY, by=cast.actor("coordinator"), at=AT)
    flagged = [line for line in command(*named, "en", "--organization", "codim")[1].splitlines() if "vacant" in line]
    assert flagged
    # Whoever stands behind has the step meanwhile.
    assert all("Agate Améthyste (vacant: IT contact)" in line for line in flagged)


def test_a_plan_names_who_approves_a_step_never_their_own_and_flags_an_approver_whom_nobody_is(
    command: Say, at: Callable[[Database], None], cast: Cast
) -> None:
    at(cast.database)
    with cast.session() as session:
        held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["manager_codim"])).one()
        end_tenure(session, held, ends_on=TODAY, by=cast.actor("coordinator"), at=AT)
    named = ("protocol", "plan", "--anchor", "arrival=2027-06-24", "--program", "greater-montreal", "--lang", "en")
    _, out, _ = command(*named, "--organization", "codim")
    asked = [line.partition(" – ")[2] for line in out.splitlines() if "approved by" in line]
    assert asked == [
        "Agate Améthyste; approved by Slate Nickel (vacant: Worker’s manager)",
        "Agate Améthyste; approved by Zinc Porphyre",
    ]


def test_a_procedure_is_printed_in_the_language_asked_for(command: Say) -> None:
    assert "Before the arrival" in command("protocol", "show", str(ONBOARDING), "--lang", "en")[1]
    assert "Avant l’arrivée" in command("protocol", "show", str(ONBOARDING), "--lang", "fr")[1]
    assert command("protocol", "show", str(ONBOARDING), "--lang", "de")[0] == 2


def test_a_right_procedure_is_said_to_be_right_and_a_wrong_one_where_it_is_wrong(command: Say, tmp_path: Path) -> None:
    status, out, _ = command("protocol", "check", str(ONBOARDING))
    assert status == 0
    assert re.search(r"is right: version 2, \d+ steps, 26 facts of the guide", out)
    wrong = tmp_path / "wrong.yaml"
    lines = ONBOARDING.read_text(encoding="utf-8").splitlines()
    number = next(place for place, line in enumerate(lines) if line.strip() == "by: it_contact")
    lines[number] = lines[number].replace("it_contact", "it_kontact")
    wrong.write_text("\n".join(lines), encoding="utf-8")
    status, out, err = command("protocol", "check", str(wrong))
    assert (status, out) == (2, "")
    assert f":{number + 1}: " in err
    assert "it_kontact" in err
    assert "Traceback" not in err


def test_two_versions_are_compared_in_plain_words(command: Say, tmp_path: Path) -> None:
    newer = tmp_path / "newer.yaml"
    text = ONBOARDING.read_text(encoding="utf-8")
    newer.write_text(
        text.replace("due: {days: 30, after: arrival}", "due: {days: 45, after: arrival}").replace(
            "\nversion: 2\n", "\nversion: 3\n"
        ),
        encoding="utf-8",
    )
    status, out, _ = command("protocol", "diff", str(ONBOARDING), str(newer), "--lang", "en")
    assert status == 0
    assert "45 working days" in out
    assert command("protocol", "diff", str(ONBOARDING), str(ONBOARDING))[1].strip() == "They say the same."


@pytest.mark.ci
def test_the_command_line_asks_the_same_table_as_the_pages(
    command: Say, at: Callable[[Database], None], cast: Cast
) -> None:
    at(cast.database)
    here = ("--program", "greater-montreal")
    case_id = open_onboarding(cast)
    with cast.session() as session:
        asked = str(step(session, case_id, "request_secure_access")["id"])
    # Not theirs to see, and not there: the same.
    refused = command("task", "complete", asked, "--as", "police", *here)
    absent = command("task", "complete", "00000000-0000-4000-8000-000000000000", "--as", "coordinator", *here)
    assert refused[0] == absent[0] == 1
    assert refused[2] == absent[2]
    assert command("task", "complete", asked, *FILLED_IN, "--as", "coordinator", *here)[0] == 0
    # It waits for the manager alone: to whoever asked there is nothing to approve.
    assert command("task", "approve", asked, "--as", "coordinator", *here)[2] == refused[2]
    _, out, _ = command("work", "--as", "manager_em", *here)
    assert asked in out
    assert command("task", "approve", asked, "--as", "manager_em", *here)[0] == 0
    assert "Done " in command("task", "show", asked, "--as", "coordinator", *here)[1]


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("as_a_deputy", [False, True])
def test_nobody_approves_their_own_request_at_the_terminal_under_another_hat_either(
    command: Say, at: Callable[[Database], None], cast: Cast, as_a_deputy: bool
) -> None:
    at(cast.database)
    here = ("--as", "coordinator", "--program", "greater-montreal")
    case_id, now = open_onboarding(cast), datetime.now(UTC)
    with cast.session() as session:
        asked = str(step(session, case_id, "request_secure_access")["id"])
        today, by = local_day(session, now), cast.actor("coordinator")
        if as_a_deputy:
            record_absence(
                session,
                person_id=cast.people["manager_em"],
                starts_on=today,
                ends_on=today + timedelta(days=1),
                deputy_id=cast.people["coordinator"],
                by=by,
                at=now,
            )
        else:  # nobody manages any more: the approval falls to the coordinator, who asked
            held = session.scalars(select(_tenure.c.id).where(_tenure.c.person_id == cast.people["manager_em"])).one()
            end_tenure(session, held, ends_on=today - timedelta(days=1), by=by, at=now)
    assert command("task", "complete", asked, *FILLED_IN, *here)[0] == 0
    for verb in (("approve", asked), ("reject", asked, "--reason", "Non.")):
        status, _, err = command("task", *verb, *here)
        assert (status, "task.own_request" in err) == (1, True)
    with cast.session() as session:
        assert step(session, case_id, "request_secure_access")["state"] == "submitted"


@pytest.mark.ci
def test_what_is_of_another_program_is_not_there_at_the_terminal(
    command: Say, at: Callable[[Database], None], cast: Cast
) -> None:
    at(cast.database)
    here = ("--as", "coordinator", "--program", "greater-montreal")
    theirs = open_onboarding(cast.other)
    with cast.other.session() as session:
        task_id = str(step(session, theirs, "plan_coaching")["id"])
    for group, there, verb in (
        ("task", task_id, "complete"),
        ("task", task_id, "show"),
        ("case", str(theirs), "show"),
        ("case", str(theirs), "close"),
    ):
        absent = command(group, verb, NOBODY, *here)
        assert absent[0] == 1
        assert command(group, verb, there, *here) == absent
    with cast.other.session() as session:
        assert step(session, theirs, "plan_coaching")["state"] == "open"


@pytest.mark.ci
def test_a_document_is_judged_by_its_bytes_at_the_terminal_and_a_hard_name_is_a_name(
    command: Say, at: Callable[[Database], None], cast: Cast, tmp_path: Path
) -> None:
    at(cast.database)
    here = ("--as", "coordinator", "--program", "greater-montreal")
    given, family = "L’Été <script>alert(1)</script> 🌍", "O'Grès"
    with cast.session() as session:
        person_id = add_person(
            session, given_name=given, family_name=family, email=None, language="fr", by=LOADING, at=AT
        )
        place = cast.organizations["en-marge"]
        appoint(
            session,
            person_id=person_id,
            role="youth_worker",
            organization_id=place,
            starts_on=ARRIVAL,
            by=LOADING,
            at=AT,
        )
    opened = command("case", "open", "onboarding", "--person", str(person_id), "--organization", "en-marge", *here)
    case_id = UUID(opened[1].strip())
    assert f"{given} {family}" in command("case", "list", *here)[1]
    with cast.session() as session:
        asked = str(step(session, case_id, "plan_coaching")["id"])
    proof = tmp_path / "plan.pdf"
    proof.write_bytes(b"MZ\x90\x00 not a document")
    status, _, err = command("task", "complete", asked, "--document", str(proof), "--note", "Le mardi.", *here)
    assert (status, "document.not_what_it_says" in err) == (1, True)
    with cast.session() as session:
        assert step(session, case_id, "plan_coaching")["state"] == "open"
    proof.write_bytes(PDF)
    assert command("task", "complete", asked, "--document", str(proof), "--note", "Le mardi.", *here)[0] == 0
    with cast.session() as session:
        kept = step(session, case_id, "plan_coaching")
        assert (kept["state"], kept["note"]) == ("done", "Le mardi.")
        assert session.scalars(select(_evidence.c.label)).all() == ["plan.pdf"]


@pytest.mark.ci
def test_every_state_is_a_word_of_the_terminals_language(
    command: Say, at: Callable[[Database], None], cast: Cast
) -> None:
    at(cast.database)
    mine = ("--as", "coordinator", "--program", "greater-montreal")
    case_id = open_onboarding(cast)
    with cast.session() as session:
        asked, planned = (
            str(step(session, case_id, name)["id"]) for name in ("request_secure_access", "plan_training")
        )
    assert "À approuver. Étapes" in command("task", "complete", asked, *FILLED_IN, *mine, lang="fr")[1]
    assert "Now: Done" in command("task", "complete", planned, *mine)[1]
    words = {
        "fr": {"En cours", "À faire", "À approuver", "Terminé", "En retard", "Plus tard"},
        "en": {"In progress", "To do", "To approve", "Done", "Late", "Later"},
    }
    shown_for = (("case", "list"), ("case", "show", str(case_id)), ("task", "show", asked), ("work",))
    for lang, known in words.items():
        lines = [line for of in shown_for for line in command(*of, *mine, lang=lang)[1].splitlines()]
        states = {found[1] for line in lines if (found := re.match(r"(?:[! ] )?[0-9a-f-]{36}  (.+?)  ", line))}
        assert len(states) > 3
        assert states <= known, states - known


@pytest.mark.ci
def test_a_case_is_opened_moved_cancelled_and_reopened_from_the_command_line(
    command: Say, at: Callable[[Database], None], cast: Cast
) -> None:
    at(cast.database)
    mine = ("--as", "coordinator", "--program", "greater-montreal")
    status, out, _ = command("case", "open", "onboarding", "--person", "worker_em", "--organization", "en-marge", *mine)
    assert status == 0
    case_id = out.strip()
    assert "Émeraude Quartz" in command("case", "list", *mine)[1]
    assert len(command("case", "show", case_id, *mine)[1].splitlines()) == 29
    assert command("case", "move-day", case_id, "arrival", "2027-01-11", *mine)[0] == 0
    assert "case.work_left" in command("case", "close", case_id, *mine)[2]
    assert command("case", "cancel", case_id, "--reason", "Ne vient plus.", *mine)[0] == 0
    assert command("case", "reopen", case_id, "--reason", "Vient.", *mine)[0] == 0
    again = command("case", "open", "onboarding", "--person", "worker_em", "--organization", "en-marge", *mine)
    assert again[0] == 1
    assert "case.already_open" in again[2]


@pytest.mark.ci
def test_a_newer_version_is_offered_with_what_it_changes_and_followed_from_the_command_line(
    command: Say, at: Callable[[Database], None], cast: Cast
) -> None:
    at(cast.database)
    here = ("--program", "greater-montreal", "--as")
    case_id = str(open_onboarding(cast))
    assert "protocol.not_offered" in command("case", "follow", case_id, "3", *here, "coordinator")[2]
    newer = onboarding().text.replace("\nversion: 2\n", "\nversion: 3\n", 1)
    newer = newer.replace("en: Plan the training to attend\n", "en: Plan the courses\n", 1)
    with cast.session() as session:
        declared = load_declared_text(newer, "newer.yaml", Protocol)
        versions.record_protocol(session, declared, by=LOADING, at=AT)
    shown = command("case", "show", case_id, *here, "coordinator")[1]
    assert "This case follows version 2; the program now has version 3. What changes:" in shown
    assert "- “Plan the training to attend” is now called “Plan the courses”." in shown
    assert "a maintenant la version 3" in command("case", "show", case_id, *here, "coordinator", lang="fr")[1]
    status, _, refused = command("case", "follow", case_id, "3", *here, "manager_em")
    assert (status, "not_offered" in refused) == (1, False), "it is the coordinator's to decide"
    assert command("case", "follow", case_id, "3", *here, "coordinator")[0] == 0
    after = command("case", "show", case_id, *here, "coordinator")[1]
    assert "Plan the courses" in after
    assert "What changes" not in after


@pytest.mark.ci
def test_every_door_of_a_task_opens_from_the_command_line(
    command: Say, at: Callable[[Database], None], cast: Cast
) -> None:
    at(cast.database)
    case_id = open_onboarding(cast)
    names = ("request_secure_access", "plan_training", "request_petty_cash", "prepare_cards_and_tools")
    with cast.session() as session:
        access, training, petty_cash, cards = (str(step(session, case_id, name)["id"]) for name in names)

    def task(verb: str, which: str, who: str, *given: str) -> str:
        status, out, err = command("task", verb, which, "--as", who, "--program", "greater-montreal", *given)
        assert (status, err) == (0, "")
        return out

    shown = task("show", access, "coordinator")
    assert "folders: Folders (participants, progress_notes, consent_forms)" in shown
    given = ("--given", "folders=progress_notes", "--given", "folders=consent_forms", "--given", "reason=Trois suivis.")
    assert "Now: To approve." in task("complete", access, "coordinator", *given)
    assert "What for: Trois suivis." in task("show", access, "manager_em")
    assert "Folders: progress notes and consent forms" in task("show", access, "manager_em")
    assert "Now: To do." in task("reject", access, "manager_em", "--reason", "Trop de dossiers.")
    assert "Now: Done." in task("complete", training, "coordinator")
    assert "Now: To do." in task("undo", training, "coordinator", "--reason", "Autre jour.")
    assert "Now: Waived." in task("waive", petty_cash, "coordinator", "--reason", "Pas de trajets.")

    assert "Béryl Calcaire" in task("show", cards, "coordinator")
    assert "Now: To do." in task("hand-back", cards, "officer", "--reason", "En congé.")
    handed_back = task("show", cards, "coordinator")
    assert "Agate Améthyste" in handed_back
    assert "Béryl Calcaire" not in handed_back
    assert "Now: To do." in task("return", cards, "coordinator", "--reason", "L’imprimeur a répondu.")
    assert "Béryl Calcaire" in task("show", cards, "coordinator")

    with cast.session() as session:
        kept = {name: step(session, case_id, name) for name in names}
    assert kept["request_secure_access"]["reason"] == "Trop de dossiers."
    assert [kept[name]["state"] for name in names] == ["open", "open", "waived", "open"]


@pytest.mark.ci
def test_a_case_in_which_nothing_is_left_is_closed_from_the_command_line(
    command: Say, at: Callable[[Database], None], cast: Cast
) -> None:
    at(cast.database)
    mine = ("--as", "coordinator", "--program", "greater-montreal")
    case_id = open_onboarding(cast)
    onboard_wholly(cast, case_id)
    assert "Closed" in command("case", "list", *mine)[1]
    assert command("case", "reopen", str(case_id), "--reason", "Un oubli.", *mine)[0] == 0
    assert "In progress" in command("case", "list", *mine)[1]
    status, out, _ = command("case", "close", str(case_id), *mine)
    assert (status, out.strip()) == (0, "The case is closed.")
    assert "Closed" in command("case", "list", *mine)[1]


# --------------------------------------------------------------------------------- where the database cannot be used

FILE = str(PROGRAM)
NOBODY = "00000000-0000-4000-8000-000000000000"
#: What is filled in to ask for the secure network.
FILLED_IN = ("--given", "folders=participants", "--given", "reason=Trois suivis.")
#: A command of each way to the database.
ASKING = (
    ("program", "load", FILE, "--yes"),
    ("program", "export"),
    ("work", "--as", "coordinator"),
    ("task", "complete", NOBODY, "--as", "coordinator"),
    ("protocol", "plan", "--anchor", "arrival=2027-01-11"),
    ("administrator", "me@agency.example", "--given", "A", "--family", "B", "--organization", "ccsmtl"),
    ("verify",),
)


@pytest.mark.ci
@pytest.mark.wide(4)
@pytest.mark.parametrize("asked", [*ASKING, ("migrate",)], ids=lambda asked: " ".join(asked[:2]))
def test_a_database_that_is_away_is_one_sentence_in_the_readers_language(
    command: Say, monkeypatch: pytest.MonkeyPatch, asked: tuple[str, ...]
) -> None:
    port = free_port()
    for name, driver, role in (("", "psycopg", "app"), ("OWNER_", "psycopg", "owner")):
        monkeypatch.setenv(f"DATABASE_{name}URL", f"postgresql+{driver}://spheres_{role}:word@127.0.0.1:{port}/spheres")
    for lang, sentence in (("en", "The database does not answer"), ("fr", "La base de données ne répond pas")):
        status, out, err = command(*asked, lang=lang)
        assert (status, out) == (2, "")
        assert err.startswith(sentence)
        assert len(err.splitlines()) == 1
        assert "word" not in err


def test_a_password_that_the_database_does_not_take_is_one_sentence(
    command: Say, at: Callable[[Database], None], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(database)
    wrong = make_url(database.url).set(password="mot-de-passe-d-hier")
    monkeypatch.setenv("DATABASE_URL", wrong.render_as_string(hide_password=False))
    status, _, err = command("program", "export")
    assert (status, len(err.splitlines())) == (2, 1)
    assert "does not let us in" in err


@pytest.mark.ci
@pytest.mark.wide(4)
@pytest.mark.parametrize("asked", ASKING, ids=lambda asked: " ".join(asked[:2]))
def test_a_database_that_was_not_migrated_is_one_sentence_that_says_what_to_do(
    command: Say,
    at: Callable[[Database], None],
    empty_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    asked: tuple[str, ...],
) -> None:
    at(empty_database)
    monkeypatch.delenv("DATABASE_OWNER_URL")
    for lang, sentence in (("en", "The database is not up to date"), ("fr", "La base de données n’est pas à jour")):
        status, out, err = command(*asked, lang=lang)
        assert (status, out) == (2, "")
        assert err.replace("\N{NO-BREAK SPACE}", " ").startswith(sentence)
        assert "spheres migrate" in err
        assert len(err.splitlines()) == 1


@pytest.mark.parametrize("asked", [("migrate",), ("program", "load", FILE, "--yes")], ids=lambda asked: asked[0])
def test_a_database_that_a_newer_program_brought_further_is_left_as_it_is_and_one_sentence_says_so(
    command: Say, at: Callable[[Database], None], cast: Cast, asked: tuple[str, ...]
) -> None:
    at(cast.database)
    owner = create_engine(cast.database.owner_url, poolclass=NullPool)
    with owner.begin() as connection:
        connection.execute(text("delete from alembic_version"))
        connection.execute(text("insert into alembic_version values ('9999_later')"))
    status, _, err = command(*asked)
    assert (status, len(err.splitlines())) == (2, 1)
    assert "put back the copy of before the upgrade" in err


@pytest.mark.parametrize("asked", [("migrate",), ("program", "load", FILE, "--yes")], ids=lambda asked: asked[0])
def test_a_database_of_a_trial_version_is_left_as_it_is_and_one_sentence_a_language_says_what_to_do(
    command: Say, at: Callable[[Database], None], cast: Cast, asked: tuple[str, ...]
) -> None:
    at(cast.database)
    owner = create_engine(cast.database.owner_url, poolclass=NullPool)
    with owner.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '0034'"))
    for lang, sentence in (
        ("en", "A trial version of the program made"),
        ("fr", "Une version d’essai du programme a fait"),
    ):
        status, out, err = command(*asked, lang=lang)
        assert (status, out, len(err.splitlines())) == (2, "", 1)
        assert err.startswith(sentence)
        assert "spheres program export" in err
        assert "DATABASE_OWNER_URL" in err


def test_nobody_migrates_without_the_owners_address(
    command: Say, at: Callable[[Database], None], empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(empty_database)
    monkeypatch.delenv("DATABASE_OWNER_URL")
    status, _, err = command("migrate")
    assert (status, len(err.splitlines())) == (2, 1)
    assert "DATABASE_OWNER_URL" in err


@pytest.mark.ci
@pytest.mark.wide(8)
@pytest.mark.parametrize("passes", ["a superuser", "who may act as the owner"])
def test_nothing_begins_as_a_role_that_passes_the_walls_of_the_database(
    command: Say,
    at: Callable[[Database], None],
    empty_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    passes: str,
) -> None:
    at(empty_database)
    assert command("migrate")[0] == 0
    if passes == "a superuser":
        monkeypatch.setenv("DATABASE_URL", empty_database.admin_url)
    else:
        monkeypatch.setenv("DATABASE_OWNER_URL", empty_database.admin_url)
        monkeypatch.setenv("DATABASE_URL", empty_database.owner_url)
    for asked in (["migrate"], ["program", "load", FILE, "--yes"]):
        status, out, err = command(*asked)
        assert (status, out, len(err.splitlines())) == (2, "", 1), asked
        assert "DATABASE_URL signs in as a role that passes every wall" in err


@pytest.mark.ci
def test_the_first_load_migrates_where_the_owner_is_known(
    command: Say, at: Callable[[Database], None], empty_database: Database
) -> None:
    at(empty_database)
    status, out, err = command("program", "load", FILE, "--yes")
    assert (status, err) == (0, "")
    assert "Loaded: " in out
    assert command("program", "load", FILE, "--yes")[1].strip() == "Nothing changes."


@pytest.mark.parametrize(
    ("set_to", "asked", "is_demonstration"),
    [("yes", ["--no-demo"], False), ("no", ["--demo"], True), ("yes", [], True), ("", [], False)],
)
def test_whoever_is_let_in_without_signing_in_is_what_the_command_says_whatever_was_set_before(
    command: Say, monkeypatch: pytest.MonkeyPatch, set_to: str, asked: list[str], is_demonstration: bool
) -> None:
    """A forgotten SPHERES_DEMO does not open a real program to anyone."""
    monkeypatch.setenv("SPHERES_DEMO", set_to)
    became: list[dict[str, str]] = []

    def become(_file: str, _arguments: list[str], environment: dict[str, str]) -> None:
        became.append(environment)

    def keep(environment: dict[str, str]) -> int:
        became.append(environment)
        return 0

    monkeypatch.setattr("os.execve", become)
    monkeypatch.setattr("api.cli.installation._keep", keep)
    for name in ("heed", "hold_back"):
        monkeypatch.setattr(stopping, name, lambda: None)  # the signals of the tests are not theirs
    # As it is nearly always written it begins at once, and no other command is read for it.
    status, _, said = command("up", *asked)
    assert status == 0, said
    with pytest.raises(SystemExit, match="0"):
        run()
    begun, told = (Settings.from_env(environment | {"DATABASE_URL": ""}) for environment in became)
    assert begun.demo is told.demo is is_demonstration


@pytest.mark.parametrize(
    ("base_url", "proxies", "is_told"),
    [
        ("https://spheres.example", "", True),
        ("https://spheres.example", "10.0.0.5", False),
        ("", "", False),
    ],
)
def test_an_installation_behind_a_proxy_that_it_does_not_know_says_whom_it_counts_as_one(
    capsys: pytest.CaptureFixture[str], base_url: str, proxies: str, is_told: bool
) -> None:
    _welcome(Settings.from_env({"SPHERES_BASE_URL": base_url, "SPHERES_TRUSTED_PROXIES": proxies}), 1.0)
    assert ("SPHERES_TRUSTED_PROXIES" in capsys.readouterr().out) is is_told
