"""What a project does to its caches: facts of functions, and all of them together."""
