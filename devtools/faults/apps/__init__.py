"""Celery apps of the harness, each the real one with one change."""
