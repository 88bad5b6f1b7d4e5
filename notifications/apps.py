from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from notifications import (
            checks,  # noqa: F401  (registers them)
            logins,
            preferences,
        )
        from social.relationships import silencers

        logins.connect()
        silencers.append(preferences.silenced_among)
