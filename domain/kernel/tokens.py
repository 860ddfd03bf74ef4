"""What is stored of the tokens that let people in: a digest, which lets no one in, and which a restore voids."""

from __future__ import annotations

import hashlib

from sqlmodel import Session

from models.ports import EPOCH


def digest(session: Session, token: str) -> str:
    """The digest that is stored of a token, of a link's secret or of a browser's cookie.

    The epoch is in it: what was made before a restore is found by nothing that people still hold. In epoch 0, of a
    database that was never restored, it is that of the token alone.
    """
    session.connection()  # on a new one, the epoch is agreed on anew
    epoch: int = session.info.get(EPOCH, 0)
    return hashlib.sha256((f"{epoch}:{token}" if epoch else token).encode()).hexdigest()
