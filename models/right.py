"""What a person asks of the program about their own data (access, correction, who read it), and what was answered."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint

from models.base import InProgram, at_most_one, blob, is_digest, moment, one_of, to, together
from models.consent import SIGNED_BY
from models.lifecycles import RIGHTS_REQUEST

#: What is asked for. `who_read` is who saw the file; `complaint` is one about how their data are protected.
RIGHTS = ("access", "portability", "who_read", "correction", "restriction", "complaint")
#: Those that are answered by a package of what is held.
WITH_A_PACKAGE = ("access", "portability", "who_read")
#: How the one who asks showed who they are. No copy of a paper is kept.
VERIFIED_BY = ("known_to_worker", "card_shown", "judgment_shown", "by_lawyer")
#: Why a request is refused, whole or in part: the law's own grounds. Words go with each.
REFUSAL_GROUNDS = ("health", "third_person", "not_entitled", "proceedings", "secret", "accurate", "outside")
#: How the answer reached the one who asked. No letter of the program carries one.
HANDED_OVER = ("in_person", "sealed_envelope", "own_medium", "read_together")
#: What a person says of a part that was not corrected stands beside that part.
CONTESTED = ("identity", "referral", "admission", "risk", "follow_up", "consents")


class RightsRequest(InProgram, table=True):
    """One request of a person about their own data. It is under the register's next number, and never deleted.

    `participant_id` is empty where nothing is held of who asks: they get an answer too, and nothing says who they are.
    Words are sealed under the participant's key, and go with it.
    """

    __table_args__ = (
        UniqueConstraint("program_id", "number"),
        one_of("kind", RIGHTS),
        one_of("asked_by", SIGNED_BY),
        one_of("verified_by", VERIFIED_BY),
        one_of("language", ("fr", "en")),
        one_of("state", RIGHTS_REQUEST.states),
        one_of("ground", ("", *REFUSAL_GROUNDS)),
        one_of("handed_over", ("", *HANDED_OVER)),
        one_of("contested", ("", *CONTESTED)),
        CheckConstraint("due_on > received_on", name="in_order"),
        CheckConstraint("extended_on is null or extended_on >= received_on", name="extended"),
        CheckConstraint("(state in ('received', 'preparing')) = (ended_at is null)", name="ended"),
        CheckConstraint("(state in ('refused', 'refused_in_part')) = (ground <> '')", name="refused"),
        CheckConstraint(
            "(state in ('answered', 'refused', 'refused_in_part')) = (answered_on is not null)", name="answered"
        ),
        CheckConstraint("(answered_on is not null) = (handed_over <> '')", name="reached"),
        CheckConstraint("person_id is null or kind = 'restriction'", name="of_a_worker"),
        CheckConstraint(
            "participant_id is not null or (asked is null and answer is null and statement is null and masks is null)",
            name="nobody",
        ),
        CheckConstraint("(statement is null) = (contested = '')", name="said_beside"),
        at_most_one(
            "one_request_of_a_kind",
            "participant_id",
            "kind",
            "person_id",
            where="participant_id is not null and state in ('received', 'preparing')",
            empty_is_alike=True,
        ),
    )

    number: int
    participant_id: UUID | None = to("participant", default=None, index=True)
    kind: str
    received_on: date
    due_on: date  # the last local day that the law gives
    extended_on: date | None = None  # the day of the notice that it takes longer
    asked_by: str
    verified_by: str
    verified_on: date
    language: str
    person_id: UUID | None = to("person", default=None)  # the worker of whom the person wants no more
    state: str = RIGHTS_REQUEST.initial
    asked: bytes | None = blob()  # sealed: what is to be corrected, or complained of
    masks: bytes | None = blob()  # sealed: the words that are masked in what leaves
    ground: str = ""
    answer: bytes | None = blob()  # sealed: why it was refused, or what was done
    answered_on: date | None = None
    handed_over: str = ""
    contested: str = ""
    statement: bytes | None = blob()  # sealed: what the person says of what was not corrected
    recorded_by: UUID = to("person")
    recorded_at: datetime = moment()
    ended_by: UUID | None = to("person", default=None)  # empty where the file was destroyed meanwhile
    ended_as: str = ""
    ended_at: datetime | None = moment(default=None)
    version: int = 1


class RightsPackage(InProgram, table=True):
    """What a person is given of their file: made once it was looked at, sealed, and removed after some days.

    `digest` is of what was looked at: what is made is that, and nothing that changed since.
    """

    __table_args__ = (
        is_digest("digest"),
        together("removed", "removed_at", "removed_as"),
        CheckConstraint("(sealed is null) = (removed_at is not null)", name="kept"),
        at_most_one("one_package_stands", "request_id", where="removed_at is null"),
    )

    request_id: UUID = to("rights_request")
    participant_id: UUID = to("participant", index=True)
    digest: str
    sealed: bytes | None = blob()
    kept_until: date  # the last local day on which it can be opened
    made_by: UUID = to("person")
    made_at: datetime = moment()
    removed_at: datetime | None = moment(default=None)
    removed_as: str | None = None  # over, changed, withdrawn, refused, destroyed
