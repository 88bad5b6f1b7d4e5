"""Connectify's own apps, for the settings and for what runs without them."""

APPS = ("events", "social", "fanout", "timelines", "notifications", "analytics", "operations")
