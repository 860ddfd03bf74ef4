"""The onboarding of a youth worker as Prefect knows it: one run takes one case as far as it can go now.

What its steps are stands in `protocol.yaml`, what the engine does of them in `actions.py`, and how a case is carried,
the same for every protocol, in `flows.carry`.
"""

from flows.carry import protocol_flow

onboarding = protocol_flow("onboarding")
