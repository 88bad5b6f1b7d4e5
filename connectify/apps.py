"""The app that stands in for django.contrib.admin: the same, with our site."""

from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    default_site = "social.admin_site.AdminSite"
