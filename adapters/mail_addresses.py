"""Addresses of mail as they are told to a server: plain ASCII, and nothing that could mean something else to it."""

import re
from typing import Final

ENVELOPE: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
