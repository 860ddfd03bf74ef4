"""The body of a request, as a class: what it does not know, it refuses."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Given(BaseModel):
    """A body that is taken: what it does not know, it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)
