from django.urls import path

from notifications.api import views

urlpatterns = [
    path("push/public-key/", views.PublicKeyView.as_view(), name="push-public-key"),
    path("push/subscriptions/", views.SubscriptionsView.as_view(), name="push-subscriptions"),
]
