"""The program lived through, outside the product: what it promises, looked at in a database, whoever acted."""
