"""Answers to what the session asks for, kept up to date off the GUI thread."""
