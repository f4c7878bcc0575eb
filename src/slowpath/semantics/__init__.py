"""What a function does: the LibCST interpreter and its summaries."""
