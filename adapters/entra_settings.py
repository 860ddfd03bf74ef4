"""The registration of an installation in Microsoft Entra ID, as the operator's environment says it."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from adapters.environment import SettingsError, contents_of, id_of, path_of, text_of

#: What ENTRA_TENANT says where people of several tenants sign in, each in their own.
SEVERAL_TENANTS: Final = "organizations"
_PUBLIC_CLOUD: Final = "https://login.microsoftonline.com"
_PEM: Final = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)


@dataclass(frozen=True)
class EntraSettings:
    """The registration of this installation in Microsoft Entra ID, and whose people it lets sign in.

    `tenant` is the id of the one tenant in which all have an account, guests included, or `SEVERAL_TENANTS`; `tenants`
    are those whose word is taken. `authority` is the cloud's address without a tenant.
    """

    client_id: str
    tenant: str
    tenants: frozenset[UUID]
    authority: str = _PUBLIC_CLOUD
    secret_file: Path | None = None
    certificate_file: Path | None = None
    ca_file: Path | None = None

    def credential(self) -> str | dict[str, str]:
        """What proves us to Entra, as msal takes it: the secret, or the key with its certificate.

        Read anew each time, so that it can be changed without a restart. Raises SettingsError where the file cannot be
        read or does not hold it.
        """
        if self.certificate_file is not None:
            return _key_and_certificate(contents_of("ENTRA_CERTIFICATE_FILE", self.certificate_file))
        assert self.secret_file is not None, "one of the two is always set"  # noqa: S101  # `entra_of` sees to it
        word = contents_of("ENTRA_CLIENT_SECRET_FILE", self.secret_file).strip()
        if not word:
            raise SettingsError("ENTRA_CLIENT_SECRET_FILE", "names a file that holds no secret.")
        return word

    def trusted(self) -> ssl.SSLContext | None:
        """Whom we believe to be Entra, where that is not for the system to say. Raises SettingsError."""
        if self.ca_file is None:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError):
            raise SettingsError("ENTRA_CA_FILE", "names a file that holds no certificates in PEM form.") from None


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
    secret, certificate = path_of(env, "ENTRA_CLIENT_SECRET_FILE"), path_of(env, "ENTRA_CERTIFICATE_FILE")
    if secret and certificate:
        raise SettingsError("ENTRA_CERTIFICATE_FILE", "is set beside ENTRA_CLIENT_SECRET_FILE; keep one of the two.")
    if not secret and not certificate:
        raise SettingsError("ENTRA_CERTIFICATE_FILE", "or ENTRA_CLIENT_SECRET_FILE is needed with ENTRA_CLIENT_ID.")
    entra = EntraSettings(
        client_id=client_id,
        tenant=tenant,
        tenants=tenants,
        authority=_authority(env),
        secret_file=secret,
        certificate_file=certificate,
        ca_file=path_of(env, "ENTRA_CA_FILE"),
    )
    entra.credential()  # what is missing is told now, not to the first who signs in
    entra.trusted()
    return entra


def _tenants(env: Mapping[str, str]) -> tuple[str, frozenset[UUID]]:
    """At which tenant people sign in, and those whose word is taken."""
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


def _authority(env: Mapping[str, str]) -> str:
    name = "ENTRA_AUTHORITY"
    given = text_of(env, name, _PUBLIC_CLOUD)
    try:
        parts = urlsplit(given)
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise SettingsError(name, f"is not an address such as {_PUBLIC_CLOUD}.") from None
    plain = not (parts.path.strip("/") or parts.query or parts.fragment) and parts.username is None
    if parts.scheme != "https" or not parts.hostname or not plain:
        raise SettingsError(name, f"must be a host's address alone, such as {_PUBLIC_CLOUD}.")
    return f"https://{parts.netloc}"


def _key_and_certificate(pem: str) -> dict[str, str]:
    """The two parts of a file that holds a private key and its certificate. Raises SettingsError."""
    # Only an installation that has a certificate pays for this import, and it is the costly part of this module.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    blocks = [(found[1], found[0]) for found in _PEM.finditer(pem)]
    keys = [block for kind, block in blocks if kind.endswith("PRIVATE KEY")]
    certificates = [block for kind, block in blocks if kind == "CERTIFICATE"]
    wrong = SettingsError("ENTRA_CERTIFICATE_FILE", "must hold a private key without a password, and its certificate.")
    if len(keys) != 1 or not certificates:
        raise wrong
    try:
        key = load_pem_private_key(keys[0].encode(), password=None)
        own = x509.load_pem_x509_certificate(certificates[0].encode())
    except (ValueError, TypeError):
        raise wrong from None
    if key.public_key() != own.public_key():
        raise wrong
    return {"private_key": keys[0], "public_certificate": certificates[0]}
