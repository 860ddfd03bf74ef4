"""A departure as Prefect knows it: one run takes one case as far as it can go now.

`protocol.yaml` has its steps, and `actions.py` what the engine does of them.
"""

from flows.carry import protocol_flow

departure = protocol_flow("departure")
