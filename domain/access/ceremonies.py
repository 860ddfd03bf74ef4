"""The two ceremonies of a passkey, making one and signing in with one: what a browser is asked, and what it proved.

Pure: no database, no clock. The caller keeps the challenge, which is taken once. A passkey is bound to the program's
own address. It asks its person for a finger, a face or a code each time, and the browser finds it without a typed name.
The library also reads certificates of authenticators, which costs a fifth of a second at import. Import this module
where a passkey is used, not where the web starts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url, parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from domain.access.sites import Site

#: How long a browser may wait for its person.
PATIENCE_MS: Final = 120_000
#: No browser's answer is longer: an attestation with a chain of certificates has some 5,000 letters.
LONGEST_ANSWER: Final = 20_000
#: No passkey has a longer name, says the standard (WebAuthn, "credential ID"), and no index of the database holds one.
_LONGEST_CREDENTIAL: Final = 1023
#: A count of uses that the table holds. No authenticator gets there.
_HIGHEST_COUNT: Final = 2**31 - 1
#: Authenticators keep so many bytes of a name, and some refuse more.
_NAME_BYTES: Final = 64


class NotProved(Exception):
    """An answer that proves not what was asked: another challenge, site or key, no one verified, or nothing at all."""


@dataclass(frozen=True)
class CeremonyChallenge:
    """What a browser is asked, as JSON for its script, and the challenge that its answer must sign."""

    options: str
    challenge: str


@dataclass(frozen=True)
class NewKey:
    """A passkey that was just made."""

    credential_id: str
    public_key: bytes
    sign_count: int


@dataclass(frozen=True)
class PasskeyProof:
    """A person proved to hold a passkey. Its authenticator's count of uses is 0 where it does not count."""

    person_id: UUID
    sign_count: int


def ask_to_make(site: Site, person_id: UUID, name: str, has: Sequence[str]) -> CeremonyChallenge:
    """Ask for a passkey for a person, shown under `name` by the browser. `has`: the passkeys that they have already."""
    options = generate_registration_options(
        rp_id=site.host,
        rp_name="SPHÈRES",
        user_id=person_id.bytes,
        user_name=_cut(name),
        timeout=PATIENCE_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in has],
    )
    return CeremonyChallenge(options_to_json(options), bytes_to_base64url(options.challenge))


def made(site: Site, challenge: str, answer: str) -> NewKey:
    """The passkey that the browser made when asked with this challenge. Raises NotProved."""
    read = _read(answer)
    try:
        found = verify_registration_response(
            credential=read,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except Exception as error:  # the library passes on what its readers of CBOR and keys raise
        raise NotProved from error
    if found.sign_count > _HIGHEST_COUNT or not 0 < len(found.credential_id) <= _LONGEST_CREDENTIAL:
        raise NotProved
    return NewKey(bytes_to_base64url(found.credential_id), found.credential_public_key, found.sign_count)


def ask_for_any(site: Site) -> CeremonyChallenge:
    """Ask for any passkey of this site: the browser shows those that it has, and no one types a name."""
    options = generate_authentication_options(
        rp_id=site.host, timeout=PATIENCE_MS, user_verification=UserVerificationRequirement.REQUIRED
    )
    return CeremonyChallenge(options_to_json(options), bytes_to_base64url(options.challenge))


def credential_of(answer: str) -> str:
    """The passkey that an answer claims. Raises NotProved where the answer cannot be read."""
    read = _read(answer)
    try:
        return bytes_to_base64url(parse_authentication_credential_json(read).raw_id)
    except Exception as error:  # as in `made`
        raise NotProved from error


def proved(site: Site, challenge: str, answer: str, public_key: bytes) -> PasskeyProof:
    """The passkey that signed this challenge, and its person. Raises NotProved.

    The count of uses is not compared here. The library compares it before it has seen the signature, so that anyone
    could make a passkey look copied.
    """
    read = _read(answer)
    try:
        credential = parse_authentication_credential_json(read)
        found = verify_authentication_response(
            credential=credential,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
        person_id = UUID(bytes=credential.response.user_handle)
    except Exception as error:  # as in `made`
        raise NotProved from error
    if found.new_sign_count > _HIGHEST_COUNT:
        raise NotProved
    return PasskeyProof(person_id, found.new_sign_count)


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > LONGEST_ANSWER:
        raise NotProved
    try:
        read = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise NotProved from error
    if not isinstance(read, dict):
        raise NotProved
    return read


def _cut(name: str) -> str:
    return name.encode()[:_NAME_BYTES].decode(errors="ignore")
