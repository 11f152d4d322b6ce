"""Detectors on the frame: drawn, hit, moved, edited."""
