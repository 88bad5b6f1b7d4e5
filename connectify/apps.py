"""The app that replaces django.contrib.admin: the same, but with our admin site."""

from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    default_site = "social.admin_site.AdminSite"
