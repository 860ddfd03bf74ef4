"""The ports: what the program asks of the outside world, as Protocols that `adapters` fulfil.

The Mailer, the Inbox, the Accounts, the SignInProvider, the keys of the record's seals and those of participants, and
the ledger of what must not come back.
Calendars are reached by mail (docs/adr/0011), and need no port of their own. A port speaks in plain values and in
outcomes that are data, never in the exceptions of a library, so that a rule can decide about them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, Protocol
from uuid import UUID

from locales.told import Told

#: "550", "451 4.7.1", or one word of our own ("connect"). What a server wrote in prose may quote an
#: address or a subject line, so there is no room for it here.
_CODE = re.compile(r"[2-5][0-9]{2}( [245]\.[0-9]{1,3}\.[0-9]{1,3})?|[a-z][a-z0-9_]{0,19}")


def _no_prose(code: str) -> None:
    if not _CODE.fullmatch(code):
        msg = "an outcome carries a code, never a text"
        raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The next server took the letter and answers for it. A bounce may still come, by mail."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The letter was not taken, and sending it again now would be refused again.

    `permanent`: this letter will never be taken (an unknown address, too large). Not permanent: our own account or
    settings were refused, so that no letter at all is sent until a person sees to it. Raises ValueError where `code` is
    not a code.
    """

    permanent: bool
    code: str

    def __post_init__(self) -> None:
        _no_prose(self.code)


@dataclass(frozen=True, slots=True)
class Later:
    """Not taken now (busy, greylisted, unreachable), and nothing was delivered: try again.

    `retry_after` is how long the server asked to be left alone, where it said so. Raises ValueError where
    `code` is not a code.
    """

    code: str
    retry_after: timedelta | None = None

    def __post_init__(self) -> None:
        _no_prose(self.code)


@dataclass(frozen=True, slots=True)
class Unknown:
    """The connection was lost after the letter's text began to leave: it may have arrived, or not.

    It is sent again with identical bytes (same Message-ID, same Date), so that a server that had taken it can tell that
    it is the same letter. A mailer that can look whether it left looks first.
    """


Outcome = Accepted | Refused | Later | Unknown


class Mailer(Protocol):
    """Hands one finished letter to the mail of the outside world."""

    def send(self, *, to: str, message: bytes, again: bool = False) -> Outcome:
        """Send `message`, the finished MIME bytes, to the one address `to`, and say what came of it.

        `again`: it was in hand before, and may have left then.
        Blocks for as long as the server takes, up to the mailer's own time limit. Raises nothing
        that the outside world can cause: whatever goes wrong out there is an outcome.
        """
        ...


@dataclass(frozen=True, slots=True)
class Incoming:
    """Some of the mails that came, each as it arrived, and the `place` after them: opaque, and of this mailbox alone.

    `more`: others are there already. A mail that is larger than was asked for ends one byte after that.
    """

    messages: tuple[bytes, ...]
    place: str
    more: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The mailbox no longer knows the place: read anew from a moment."""


class Inbox(Protocol):
    """Reads the mails that come into the mailbox to which answers are sent, and leaves them there."""

    @property
    def name(self) -> str:
        """The name of this mailbox. A place in another one is none here."""
        ...

    def read(self, *, place: str, since: datetime, most_bytes: int) -> Incoming | Lost | Later | Refused:
        """The mails after `place`, some at a time; where it is "", those that came since the moment `since`.

        The same place gives the same mails again, and may give others besides. The reader stores the next place in the
        transaction in which they deal with these. Of one mail at most `most_bytes` and one more are given. Raises
        nothing that the outside world can cause.
        """
        ...


#: An account as its directory knows it. One that is absent proves nothing: its name may be written otherwise there.
AccountState = Literal["open", "closed", "absent"]


class Accounts(Protocol):
    """The directory with the accounts of one system of the program: closes them, and says whether they are closed.

    Both calls block for as long as the service takes, up to a time limit, and raise nothing that the outside world can
    cause.
    """

    @property
    def system(self) -> str:
        """The system whose accounts this directory has, by the name that the onboarding gives it."""
        ...

    def close(self, user_name: str) -> Outcome:
        """Close an account and end its sign-ins; repeating it changes nothing. It is closed when `state` says so."""
        ...

    def state(self, user_name: str) -> AccountState | Later | Refused:
        """Whether an account is open now, or why that cannot be known."""
        ...


#: What the first half of a sign-in leaves for the second: JSON that only the one who began it reads.
FlowKept = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun: the provider's `address`, to which the browser goes now.

    `kept` is JSON that only this provider reads, and that is given back to finish the sign-in. With it and with what
    the browser brings back, a person is proven: it stays on our side.
    """

    address: str
    kept: FlowKept


