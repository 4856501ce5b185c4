"""What kind of file something is, whether two are the same, whether one was written whole. Knows no landmark."""
