"""What functions acquire, and what becomes of it on every way out: an abstract interpretation of its own."""
