"""Imports in one place every package that registers with a lower one: each process imports it as it starts.

A process in which a hook has no owner does not start.
"""

from __future__ import annotations

from domain.agreements import signed_files
from domain.departure import calling_off, gathering, interviews, offers, recruiting
from domain.holdings import roles
from domain.kernel import refuse_unowned
from domain.research import groups

#: The modules that register something as they are imported.
REGISTERING = (signed_files, roles, gathering, interviews, offers, calling_off, recruiting, groups)

refuse_unowned()
