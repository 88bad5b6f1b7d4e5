"""Admin pages of the social core. Follow, Block and Mute are missing: the admin refuses models with
a composite primary key.

Guarantee: no page deletes the row of a user or a post, because events about it may be in flight.
"""

from collections.abc import Callable

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from events.admin import ReadOnlyAdmin, log_action
from social import accounts, posts, texts
from social.models import (
    ActivityChange,
    Closure,
    ForgottenPassword,
    IdempotencyKey,
    Lookalike,
    MailedAddress,
    NewAddress,
    Post,
    Profile,
    Token,
    User,
)


@admin.register(User)
class AccountAdmin(UserAdmin):  # type: ignore[type-arg]  # Not generic at run time.
    """Operators suspend, reactivate or close accounts by actions that the admin logs. Nobody can
    delete an account's row."""

    actions = ("suspend", "reactivate", "close_accounts")
    readonly_fields = ("is_active",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("social.delete_user")

    @admin.action(description="Suspend", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._each(request, queryset, "suspended", accounts.suspend)

    @admin.action(description="Reactivate", permissions=["change"])
    def reactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        self._each(request, queryset, "reactivated", accounts.reactivate)

    @admin.action(description="Close…", permissions=["close"])
    def close_accounts(
        self, request: HttpRequest, queryset: QuerySet[User]
    ) -> TemplateResponse | None:
        if "confirmed" not in request.POST:
            context = self.admin_site.each_context(request) | {
                "title": f"Close {queryset.count():,} accounts?",
                "opts": self.opts,
                "users": queryset,
            }
            return TemplateResponse(request, "admin/social/user/confirm_close.html", context)
        self._each(
            request, queryset, "closed", lambda user: accounts.close(user, now=timezone.now())
        )
        return None

    def _each(
        self,
        request: HttpRequest,
        queryset: QuerySet[User],
        done: str,
        act: Callable[[User], bool],
    ) -> None:
        for user in queryset:
            # Nobody may act on their own account, and only superusers may act on superusers.
            allowed = user != request.user and (request.user.is_superuser or not user.is_superuser)
            if not allowed or not act(user):
                self.message_user(request, f"User {user.pk} was not {done}.", messages.WARNING)
                continue
            # The log must not hold the name: closing an account erases it.
            log_action(request, User, f"user {user.pk}", f"The account was {done}.", user.pk)
            self.message_user(request, f"User {user.pk} was {done}.")


@admin.register(Post)
class PostAdmin(ReadOnlyAdmin):
    """Operators may delete posts. That records a post.deleted event, as if the author did it."""

    list_display = ("id", "author", "excerpt", "created_at", "deleted_at")
    list_select_related = ("author",)
    search_fields = ("=author__username",)
    ordering = ("-id",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def delete_model(self, request: HttpRequest, obj: Post) -> None:
        posts.delete(obj, now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Post]) -> None:
        for post in queryset:
            self.delete_model(request, post)

    @admin.display(description="content")
    def excerpt(self, post: Post) -> str:
        return texts.excerpt(post.content, 80)


@admin.register(Profile)
class ProfileAdmin(ReadOnlyAdmin):
    """Operators may delete what a user says about themselves; the user may say something else."""

    list_display = ("user_id", "display_name", "language", "time_zone")
    search_fields = ("=user__username",)
    ordering = ("-user_id",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@admin.register(Token)
class TokenAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Not generic at run time.
    list_display = ("user", "name", "created", "expiry", "last_used_at")
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    fields = ("user", "name", "created", "expiry", "last_used_at")
    readonly_fields = fields
    search_fields = ("=user__username",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("user", "key", "created_at")
    list_select_related = ("user",)
    fields = ("user", "key", "answer", "created_at")
    ordering = ("-created_at",)


@admin.register(ActivityChange)
class ActivityChangeAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "after")


@admin.register(Closure)
class ClosureAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "closed_at")
    ordering = ("closed_at",)


@admin.register(ForgottenPassword)
class ForgottenPasswordAdmin(ReadOnlyAdmin):
    list_display = ("email", "requested_at", "mailed_at")
    ordering = ("-requested_at",)


@admin.register(Lookalike)
class LookalikeAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "skeleton", "script")
    search_fields = ("=skeleton",)
    ordering = ("-id",)


@admin.register(MailedAddress)
class MailedAddressAdmin(ReadOnlyAdmin):
    list_display = ("__str__",)
    ordering = ("-mailed_at",)


@admin.register(NewAddress)
class NewAddressAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "email", "requested_at", "mailed_at")
    ordering = ("-requested_at",)
