"""Statements of a year: a partner’s, and the program’s."""
