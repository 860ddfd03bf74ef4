"""What people declare in files: the grammars of a program and of a protocol, and the checks that obligations name."""
