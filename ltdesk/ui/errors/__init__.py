"""What is shown and logged when something unexpected happens."""
