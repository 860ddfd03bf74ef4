"""The tests of the documents of meetings: what they say, how they look to a machine, and what they never hold."""