@dataclass(frozen=True, slots=True)
class Proven:
    """How the provider knows the browser's person: an object in the directory of a tenant, never an address."""

    tenant_id: UUID
    object_id: UUID


@dataclass(frozen=True, slots=True)
class Unproven:
    """What came back proves no one. Where people cancelled it themselves, `code` is "cancelled".

    Raises ValueError where `code` is not a code.
    """

    code: str

    def __post_init__(self) -> None:
        _no_prose(self.code)


@dataclass(frozen=True, slots=True)
class ProviderUnavailable:
    """The provider cannot be asked now, or does not accept our credential ("credential"). The person can do nothing.

    Raises ValueError where `code` is not a code.
    """

    code: str

    def __post_init__(self) -> None:
        _no_prose(self.code)


class SignInProvider(Protocol):
    """Lets people sign in where their own organization keeps their account, and says who came back.

    Each call may block for as long as the provider takes, up to a time limit of its own, and raises nothing that the
    outside world can cause.
    """

    def begin(self, *, choosing: bool = False) -> Begun | ProviderUnavailable:
        """Begin a sign-in of a person who is not known yet.

        With `choosing` the provider asks them which account to use, even where one is signed in there already.
        """
        ...

    def finish(self, kept: FlowKept, answer: Mapping[str, str]) -> Proven | Unproven | ProviderUnavailable:
        """The person who came back with `answer`, the fields that the browser brought, from the sign-in with `kept`.

        The caller has made sure that `kept` is this browser's own and is used once.
        """
        ...

    def farewell(self) -> str:
        """Where the browser ends its sign-in at the provider too, and returns from; "" where that is not known."""
        ...


class SealKeys(Protocol):
    """The keys by which the record is sealed. They are outside the database, so that its holder cannot seal."""

    def current(self) -> str:
        """The id of the key that seals now. Raises NoSealKey where there is none that can be used."""
        ...

    def sign(self, key_id: str, message: bytes) -> str | None:
        """HMAC-SHA-256 of `message` under that key, hexadecimal; None where the key is not here."""
        ...


class NoSealKey(Told):
    """The file of the seal keys is missing or cannot be used. One sentence, which shows no key."""


class Keys(Protocol):
    """The data keys of participants, one each, in a store outside the database, and the key of the blind marks.

    No key leaves it: it seals and opens. `about` says what the bytes are of (program, participant, field); what was
    sealed about one thing opens as nothing else. Each call raises NoKeys where the store, or its master key, cannot be
    used.
    """

    def make(self, key_id: UUID) -> None:
        """Make a data key of this id. On return, the key is on the disk for good."""
        ...

    def seal(self, key_id: UUID, clear: bytes, *, about: str) -> bytes:
        """Seal under a data key. Raises KeyGone where there is none of this id."""
        ...

    def open(self, key_id: UUID, sealed: bytes, *, about: str) -> bytes:
        """Open what was sealed. Raises KeyGone; NotSealed where it was changed, or sealed about something else."""
        ...

    def digest(self, key_id: UUID, message: str) -> str:
        """A digest of `message` under a data key, hexadecimal: always the same. Raises KeyGone."""
        ...

    def mark(self, message: str) -> str:
        """A keyed digest of `message`, always the same for the same message: without the key it tells nothing."""
        ...

    def destroy(self, key_id: UUID) -> bool:
        """Destroy a data key, and with it all that it sealed, in every copy. Returns whether there was one."""
        ...

    def held(self, *, made_before: datetime) -> frozenset[UUID]:
        """The ids of the data keys that are in the store and were made before a moment."""
        ...


