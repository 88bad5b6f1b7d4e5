"""Connectify's own apps, for the settings and for what runs without them."""

SUBSCRIBERS = ("timelines", "notifications", "analytics")
APPS = ("events", "social", "fanout", *SUBSCRIBERS, "operations")
