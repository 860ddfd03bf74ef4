"""The tables of a program, what the database refuses, the lifecycles and the ports."""
