"""The acts of people, each declared once."""