class NoKeys(Told):
    """The store of the data keys or its master key is missing or cannot be used. One sentence, which shows no key."""


class KeyGone(Exception):
    """There is no data key of this id: what it sealed is noise."""


class NotSealed(Exception):
    """The bytes do not open: changed, cut, or sealed about something else."""


#: Where a session keeps what is to be written to the ledger before it commits, the ledger itself, and the epoch.
LEDGER_NOTES: Final = "ledger_notes"
LEDGER: Final = "ledger"
EPOCH: Final = "epoch"

#: The kind of a line that says of others that what they tell of was never done. It may come with its own row or not.
VOID: Final = "void"

#: What a line of the ledger says of its subject: ids, codes, numbers, days and moments as text, and nothing else.
LedgerFact = str | int | bool | list[str]


@dataclass(frozen=True, slots=True)
class LedgerNote:
    """What is to stand in the ledger: its kind, the program and the id that it is about, and opaque facts."""

    kind: str
    at: datetime
    program_id: UUID | None = None
    id: UUID | None = None
    more: Mapping[str, LedgerFact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A note as it stands in the ledger: its number, the transaction that it was of, the epoch, and its digest.

    `xid` is PostgreSQL's number of the transaction, 0 of a line that was written outside one. It says something on
    that `server` alone, as `models.ledger.SERVER` has it: another one, or another timeline, gives the number anew.
    """

    n: int
    note: LedgerNote
    xid: int
    epoch: int
    digest: str
    server: str = ""


class Ran(NamedTuple):
    """The transaction that lines are written in: PostgreSQL's number of it, and the server on which it has that one."""

    xid: int = 0
    server: str = ""


#: Of lines that are written outside a transaction.
NOT_RUN: Final = Ran()


class OtherEpoch(Exception):
    """The database was restored, and that was dealt with, while this was under way: nothing of it was done."""


class Ledger(Protocol):
    """The list of what must not come back: append-only, outside the database and outside its backups.

    Each call raises NoLedger where it is missing, was changed, or cannot be written.
    """

    def append(
        self, notes: Sequence[LedgerNote], *, ran: Ran = NOT_RUN, epoch: int | None = None, within: int | None = None
    ) -> Sequence[LedgerLine]:
        """Write lines. On return, they are on the disk for good. Without `epoch` they are of the one of the last line.

        Where that fails, none is written. Raises OtherEpoch where the last line is not of the epoch `within`.
        """
        ...

    def refuse_unwritable(self) -> None:
        """Raises NoLedger where a line could not be written now."""
        ...

    def last(self) -> LedgerLine | None:
        """The last line; None where nothing was written yet."""
        ...

    def lines(self) -> Sequence[LedgerLine]:
        """Every line, after checking each against its signature and against the line before it."""
        ...

    def since(self, n: int) -> Sequence[LedgerLine]:
        """The lines from this number on, checked, without reading those before; none where it ends before."""
        ...

    def readable(self) -> Sequence[LedgerLine]:
        """The lines up to the first one that is not right; none, where it is missing. Raises nothing."""
        ...

    def begin_anew(self, notes: Sequence[LedgerNote], *, after: int, epoch: int, at: datetime) -> None:
        """Put it aside, and begin one that goes on after a number, in an epoch, with these notes: all at once."""
        ...


class NoLedger(Told):
    """The ledger is missing, was changed, or cannot be written. One sentence, which says what to do."""
