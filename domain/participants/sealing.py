"""Seals what identifies a participant under their own data key, whose id is theirs (`domain.kernel.sealing`)."""

from domain.kernel import keys_of, mark, new_key, seal, seal_again, unseal

__all__ = ["keys_of", "mark", "new_key", "seal", "seal_again", "unseal"]
