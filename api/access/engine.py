"""Who may see how the engine does and have a case tried again: who runs the installation, in their program.

The administrator holds that role in one program, though the engine works for all of an installation. So they see two
kinds of things. Of the engine itself: its workers, its server, its address. Of the cases, rounds and letters: those of
their own program alone, as opaque ids, codes, counts and moments. Of other programs they see nothing, not a count
either: a number of stuck admissions tells that there is an admission, and no wall between programs is lowered to
tell it (`models.walls`). Who has the whole installation in hand asks at its terminal, with `spheres doctor`.

A coordinator sees the cases of their program and is no operator by it: what they need stands on their board.
"""

from __future__ import annotations

from api.access.permissions import Action, require, to_program
from api.access.session import RequestContext
from domain.kernel import Actor


def keeper(context: RequestContext, action: Action) -> Actor:
    """The actor under whom the asker does this to the engine. Raises Forbidden."""
    return require(action, to_program(context.asker))
