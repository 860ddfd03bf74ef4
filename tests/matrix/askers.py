"""The kinds of asker of the matrix, each with a sign-in of its own, made directly as rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import insert

from api.access.session import IDLE
from models.access import BrowserSession
from models.base import table_of
from tests.cast import AT, Cast
from tests.matrix.world import World

_sign_in = table_of(BrowserSession)


@dataclass(frozen=True)
class Kind:
    """One kind of asker: one of the world's people (none where nobody is signed in), and what is special about them.

    `is_out` where their sign-in no longer holds; `elsewhere` where they are of the other program.
    """

    column: str
    person: str | None
    means: str
    is_out: bool = False
    elsewhere: bool = False


#: The columns of the matrix, in their order. The three cases are about a worker of CODIM, L'Anonyme and the CCSMTL.
KINDS: Final[tuple[Kind, ...]] = (
    Kind("anon", None, "nobody is signed in", is_out=True),
    Kind("expd", "coordinator", "the coordinator, whose sign-in lay idle too long", is_out=True),
    Kind("left", "departed", "a worker of CODIM who left, and whose sign-in was never ended", is_out=True),
    Kind("othp", "coordinator", "the coordinator of the other program", elsewhere=True),
    Kind("othr", "manager_em", "the manager of another organization"),
    Kind("subj", "worker_codim", "the worker of CODIM whom its case is about"),
    Kind("coll", "colleague", "another worker of CODIM, with no part in a case"),
    Kind("work", "worker_ccsmtl", "the worker of the CCSMTL whom its case is about, a stranger to the others"),
    Kind("mana", "manager_codim", "the manager of CODIM"),
    Kind("dire", "director_codim", "the director of CODIM"),
    Kind("away", "manager_la", "the manager of L’Anonyme, who is away"),
    Kind("depu", "second_deputy", "who acts for the manager of L’Anonyme meanwhile"),
    Kind("coor", "coordinator", "the coordinator"),
    Kind("offi", "officer", "the administrative officer, who has a part in each case"),
    Kind("itco", "it_contact", "the IT contact, who will have a part in each case"),
    Kind("cmte", "specialist", "a member of the Clinical Committee from a specialized organization"),
    Kind("barr", "barred", "a member of that committee whom every participant has barred from their file"),
    Kind("poli", "police", "the police representative"),
    Kind("rese", "researcher", "the researcher"),
    Kind("reco", "research_coordinator", "who coordinates the research"),
    Kind("admi", "administrator", "who runs the installation"),
    Kind("priv", "privacy_officer", "who answers for the protection of personal information"),
)

COLUMNS: Final[Mapping[str, Kind]] = {kind.column: kind for kind in KINDS}


def cookie_of(kind: Kind) -> str:
    """The cookie that a kind of asker comes with; "" where nobody is signed in."""
    return f"matrix-{kind.column}" if kind.person else ""


def sign_everyone_in(world: World, digest: Mapping[str, str]) -> None:
    """Make a sign-in for each kind, as if a moment ago. `digest` gives each cookie's digest."""
    for kind in KINDS:
        if kind.person is None:
            continue
        cast: Cast = world.cast.other if kind.elsewhere else world.cast
        person = cast.people[kind.person] if kind.elsewhere else world.people[kind.person]
        seen = AT - IDLE - timedelta(minutes=1) if kind.column == "expd" else AT
        with cast.session() as session:
            session.execute(
                insert(_sign_in).values(
                    token_digest=digest[kind.column],
                    program_id=cast.program_id,
                    person_id=person,
                    means="demonstration",
                    signed_in_at=seen,
                    seen_at=seen,
                )
            )
