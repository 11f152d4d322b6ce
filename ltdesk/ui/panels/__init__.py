"""What stands beside and below the pictures."""
