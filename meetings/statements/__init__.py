"""What is told of a whole year: each partner's statement, and the program's counts for those who fund it."""
