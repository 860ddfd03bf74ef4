"""The proof of an application for a directory of Microsoft's: a secret, or a key with its certificate, each in a file.

A registration's variables begin with a word of its own (`ENTRA`, `GRAPH`), and a sentence names its variable. Files are
read anew each time, so that they can be changed without a restart.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Final, Self
from urllib.parse import urlsplit

from adapters.environment import SettingsError, contents_of, path_of, text_of

PUBLIC_CLOUD: Final = "https://login.microsoftonline.com"
_PEM: Final = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Registration:
    """An application in a directory of Microsoft's. `authority` is the cloud's address without a tenant."""

    #: The word with which its variables begin.
    word: ClassVar[str]

    client_id: str
    tenant: str
    authority: str = PUBLIC_CLOUD
    secret_file: Path | None = None
    certificate_file: Path | None = None
    ca_file: Path | None = None

    @classmethod
    def of(cls, env: Mapping[str, str], *, client_id: str, tenant: str, **more: Any) -> Self:
        """The registration with what every one has, checked as far as this machine can. Raises SettingsError."""
        secret, certificate = files_of(env, cls.word)
        made = cls(
            client_id=client_id,
            tenant=tenant,
            authority=host_of(env, f"{cls.word}_AUTHORITY", PUBLIC_CLOUD),
            secret_file=secret,
            certificate_file=certificate,
            ca_file=path_of(env, f"{cls.word}_CA_FILE"),
            **more,
        )
        made.credential()  # what is missing is told now, not with the first letter, nor to the first who signs in
        made.trusted()
        return made

    def credential(self) -> str | dict[str, str]:
        """Our proof, as msal takes it: the secret, or the key with its certificate.

        Read anew each time, so that it can be changed without a restart. Raises SettingsError where the file cannot be
        read or does not hold it.
        """
        if self.certificate_file is not None:
            name = f"{self.word}_CERTIFICATE_FILE"
            return _read_certificate(name, contents_of(name, self.certificate_file))[0]
        assert self.secret_file is not None, "one of the two is always set"  # noqa: S101  # `files_of` sees to it
        said = contents_of(f"{self.word}_CLIENT_SECRET_FILE", self.secret_file).strip()
        if not said:
            raise SettingsError(f"{self.word}_CLIENT_SECRET_FILE", "names a file that holds no secret.")
        return said

    def certificate_ends(self) -> datetime | None:
        """When our certificate ends; None where a secret proves us. Raises SettingsError."""
        if self.certificate_file is None:
            return None
        name = f"{self.word}_CERTIFICATE_FILE"
        return _read_certificate(name, contents_of(name, self.certificate_file))[1]

    def trusted(self) -> ssl.SSLContext | None:
        """The authorities that are trusted, where the system's do not decide. Raises SettingsError."""
        return trust_of(self.word, self.ca_file)


def host_of(env: Mapping[str, str], name: str, default: str) -> str:
    """The address of a host, over TLS, without a path and without its last slash. Raises SettingsError."""
    given = text_of(env, name, default)
    try:
        parts = urlsplit(given)
        _ = parts.port  # raises where it is no number
    except ValueError:
        raise SettingsError(name, "is not an address such as %(example)s.", example=default) from None
    plain = not (parts.path.strip("/") or parts.query or parts.fragment) and parts.username is None
    if parts.scheme != "https" or not parts.hostname or not plain:
        raise SettingsError(name, "must be a host's address alone, such as %(example)s.", example=default)
    return f"https://{parts.netloc}"


def files_of(env: Mapping[str, str], word: str) -> tuple[Path | None, Path | None]:
    """The file of the secret and that of the certificate, of which one is named. Raises SettingsError."""
    secret, certificate = path_of(env, f"{word}_CLIENT_SECRET_FILE"), path_of(env, f"{word}_CERTIFICATE_FILE")
    of_secret, of_certificate = f"{word}_CLIENT_SECRET_FILE", f"{word}_CERTIFICATE_FILE"
    if secret and certificate:
        raise SettingsError(of_certificate, "is set beside %(other)s; keep one of the two.", other=of_secret)
    if not secret and not certificate:
        raise SettingsError(
            of_certificate, "or %(other)s is needed with %(given)s.", other=of_secret, given=f"{word}_CLIENT_ID"
        )
    return secret, certificate


def trust_of(word: str, ca_file: Path | None) -> ssl.SSLContext | None:
    """The authorities that are trusted, where the system's do not decide. Raises SettingsError."""
    if ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise SettingsError(f"{word}_CA_FILE", "names a file that holds no certificates in PEM form.") from None


def _read_certificate(name: str, pem: str) -> tuple[dict[str, str], datetime]:
    """The parts of a file that holds a private key and its certificate, and when that ends. Raises SettingsError."""
    # Only an installation that has a certificate pays for this import, and it is the costly part of this module.
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    blocks = [(found[1], found[0]) for found in _PEM.finditer(pem)]
    keys = [block for kind, block in blocks if kind.endswith("PRIVATE KEY")]
    certificates = [block for kind, block in blocks if kind == "CERTIFICATE"]
    wrong = SettingsError(name, "must hold a private key without a password, and its certificate.")
    if len(keys) != 1 or not certificates:
        raise wrong
    try:
        key = load_pem_private_key(keys[0].encode(), password=None)
        own = x509.load_pem_x509_certificate(certificates[0].encode())
    except (ValueError, TypeError):
        raise wrong from None
    if key.public_key() != own.public_key():
        raise wrong
    return {"private_key": keys[0], "public_certificate": certificates[0]}, own.not_valid_after_utc
