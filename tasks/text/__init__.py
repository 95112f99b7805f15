"""Text for people, whatever it was made from."""
