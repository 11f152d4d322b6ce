"""File formats, each a module that makes a Dataset of a file. Which there are: `registry`; how to add one: `format`."""
