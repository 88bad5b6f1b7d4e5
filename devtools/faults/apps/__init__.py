"""Celery apps of the harness: the real one, changed in one respect each."""
