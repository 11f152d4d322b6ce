"""Colours, fonts, icons, sizes."""
