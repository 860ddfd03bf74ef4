"""What people declare in files: the grammars of a program and of a protocol, their checks, loading and writing out."""
