"""Two slots on a device's disk, and the way back from a bad update."""
