"""Frames that keep coming: live, pool, tracking, smoothing."""
