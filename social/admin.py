"""The social core in the admin. Follows, blocks and mutes have composite keys, which it refuses."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils import timezone

from events.admin import ReadOnlyAdmin
from social import posts, texts
from social.models import (
    Closure,
    ForgottenPassword,
    Horizon,
    IdempotencyKey,
    NewAddress,
    Post,
    Token,
    User,
)

admin.site.register(User, UserAdmin)


@admin.register(Post)
class PostAdmin(ReadOnlyAdmin):
    """An operator may delete posts, as their authors would: with their events."""

    list_display = ("id", "author", "excerpt", "created_at", "deleted_at")
    list_select_related = ("author",)
    search_fields = ("=author__username",)
    ordering = ("-id",)

    def has_delete_permission(self, request, obj=None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def delete_model(self, request, obj: Post) -> None:
        posts.delete(obj, now=timezone.now())

    def delete_queryset(self, request, queryset) -> None:
        for post in queryset:
            self.delete_model(request, post)

    @admin.display(description="content")
    def excerpt(self, post: Post) -> str:
        return texts.excerpt(post.content, 80)


@admin.register(Token)
class TokenAdmin(admin.ModelAdmin):
    list_display = ("user", "name", "created", "expiry", "last_used_at")
    list_select_related = ("user",)
    raw_id_fields = ("user",)
    fields = ("user", "name", "created", "expiry", "last_used_at")
    readonly_fields = fields
    search_fields = ("=user__username",)
    show_full_result_count = False

    def has_add_permission(self, request) -> bool:
        return False


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ("user", "key", "created_at")
    list_select_related = ("user",)
    fields = ("user", "key", "answer", "created_at")
    ordering = ("-created_at",)


@admin.register(Closure)
class ClosureAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "closed_at")
    ordering = ("closed_at",)


@admin.register(ForgottenPassword)
class ForgottenPasswordAdmin(ReadOnlyAdmin):
    list_display = ("email", "requested_at", "mailed_at")
    ordering = ("-requested_at",)


@admin.register(NewAddress)
class NewAddressAdmin(ReadOnlyAdmin):
    list_display = ("user_id", "email", "requested_at", "mailed_at")
    ordering = ("-requested_at",)


@admin.register(Horizon)
class HorizonAdmin(ReadOnlyAdmin):
    list_display = ("table_name", "post_id")
