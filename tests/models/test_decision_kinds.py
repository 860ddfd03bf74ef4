"""A kind of decision is one row: what the program takes, shows and stores follows from it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import CheckConstraint

from adapters.database import migrate
from api.json.sitting_shapes import DecisionGiven
from bench.house import sources
from domain.endorsement.counting import counts_by
from domain.kernel.refusals import Refusal
from locales import catalogue as translations
from locales import say
from meetings import deciding, decisions
from models.base import one_of, table_of
from models.decision_kinds import KINDS, MANAGEMENT, DecisionKind
from models.follow_up import ACTIVITY_TYPES
from models.minutes import Decision
from tests.api.application import client_for
from tests.api.pages.looking import text_of
from tests.cast import Arranged, Cast
from tests.meetings import meeting_room
from tests.meetings.meeting_room import MINUTE, NOW, PRESENT, meeting, opened
from tests.models.catalogue import catalogue
from tests.models.conftest import as_superuser

ROOT: Final = Path(__file__).resolve().parents[2]
FURTHER: Final = DecisionKind("orientation", "Orientation of the program", "It goes to everyone.", unasked="No one.")


def _keys_in(node: ast.AST) -> set[str]:
    """The keys of kinds that a literal lists: as a tuple, list, set, mapping, or type."""
    if isinstance(node, ast.Dict):
        parts: list[ast.expr | None] = list(node.keys)
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        parts = list(node.elts)
    else:
        return set()
    listed = {str(part.value) for part in parts if isinstance(part, ast.Constant)}
    # The types of activities (FU-6) have two words in common with the kinds, and are another list.
    return set() if listed >= set(ACTIVITY_TYPES) else listed & set(KINDS)


def _names_one(node: ast.AST) -> bool:
    """Whether a kind is named by its key: given as a kind, or compared with one."""
    if isinstance(node, ast.keyword):
        named, values = node.arg == "kind", [node.value]
    elif isinstance(node, ast.Compare):
        values = [node.left, *node.comparators]
        named = any(isinstance(part, ast.Attribute) and part.attr == "kind" for part in values)
    else:
        return False
    return named and any(isinstance(part, ast.Constant) and part.value in KINDS for part in values)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_each_kind_has_all_its_parts_in_both_languages(kind: DecisionKind) -> None:
    assert re.fullmatch(r"[a-z_]+", kind.key)
    known = {str(one) for one in translations("fr")._catalog}  # type: ignore[attr-defined]
    for words in (kind.title, kind.hint, kind.unasked):
        assert not words or words in known, words
    assert kind.title
    assert kind.unasked
    assert say("fr", kind.title) != kind.title


def test_no_other_module_or_page_lists_the_kinds() -> None:
    """Two of them in one list would be a list that the next kind has to be written into."""
    found = [
        (file.name, sorted(keys))
        for file in sources()
        if file.name != "models/decision_kinds.py"
        for node in file.nodes
        if len(keys := _keys_in(node)) > 1
    ]
    assert found == []
    named = [(file.name, ast.unparse(node)) for file in sources() for node in file.nodes if _names_one(node)]
    assert named == []
    pages = [path for path in (ROOT / "api/templates").glob("*.html") if f'"{MANAGEMENT.key}"' in path.read_text()]
    assert pages == []
    tables = (ROOT / "models/migrations").rglob("*.sql")
    assert [path for path in tables if f"'{MANAGEMENT.key}'" in path.read_text("utf-8")] == []


def test_the_json_window_takes_each_kind_and_no_other() -> None:
    assert DecisionGiven.model_json_schema()["properties"]["kind"]["enum"] == list(KINDS)


@pytest.fixture
def further(cast: Cast, arranged: Arranged[None], monkeypatch: pytest.MonkeyPatch) -> Cast:
    """A program in whose registry stands a further row, once it was upgraded; a meeting of it is under way."""
    arranged(cast, meeting_room.planned)
    (check,) = (one for one in table_of(Decision).constraints if one.info.get("grows"))
    assert isinstance(check, CheckConstraint)
    monkeypatch.setitem(KINDS, FURTHER.key, FURTHER)
    monkeypatch.setattr(check, "sqltext", one_of("kind", tuple(KINDS)).sqltext)
    with as_superuser(cast.database) as connection:
        before = catalogue(connection)
    migrate(cast.database.owner_url)
    with as_superuser(cast.database) as connection:
        (changed,) = catalogue(connection) - before
    assert "ck_decision_kind" in changed
    with cast.session() as session:
        opened(session, cast, *PRESENT)
    return cast


def test_a_further_row_is_a_further_kind_and_needs_no_migration(further: Cast) -> None:
    by = further.actor("coordinator")
    with further.session() as session:
        here = meeting(session)
        made = deciding.decide(session, here, None, text_fr="Viser juin.", kind=FURTHER.key, by=by, at=NOW)
        row = decisions.decision_of(session, made)
        assert counts_by(row)
        assert decisions.endorsements_in_words(session, [row])[made].en == FURTHER.unasked
        with pytest.raises(Refusal) as refused:
            deciding.decide(session, here, None, text_fr="Viser mai.", kind="whim", by=by, at=NOW)
        assert refused.value.code == "decision.kind"
    client = client_for(further.database, further.people["coordinator"], at=NOW + MINUTE)
    form = text_of(client.get(f"/meetings/{here}/run").text)
    assert f"{FURTHER.title} {FURTHER.hint}" in form
    sent = client.post(f"/meetings/{here}/run/decision", data={"text_fr": "Viser avril.", "kind": FURTHER.key})
    assert sent.status_code == 303
    assert FURTHER.title in text_of(client.get(f"/decisions/{made}").text)
    assert client.get(f"/api/v1/decisions/{made}").json()["kind"] == FURTHER.key


def test_an_upgrade_leaves_a_list_alone_that_is_as_the_registry_has_it(cast: Cast) -> None:
    with as_superuser(cast.database) as connection:
        before = catalogue(connection)
        stands = connection.exec_driver_sql("select oid from pg_constraint where conname = 'ck_decision_kind'").scalar()
    migrate(cast.database.owner_url)
    with as_superuser(cast.database) as connection:
        assert catalogue(connection) == before
        after = connection.exec_driver_sql("select oid from pg_constraint where conname = 'ck_decision_kind'").scalar()
    assert after == stands
