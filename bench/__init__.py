"""What the program costs: `python -m bench` measures it against limits on the same machine, and prints ratios."""
