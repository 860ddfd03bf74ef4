"""Somebody leaves: what is in their hands, who takes each thing over or how it ends, and who follows in the role."""
