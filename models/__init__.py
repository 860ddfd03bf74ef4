"""The nouns of a program: its tables, what the database refuses, the lifecycles and the ports."""
