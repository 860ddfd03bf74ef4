"""Words that had been taken out of a meeting stay hidden from those who sit, until it is decided."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from api.access.meetings import find_meeting
from api.access.permissions import Asker, Forbidden
from domain.kernel import Refusal
from domain.restored import standing
from domain.roles import standing as standing_on
from meetings import redacting
from tests.api.pages.gathered import END
from tests.cast import Cast
from tests.domain.restored.coming_back import CameBack
from tests.meetings.test_redacting import ask, held_with_a_name
from tests.restored import Installed, installed

__all__ = ["installed"]

#: After the restore was found, by the clock of the machine.
NOW = datetime.now(UTC) + timedelta(days=400)

pytestmark = pytest.mark.ci


def living_in(house: Installed) -> Cast:
    """The cast, whose sessions are those of an installation on the disk."""
    cast = replace(house.cast)
    object.__setattr__(cast, "session", house.session)
    return cast


def redacted(house: Installed) -> CameBack[UUID]:
    cast = living_in(house)
    meeting_id = held_with_a_name(cast)
    asked = ask(cast, meeting_id)
    copy = house.copy()
    with house.session() as session:
        redacting.confirm(session, asked, by=house.actor("privacy_officer"), at=END)
    house.put_back(copy)
    house.start()
    return CameBack(house, meeting_id)


def may_see(back: CameBack[UUID], name: str) -> bool:
    with back.house.session() as session:
        asker = Asker(back.house.person(name), standing_on(session, END.date()))
        try:
            find_meeting(session, asker, back.thing)
        except Forbidden:
            return False
        return True


def test_who_sits_reads_nothing_of_a_meeting_of_which_words_were_taken_out(installed: Installed) -> None:
    back = redacted(installed)
    assert may_see(back, "coordinator")
    assert not may_see(back, "manager_em")
    matter = back.of("redaction.done")
    with pytest.raises(Refusal) as refused:
        back.again("redaction.done", by="privacy_officer", at=END)
    assert refused.value.code == "restored.redact_first"
    back.undone("redaction.done", by="privacy_officer", at=END)
    assert matter.id not in {one.id for one in back.waiting()}
    assert may_see(back, "manager_em")


def test_it_is_done_again_once_two_people_took_the_words_out_anew(installed: Installed) -> None:
    back = redacted(installed)
    (waiting,) = installed.rows("select id from redaction where state = 'asked'")
    with installed.session() as session:
        redacting.confirm(session, waiting["id"], by=installed.actor("privacy_officer"), at=NOW)
    back.again("redaction.done", by="privacy_officer", at=NOW)
    assert [one for one in back.waiting() if one.kind == "redaction"] == []
    assert may_see(back, "manager_em")


def test_where_the_key_was_destroyed_with_the_words_nothing_opens_and_it_is_noted(installed: Installed) -> None:
    back = redacted(installed)
    (key,) = installed.rows("select id from word_key where meeting_id is not null and destroyed_at is null")
    installed.keys.destroy(key["id"])
    with installed.session() as session:
        assert standing.standing_of(session, back.of("redaction.done")).can == "by_hand"
    back.noted("redaction.done", by="privacy_officer", at=NOW)
    assert may_see(back, "manager_em")
