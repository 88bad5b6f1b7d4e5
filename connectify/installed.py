"""Connectify's own apps, for the settings and for programs that run without Django's settings."""

SUBSCRIBERS = ("timelines", "notifications", "analytics")
APPS = ("events", "social", "fanout", *SUBSCRIBERS, "operations")
