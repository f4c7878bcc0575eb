"""Alembic: the migrations of projects that use SQLAlchemy."""
