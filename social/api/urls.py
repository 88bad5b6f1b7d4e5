from django.urls import path, register_converter

from social.api import views
from social.api.converters import RowIdConverter

register_converter(RowIdConverter, "id")

urlpatterns = [
    path("accounts/register/", views.RegisterView.as_view(), name="register"),
    path("accounts/login/", views.LoginView.as_view(), name="login"),
    path("accounts/logout/", views.LogoutView.as_view(), name="logout"),
    path("posts/", views.PostsView.as_view(), name="posts"),
    path("posts/<id:pk>/", views.PostView.as_view(), name="post"),
    path("users/<id:user_id>/follow/", views.FollowView.as_view(), name="follow"),
    path("users/<id:user_id>/block/", views.BlockView.as_view(), name="block"),
    path("users/<id:user_id>/mute/", views.MuteView.as_view(), name="mute"),
]
