"""Each promise on words about people is found broken where the rows break it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from domain.record import incidents
from domain.record.incident_entries import IncidentEntry
from meetings import redacting
from simulation.promises import names
from tests.api.pages.gathered import END, hold
from tests.cast import AT, TODAY, Cast
from tests.models.conftest import as_superuser


def found(cast: Cast, look: Callable[..., object]) -> list[str]:
    with cast.session() as session:
        return list(look(session, END))  # type: ignore[call-overload, no-any-return]


def redacted(cast: Cast) -> None:
    meeting_id = hold(cast, typed="Parole Plantée").meeting_id
    with cast.session() as session:
        asked = redacting.ask(session, "meeting", meeting_id, ["Parole Plantée"], by=cast.actor("coordinator"), at=END)
        redacting.confirm(session, asked, by=cast.actor("privacy_officer"), at=END)
        incidents.enter(
            session,
            IncidentEntry(cast.organizations["ccsmtl"], "Une liste", "Perdue", TODAY),
            by=cast.actor("coordinator"),
            at=AT,
        )


@pytest.mark.ci
def test_each_promise_on_words_is_found_where_it_is_broken(cast: Cast) -> None:
    redacted(cast)
    for look in (names.sealed, names.by_two, names.told, names.keys_changed):
        assert found(cast, look) == [], look.__name__
    breaks = {
        names.sealed: (
            "update minutes set sealed = null",
            "update incident set words = null",
            "update incident_version set words = null",
        ),
        names.by_two: (
            "alter table redaction drop constraint ck_redaction_by_two; update redaction set settled_by = asked_by",
        ),
        names.told: ("update redaction set after = 'x'",),
        names.keys_changed: ("update word_key set made_at = made_at - interval '1 day' where destroyed_at is null",),
    }
    for look, changes in breaks.items():
        for change in changes:
            before = found(cast, look)
            with as_superuser(cast.database) as connection:
                connection.execute(text(change))
                connection.commit()
            assert len(found(cast, look)) > len(before), change
