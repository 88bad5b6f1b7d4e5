"""Django's backend for PostgreSQL, with a memory of whether the server answers."""
