"""The tests of the program's protocols and of what carries them."""
