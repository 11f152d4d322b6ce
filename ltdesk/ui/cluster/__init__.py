"""The cluster in the window: connecting, the scans in its storage, sending scans there, and what runs where."""
