"""The command line: what operators and authors ask of it, and wrong files told by their lines."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url, select, text

from adapters.settings import Settings
from api.cli import main, stopping, terminal
from api.cli.commands import run
from api.cli.installation import _welcome
from domain.people.people import end_tenure
from models.base import table_of
from models.casework import Evidence
from models.program import Tenure
from tests.cast import AT, ONBOARDING, PROGRAM, TODAY, Cast
from tests.conftest import Database
from tests.fakes.ledger import LEDGER
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
def at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Database], None]:
    """Points the settings at a test's database, and the commands at the ledger that it was written with."""
    monkeypatch.setattr(terminal, "ledger_of", lambda _: LEDGER)
    monkeypatch.setattr(terminal, "refuse_another_epoch", lambda *_: 0)  # it is the ledger of every test
    monkeypatch.setenv("SPHERES_DATA", str(tmp_path / "data"))

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
    status, _, err = command("program", "export")
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


# --------------------------------------------------------------------------------- where the database cannot be used

FILE = str(PROGRAM)
#: A command of each way to the database.
ASKING = (
    ("program", "load", FILE, "--yes"),
    ("program", "export"),
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
    command: Say, at: Callable[[Database], None], empty_database: Database, monkeypatch: pytest.MonkeyPatch, passes: str
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

    def keep(environment: dict[str, str], **_: object) -> int:
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
    [("https://spheres.example", "", True), ("https://spheres.example", "10.0.0.5", False), ("", "", False)],
)
def test_an_installation_behind_a_proxy_that_it_does_not_know_says_whom_it_counts_as_one(
    capsys: pytest.CaptureFixture[str], base_url: str, proxies: str, is_told: bool
) -> None:
    _welcome(Settings.from_env({"SPHERES_BASE_URL": base_url, "SPHERES_TRUSTED_PROXIES": proxies}), 1.0)
    assert ("SPHERES_TRUSTED_PROXIES" in capsys.readouterr().out) is is_told
