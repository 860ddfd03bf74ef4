"""The web's own machinery: what guards a request, its language, how an answer is rendered."""
