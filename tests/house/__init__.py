"""The numbers of the house: how they are counted, and how far each may go."""
