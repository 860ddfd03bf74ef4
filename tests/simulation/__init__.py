"""What the program promises, and the program lived through."""
