"""Candidates and participants: how they come to the program, what is known of them, and who may follow them.

Their identity is sealed (`sealing`, `identity`); everything else goes by a reference or a number.
"""
