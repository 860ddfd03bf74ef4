"""The registration of an installation in Microsoft Entra ID, as the operator's environment says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from adapters.environment import SettingsError, id_of, text_of
from adapters.registration import Registration

#: The value of ENTRA_TENANT where people of several tenants sign in, each in their own.
SEVERAL_TENANTS: Final = "organizations"


@dataclass(frozen=True, kw_only=True)
class EntraSettings(Registration):
    """The registration of this installation in Microsoft Entra ID, and the tenants whose people may sign in.

    `tenant` is the id of the one tenant in which all have an account, guests included, or `SEVERAL_TENANTS`; `tenants`
    are those that are trusted.
    """

    word: ClassVar[str] = "ENTRA"

    tenants: frozenset[UUID]


def entra_of(env: Mapping[str, str], base_url: str) -> EntraSettings | None:
    """The registration in Entra, checked as far as this machine can; None where there is none."""
    client_id = text_of(env, "ENTRA_CLIENT_ID", "")
    others = ("TENANT", "ALLOWED_TENANTS", "CLIENT_SECRET_FILE", "CERTIFICATE_FILE", "AUTHORITY", "CA_FILE")
    if not client_id:
        for name in (f"ENTRA_{other}" for other in others):
            if text_of(env, name, ""):
                raise SettingsError(name, "is set without ENTRA_CLIENT_ID.")
        return None
    client_id = str(id_of("ENTRA_CLIENT_ID", client_id))  # as tokens write it: the audience is compared to the letter
    if not base_url.startswith("https:"):
        raise SettingsError("SPHERES_BASE_URL", "must begin with https:// where people sign in by ENTRA_CLIENT_ID.")
    tenant, tenants = _tenants(env)
    return EntraSettings.of(env, client_id=client_id, tenant=tenant, tenants=tenants)


def _tenants(env: Mapping[str, str]) -> tuple[str, frozenset[UUID]]:
    """The tenant at which people sign in, and those that are trusted."""
    tenant = text_of(env, "ENTRA_TENANT", "")
    listed = text_of(env, "ENTRA_ALLOWED_TENANTS", "").replace(",", " ").split()
    if tenant == SEVERAL_TENANTS:
        if not listed:
            raise SettingsError("ENTRA_ALLOWED_TENANTS", "is needed with ENTRA_TENANT=organizations: ids, with commas.")
        return tenant, frozenset(id_of("ENTRA_ALLOWED_TENANTS", one) for one in listed)
    if not tenant:
        raise SettingsError("ENTRA_TENANT", "is needed with ENTRA_CLIENT_ID: the tenant's id, or organizations.")
    only = id_of("ENTRA_TENANT", tenant)
    if listed:
        raise SettingsError("ENTRA_ALLOWED_TENANTS", "is for ENTRA_TENANT=organizations; one tenant allows itself.")
    return str(only), frozenset({only})
