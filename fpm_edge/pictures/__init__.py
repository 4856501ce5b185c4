"""Landmarks drawn into pictures and videos. Knows no network."""
