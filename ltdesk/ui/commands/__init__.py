"""Actions, menus and keys, and what they do."""
