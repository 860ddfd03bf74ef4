"""Words about people that are in no participant's file, the keys that seal them, and what is taken out of them.

The notes of a meeting, its minutes and the register of incidents may tell of a person, as notes of a follow-up do. They
are sealed under a key of their own, outside the database. To take a name out, they are sealed anew under another key
and the one before is destroyed. No copy of the database, however old, opens any more.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text

from models.base import InProgram, answered_by_another, at_most_one, blob, moment, one_of, to, together
from models.lifecycles import REDACTION

#: The kind of words that are taken out: the record says that, and never the words.
TAKEN_OUT: Final = ("name", "telephone", "address", "birth_date", "other")


class WordKey(InProgram, table=True):
    """That the words of a meeting or an incident, or the codes of a study, have a data key; whether it still exists.

    `id` is the key's own: the store outside the database knows it by that. One is in use; the others were destroyed,
    each when words that it had sealed were taken out, or its study ended.
    """

    __table_args__ = (
        CheckConstraint("num_nonnulls(meeting_id, incident_id, study_id) = 1", name="of_one"),
        CheckConstraint("gone_at is null or destroyed_at is not null", name="gone"),
        at_most_one("one_word_key_a_meeting", "meeting_id", where="destroyed_at is null and meeting_id is not null"),
        at_most_one(
            "one_word_key_an_incident", "incident_id", where="destroyed_at is null and incident_id is not null"
        ),
        at_most_one("one_word_key_a_study", "study_id", where="destroyed_at is null and study_id is not null"),
    )

    meeting_id: UUID | None = to("meeting", default=None)
    incident_id: UUID | None = to("incident", default=None)
    study_id: UUID | None = to("study", default=None)
    made_at: datetime = moment()
    destroyed_at: datetime | None = moment(default=None)
    gone_at: datetime | None = moment(default=None)  # when the store was seen not to have it any more


class Redaction(InProgram, table=True):
    """That words are to be taken out of all that is stored of a meeting or an incident: asked by one, done by another.

    `words` are what is to be taken out, sealed; empty when it is done, declined or withdrawn. `before` and `after` are
    digests of all the texts concerned, each with the random id of this row.
    """

    __table_args__ = (
        one_of("state", REDACTION.states),
        one_of("taken_out", TAKEN_OUT),
        CheckConstraint("num_nonnulls(meeting_id, incident_id) = 1", name="of_one"),
        CheckConstraint("(state = 'asked') = (words is not null)", name="words_while_asked"),
        CheckConstraint("(state = 'done') = (before is not null)", name="done_has_digests"),
        together("digests", "before", "after"),
        CheckConstraint("(state = 'asked') = (settled_at is null)", name="settled"),
        answered_by_another(unless="state not in ('done', 'declined')"),
        Index("ix_redaction_asked", "program_id", postgresql_where=text("state = 'asked'")),
    )

    meeting_id: UUID | None = to("meeting", default=None)
    incident_id: UUID | None = to("incident", default=None)
    taken_out: str = TAKEN_OUT[0]
    words: bytes | None = blob()
    state: str = REDACTION.initial
    asked_by: UUID = to("person")
    asked_as: str
    asked_for: UUID | None = to("person", default=None)
    asked_at: datetime = moment()
    settled_by: UUID | None = to("person", default=None)
    settled_as: str = ""
    settled_for: UUID | None = to("person", default=None)
    settled_at: datetime | None = moment(default=None)
    places: int = 0  # how many texts were changed
    before: str | None = None
    after: str | None = None
    version: int = 1


class NameAnswer(InProgram, table=True):
    """The answer, by a person who may know, that words which are also a name mean no one on file here.

    `mark` is a blind one of the words and of the whole text around them: it holds while the text stays as it is.
    """

    __table_args__ = (UniqueConstraint("program_id", "mark"),)

    mark: str
    answered_by: UUID = to("person")
    answered_at: datetime = moment()
