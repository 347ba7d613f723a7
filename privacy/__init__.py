"""Keys, pseudonyms and consent: what may be known about a person."""
