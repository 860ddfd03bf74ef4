"""Loading a program from its file, and writing it out again."""
