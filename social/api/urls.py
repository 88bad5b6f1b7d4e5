from django.urls import path, register_converter

from social.api import (
    accounts,
    addresses,
    passwords,
    posts,
    profiles,
    relations,
    relationships,
    search,
    tokens,
)
from social.api.converters import RowIdConverter

register_converter(RowIdConverter, "id")

urlpatterns = [
    path("accounts/register/", accounts.RegisterView.as_view(), name="register"),
    path("accounts/login/", accounts.LoginView.as_view(), name="login"),
    path("accounts/logout/", accounts.LogoutView.as_view(), name="logout"),
    path("accounts/me/", accounts.MeView.as_view(), name="me"),
    path("accounts/close/", accounts.CloseView.as_view(), name="close"),
    path("accounts/tokens/", tokens.TokensView.as_view(), name="tokens"),
    path("accounts/tokens/<id:number>/", tokens.TokenView.as_view(), name="token"),
    path("accounts/email/", addresses.EmailView.as_view(), name="email"),
    path("accounts/email/confirm/", addresses.ConfirmView.as_view(), name="email-confirm"),
    path("accounts/password/", passwords.PasswordView.as_view(), name="password"),
    path("accounts/password/forgotten/", passwords.ForgottenView.as_view(), name="forgotten"),
    path("accounts/password/reset/", passwords.ResetView.as_view(), name="reset"),
    path("users/", search.PeopleSearchView.as_view(), name="users"),
    path("users/lookup/", search.LookupView.as_view(), name="user-lookup"),
    path("users/<id:user_id>/", profiles.ProfileView.as_view(), name="profile"),
    path("users/<id:user_id>/posts/", posts.AuthorPostsView.as_view(), name="author-posts"),
    path("users/<id:user_id>/followers/", relations.FollowersView.as_view(), name="followers"),
    path("users/<id:user_id>/following/", relations.FollowingView.as_view(), name="following"),
    path("users/<id:user_id>/follow/", relations.FollowView.as_view(), name="follow"),
    path("users/<id:user_id>/block/", relations.BlockView.as_view(), name="block"),
    path("users/<id:user_id>/mute/", relations.MuteView.as_view(), name="mute"),
    path("relationships/", relationships.RelationshipsView.as_view(), name="relationships"),
    path("blocks/", relations.BlocksView.as_view(), name="blocks"),
    path("mutes/", relations.MutesView.as_view(), name="mutes"),
    path("posts/", posts.PostsView.as_view(), name="posts"),
    path("posts/<id:pk>/", posts.PostView.as_view(), name="post"),
]
