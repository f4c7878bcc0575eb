"""SQLAlchemy, with what builds on it: Flask-SQLAlchemy and SQLModel."""
