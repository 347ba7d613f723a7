"""Requests of the persons concerned, and the keys that their pseudonyms are made with."""
