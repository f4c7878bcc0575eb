"""What we know of libraries: a table of facts each, and for an ORM a dialect."""
