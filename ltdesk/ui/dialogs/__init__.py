"""Dialogs: each asks for or shows one thing, takes plain data and gives plain data back."""
