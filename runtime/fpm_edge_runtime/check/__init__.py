"""Is this device right, and how fast: self-check, child processes, choice of engine."""
