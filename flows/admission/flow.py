"""The admission of a referred person as Prefect knows it: one run takes one case as far as it can go now.

Prefect is given the case's opaque id and nothing else: not the candidate's reference, nor the number.
"""

from flows.carry import protocol_flow

admission = protocol_flow("admission")
