"""What ships with ltdesk and is no code; found by importlib.resources.files("ltdesk.resources")."""
