"""The onboarding of a youth worker as Prefect knows it: one run takes one case as far as it can go now.

`protocol.yaml` has its steps, `actions.py` what the engine does of them, and `flows.carry` how a case is carried, the
same for every protocol.
"""

from flows.carry import protocol_flow

onboarding = protocol_flow("onboarding")
