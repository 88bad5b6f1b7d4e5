"""The social core in the admin. Follows, blocks and mutes have composite keys, which it refuses."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from events.admin import ReadOnlyAdmin
from social.models import (
    Closure,
    ForgottenPassword,
    Horizon,
    IdempotencyKey,
    Post,
    Token,
    User,
)

admin.site.register(User, UserAdmin)


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):
    list_display = ("id", "author", "excerpt", "created_at", "deleted_at")
    list_select_related = ("author",)
    raw_id_fields = ("author",)
    search_fields = ("=author__username",)
    ordering = ("-id",)
    show_full_result_count = False

    @admin.display(description="content")
    def excerpt(self, post: Post) -> str:
        return post.content[:80]


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


@admin.register(Horizon)
class HorizonAdmin(ReadOnlyAdmin):
    list_display = ("table_name", "post_id")
