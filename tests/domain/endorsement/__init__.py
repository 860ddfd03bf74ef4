"""Tests of what the partners make of a decision."""
