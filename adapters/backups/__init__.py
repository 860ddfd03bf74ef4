"""Copies of an installation that leave the machine encrypted, and the way back from them."""
