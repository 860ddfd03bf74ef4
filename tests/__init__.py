"""The tests, one folder a package; they read as sentences about the program."""
