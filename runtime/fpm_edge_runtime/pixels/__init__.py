"""Pictures, geometry, decoding: numbers in, numbers out. Knows no bundle and no engine."""
