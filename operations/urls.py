from django.urls import path

from operations import views

urlpatterns = [path("live/", views.live), path("ready/", views.ready)]
