"""Opening scans, sessions kept in files."""
