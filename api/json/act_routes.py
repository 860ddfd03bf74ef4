"""The declared acts over JSON: each a body that is given, and an answer that shows what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from fastapi import APIRouter, Response

from api.access.session import AtDesk
from api.acts.declaring import Act, On, Subject, endpoint_of, part
from api.json.described import PREFIX
from api.json.idempotent_requests import AtOnce, IfMatch, seen_version

Row = TypeVar("Row")

Answer = Callable[[On[Row], Any, Response], Any]
