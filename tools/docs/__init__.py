"""Pages of the documentation that are made from the code, so that each list is written once."""
