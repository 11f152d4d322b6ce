"""Analyses in the window: the panel of them, their parameters, and what their results look like."""
