"""A departure as Prefect knows it: one run takes one case as far as it can go now.

What its steps are stands in `protocol.yaml`, what the engine does of them in `actions.py`.
"""

from flows.carry import protocol_flow

departure = protocol_flow("departure")
