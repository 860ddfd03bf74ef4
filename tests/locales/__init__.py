"""The tests of the two languages."""
