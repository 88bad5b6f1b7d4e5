"""Django's backend for PostgreSQL, with a circuit that opens when the server does not answer."""
