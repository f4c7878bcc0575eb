"""Tortoise ORM."""
