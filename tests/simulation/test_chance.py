"""What a seed draws is its own: nothing that another thread of the process does changes it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import make_msgid
from uuid import uuid4

from simulation.chance import Chance, drawn_from


def _letter() -> bytes:
    letter = EmailMessage()
    letter["Message-ID"] = make_msgid(domain="spheres.example").rpartition(".")[2]  # without the moment
    letter.set_content("one")
    letter.add_alternative("<p>one</p>", subtype="html")
    return letter.as_bytes()


def _drawn(meanwhile: Callable[[], object]) -> list[object]:
    drawn: list[object] = []
    with drawn_from(Chance(7).stream("entropy")):
        for _ in range(3):
            drawn += [os.urandom(8), uuid4(), _letter()]
            meanwhile()
    return drawn


def test_a_connection_that_somebody_left_open_takes_nothing_from_what_a_seed_draws() -> None:
    def ping() -> None:
        os.urandom(4)
        uuid4()
        random.getrandbits(32)

    with ThreadPoolExecutor(1) as left_open:
        left_open.submit(ping).result()  # the thread is there before the life begins
        assert _drawn(lambda: left_open.submit(ping).result()) == _drawn(lambda: None)


def test_a_thread_that_begins_within_draws_from_the_seed() -> None:
    def drawn() -> bytes:
        with drawn_from(Chance(7).stream("entropy")), ThreadPoolExecutor(1) as within:
            return within.submit(os.urandom, 8).result()

    assert drawn() == drawn()
