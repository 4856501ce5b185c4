"""A bundle opened and its stages run: what `detect` does."""
