from django.urls import path

from notifications.api import listing, preferences, subscriptions

urlpatterns = [
    path("notifications/", listing.NotificationsView.as_view(), name="notifications"),
    path("notifications/read/", listing.NotificationsReadView.as_view(), name="notifications-read"),
    path("notifications/seen/", listing.NotificationsSeenView.as_view(), name="notifications-seen"),
    path(
        "notifications/unread-count/",
        listing.NotificationCountView.as_view(),
        name="notifications-unread-count",
    ),
    path("notifications/<id:post_id>/", listing.NotificationView.as_view(), name="notification"),
    path(
        "notifications/<id:post_id>/read/",
        listing.NotificationReadView.as_view(),
        name="notification-read",
    ),
    path("push/public-key/", subscriptions.PublicKeyView.as_view(), name="push-public-key"),
    path(
        "push/subscriptions/", subscriptions.SubscriptionsView.as_view(), name="push-subscriptions"
    ),
    path(
        "push/subscriptions/<id:pk>/",
        subscriptions.SubscriptionView.as_view(),
        name="push-subscription",
    ),
    path(
        "push/subscriptions/<id:pk>/test/",
        subscriptions.TestView.as_view(),
        name="push-subscription-test",
    ),
    path("push/preferences/", preferences.PreferencesView.as_view(), name="push-preferences"),
    path(
        "push/preferences/authors/",
        preferences.SilencedAuthorsView.as_view(),
        name="push-silenced-authors",
    ),
    path(
        "push/preferences/authors/<id:user_id>/",
        preferences.AuthorPreferenceView.as_view(),
        name="push-author-preference",
    ),
]
