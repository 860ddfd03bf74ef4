"""The settings: whether they can be used, and what of them is weak for an installation with real people."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from adapters.environment import is_this_machine
from api.cli.checkup.finding import Check, Finding, Group, words
from api.cli.checkup.house import Away, House
from locales import N_

READ: Final = Check("settings.read", N_("The settings can be used"))
ACCOUNT: Final = Check("settings.account", N_("It is asked by the account that runs SPHÈRES"))
PEOPLE: Final = Check("settings.people", N_("A demonstration and real people are apart"))
ADDRESS: Final = Check("settings.address", N_("People reach it over https"))
PROXIES: Final = Check("settings.proxies", N_("Askers behind a proxy are told apart"))
FILES: Final = Check("settings.files", N_("Files of secrets are for their owner alone"))


def look(house: House) -> Iterator[Finding]:
    """Look at what is set, and at the people that it is for."""
    yield READ.ok(N_("Each is known and can be used."))
    yield _account(house)
    yield _files(house)
    try:
        real = [key for _, key, _, is_demonstration in house.programs if not is_demonstration]
    except Away as away:
        yield from (one.not_asked(away.why) for one in (PEOPLE, ADDRESS, PROXIES))
        return
    yield _people(house, real)
    yield _address(house, is_real=bool(real))
    yield _proxies(house)


def _account(house: House) -> Finding:
    """Whether the data folder can be looked into: to another account everything looks as if it were not there."""
    folder = house.settings.data
    try:
        with os.scandir(folder) as inside:
            next(inside, None)
    except FileNotFoundError:
        return ACCOUNT.not_asked(words(N_("There is no data folder yet: %(folder)s."), folder=str(folder)))
    except OSError as refused:
        return ACCOUNT.wrong(
            words(
                N_("%(folder)s cannot be looked into (%(error)s)."), folder=str(folder), error=type(refused).__name__
            ),
            words(N_("Run the doctor as the account that runs SPHÈRES: what it says besides may be untrue.")),
        )
    return ACCOUNT.ok(N_("It can look into %(folder)s."), folder=str(folder))


def _people(house: House, real: list[str]) -> Finding:
    if house.is_demonstration and real:
        return PEOPLE.wrong(
            words(
                N_("The demonstration is on, in which anyone is anyone, beside the real program %(key)s."),
                key=", ".join(real),
            ),
            words(N_("Stop it at once, and start with: spheres up --no-demo")),
        )
    if house.is_demonstration:
        return PEOPLE.ok(N_("The demonstration is on, with fictitious people alone."))
    return PEOPLE.ok(N_("The demonstration is off."))


def _address(house: House, *, is_real: bool) -> Finding:
    address = house.settings.base_url
    if address.startswith("https:"):
        return ADDRESS.ok(N_("It is %(address)s; the cookie is bound to it."), address=address)
    if not is_real:
        return ADDRESS.ok(N_("It is %(address)s, of this machine alone, and no real program is here."), address=address)
    return ADDRESS.warn(
        words(
            N_("It is %(address)s: reached from this machine alone, and the cookie is not bound to https."),
            address=address,
        ),
        words(N_("Put TLS in front of it, and name the address that people type in SPHERES_BASE_URL.")),
    )


def _proxies(house: House) -> Finding:
    settings = house.settings
    if settings.base_url.startswith("https:") and not settings.trusted_proxies:
        return PROXIES.warn(
            words(N_("It is reached over https, and no proxy is named: everyone behind it counts as one asker.")),
            words(N_("Name the proxy’s address in SPHERES_TRUSTED_PROXIES.")),
        )
    if not settings.base_url.startswith("https:") and not is_this_machine(settings.host):
        return PROXIES.warn(
            words(N_("The web listens at %(host)s, for other machines, without encryption."), host=settings.host),
            words(N_("Let it listen at 127.0.0.1 (SPHERES_HOST), and put TLS in front of it.")),
        )
    return PROXIES.ok(N_("Nothing is to be told apart, or the proxy is named."))


def _files(house: House) -> Finding:
    open_ones = sorted(str(path) for path, mode in house.modes.items() if mode & 0o077)
    if open_ones:
        return FILES.wrong(
            words(N_("Other accounts can read: %(files)s."), files=", ".join(open_ones)),
            words(N_("Close them with chmod 600. Where another account may have read one, change what it holds.")),
        )
    return FILES.ok(N_("Files looked at: %(count)s."), count=len(house.modes))


GROUP: Final = Group("settings", N_("Settings"), (READ, ACCOUNT, FILES, PEOPLE, ADDRESS, PROXIES), look)
