"""What is shown: rows as pages and answers tell them."""
