"""Whole ways through the program, as people and the machine go them."""
