from django.urls import path

from notifications.api import preferences, views

urlpatterns = [
    path("push/public-key/", views.PublicKeyView.as_view(), name="push-public-key"),
    path("push/subscriptions/", views.SubscriptionsView.as_view(), name="push-subscriptions"),
    path("push/preferences/", preferences.PreferencesView.as_view(), name="push-preferences"),
    path(
        "push/preferences/authors/<id:user_id>/",
        preferences.AuthorPreferenceView.as_view(),
        name="push-author-preference",
    ),
]
