"""The pages that people work on: each module one part of the program, served as HTML in both languages."""
