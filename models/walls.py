"""What the application may not do, whatever it asks: row-level security by program, and privileges by column.

The application logs in as `spheres_app`, which owns nothing and cannot bypass a policy. Each transaction says its
program (`spheres.program_id`). Until then it finds and uses only what a sign-in or the engine begins with, and adds and
deletes no row of any program. From then on it sees that program's rows alone.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, Table, text

from models.base import CURRENT_PROGRAM, metadata

APP = "spheres_app"

#: Of no program: signs of life, where the engine is, how copies ended, sign-ins that have not come to a program yet,
#: counts of tries, what was seen of the ledger. A test lists them.
WITHOUT_POLICY = frozenset({"backup_run", "beat", "engine_seat", "rate_count", "sign_in_flow", "ledger_seen", "epoch"})
#: What is known of the ledger, which no one empties: a line without its row was lost with a restore.
OF_THE_LEDGER = frozenset({"ledger_seen", "epoch"})
#: Read before the program is known: found while the transaction has said none, and by its own program once it has;
#: added and deleted by its own program alone. Nothing nominative stands in them: a test lists their columns. Named
#: here is what may be written again; the rest stays as it was added, above all whose the row is and what opens it.
ADDED_BY_OWN = {
    "wake_up": (
        "want",
        "have",
        "wanted_at",
        "not_before",
        "leased_until",
        "leased_by",
        "taken_at",
        "attempts",
        "trouble",
        "shown",
    ),
    "browser_session": ("seen_at", "watched_at", "ended_at", "ended_as", "shows", "shows_until"),
    "identity": ("linked_at", "ended_at"),
    "passkey": ("sign_count", "device", "used_at", "ended_at"),
    "door": ("used_at", "used_by_digest"),
    "meeting_link": ("ended_at",),
    "calendar_feed": ("read_at", "ended_at"),
    "referral_link": ("browser_digest", "used_at", "ended_at"),
}
#: All are seen while no program is said, so that one can be chosen; from then on, and to be written, its own row alone.
CHOSEN_FROM = frozenset({"program"})
#: Written once: no UPDATE, no DELETE, and the database's own columns cannot be given.
APPEND_ONLY = {
    "backup_run": (),
    "event": ("n", "recorded_at", "xid"),
    "protocol_version": (),
    "evidence_file": (),
    "engine_run": (),
    "signature": (),
    "seal": (),
    "sent_head": (),
    "incident_version": (),
    "agenda_version": (),
    "signed_file": (),
    "lateness": (),
    "obligation_finding": (),
    "obligation_file": (),
    "waiver_proposal": (),
    "criterion_finding": (),
    "admission_decision": (),
    "first_meeting": (),
    "risk_assessment": (),
    "disclosure": (),
    "kept_until": (),
    "settlement": (),
    "request": (),
    "name_answer": (),
    "ledger_seen": (),
    "epoch": (),
    "sent_before": (),
}
#: What may be written again of these all the same, by a redaction alone: the words that are taken out of every copy,
#: and the digest of what is left. The record holds the digests of before and after. Of a settlement the note that was
#: about a participant, where it is sealed afterwards; and which role it is of, where an agreement made that another.
#: And of a signature that was recorded from paper by mistake, that it was taken back, and why.
REDACTED = {
    "signature": ("taken_back_at", "taken_back_reason"),
    "incident_version": ("stood", "words", "digest"),
    "agenda_version": ("content", "digest"),
    "settlement": ("note", "holding_id"),
}
#: The only tables whose rows may be deleted: nothing of them is anyone's work. For an agreement these are the parts of
#: a draft, which a load rewrites; for a calendar, the closed days that a load removes.
DELETABLE = frozenset(
    {
        "browser_session",
        "answered_request",
        "sign_in_flow",
        "rate_count",
        "door",
        "beat",
        "task_need",
        "agreement_role",
        "obligation",
        "closure",
    }
)


def statements() -> Iterator[str]:
    """Every policy and grant of the schema, for a database in which the tables stand and nothing is granted."""
    yield f"grant usage on schema public to {APP}"
    for table in metadata.sorted_tables:
        yield from policies(table)
        yield from grants(table)


def policies(table: Table) -> Iterator[str]:
    """The wall around one table."""
    name = _quoted(table)
    if table.name in WITHOUT_POLICY:
        return
    own = f"{'id' if table.name in CHOSEN_FROM else 'program_id'} = {CURRENT_PROGRAM}"
    own_or_none_said = f"{own} or {CURRENT_PROGRAM} is null"
    yield f"alter table {name} enable row level security"
    if table.name in CHOSEN_FROM:
        yield f"create policy own_or_none_said_finds on {name} for select using ({own_or_none_said})"
        yield f"create policy own_is_added on {name} for insert with check ({own})"
        yield f"create policy own_is_changed on {name} for update using ({own}) with check ({own})"
        return
    if table.name in ADDED_BY_OWN:
        yield f"create policy own_or_none_said_finds on {name} for select using ({own_or_none_said})"
        yield f"create policy own_is_added on {name} for insert with check ({own})"
        yield f"create policy own_or_none_said_changes on {name} for update using ({own_or_none_said})"
        if table.name in DELETABLE:
            yield f"create policy own_is_deleted on {name} for delete using ({own})"
        return
    yield f"create policy own_program on {name} using ({own}) with check ({own})"


def grants(table: Table) -> Iterator[str]:
    """What the application may do with one table."""
    name = _quoted(table)
    yield f"grant select on {name} to {APP}"
    if table.name in APPEND_ONLY:
        withheld = APPEND_ONLY[table.name]
        given = ", ".join(f'"{column.name}"' for column in table.columns if column.name not in withheld)
        yield f"grant insert ({given}) on {name} to {APP}"
        if table.name in REDACTED:
            changed = ", ".join(f'"{column}"' for column in REDACTED[table.name])
            yield f"grant update ({changed}) on {name} to {APP}"
        return
    if table.name in ADDED_BY_OWN:
        changed = ", ".join(f'"{column}"' for column in ADDED_BY_OWN[table.name])
        yield f"grant insert, update ({changed}) on {name} to {APP}"
    else:
        yield f"grant insert, update on {name} to {APP}"
    if table.name in DELETABLE:
        yield f"grant delete on {name} to {APP}"


def build(connection: Connection) -> None:
    """Put up the walls of a fresh database, after `metadata.create_all`."""
    for statement in statements():
        connection.execute(text(statement))


def _quoted(table: Table) -> str:
    return f'"{table.name}"'
