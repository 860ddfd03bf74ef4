"""Candidates and participants, verb by verb."""
