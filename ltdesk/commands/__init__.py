"""What each command does; `ltdesk.cli` parses and calls them."""
