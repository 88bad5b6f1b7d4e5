"""Models of the social core: accounts, their posts, and their follows, blocks and mutes.

Follow, Block and Mute are keyed by the person who made them. They have no foreign keys in the
database, because one day they will live with the timelines, on other servers than users and posts.
"""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MinLengthValidator
from django.db import models, transaction
from django.db.models.functions import Collate, Upper
from django.dispatch import Signal
from knox.models import AbstractAuthToken

from social import lookalikes, names, texts
from social.languages import check_language
from social.time_zones import check_time_zone

POST_LENGTH = 5_000
# Usernames of canary accounts (see canaries.py). A username that can be registered holds no colon.
CANARY_PREFIX = "canary:"
# A closed account's username is this prefix and its id.
CLOSED_PREFIX = "closed:"


# Sent in the transaction that ends all log-ins of `user`, including those that we have no token of,
# except the log-in with the token `keep`, which may be None.
logins_ended = Signal()


class NameKeyField(models.CharField):  # type: ignore[type-arg]  # Not generic at run time.
    """A username's unique key, set whenever the row is saved, also by bulk_create()."""

    def pre_save(self, row: models.Model, add: bool) -> str:
        assert isinstance(row, User)
        if row.is_renamed:
            row.name_key = names.key(row.username)
        return str(row.name_key)


class People(UserManager["User"]):
    def named(self, name: str) -> "models.QuerySet[User]":
        """The account that logs in with this name: the one with exactly this name, or else the one
        whose name has the same key. No account, or one."""
        found = self.filter(models.Q(username=name) | models.Q(name_key=names.key(name)))
        return found.order_by(models.Case(models.When(username=name, then=0), default=1))[:1]

    def get_by_natural_key(self, username: str | None) -> "User":
        """See `named`. Raises User.DoesNotExist."""
        return self.named(username or "").get()


class User(AbstractUser):
    """An account. Follows and timelines are keyed by its id.

    Guarantee: no two names have the same key. A new name neither mixes scripts nor looks like an
    existing name of another script. Setting or disabling the password, also in the admin or on the
    command line, ends all log-ins: they may belong to somebody who knew the old password.
    """

    name_key = NameKeyField(max_length=500, unique=True, editable=False, default="")

    objects: ClassVar[People] = People()
    _disabled = False
    _password: str | None  # Django's: the new password, until it is saved.

    class Meta(AbstractUser.Meta):
        indexes = [
            # Finds the accounts of a mail address, in any case, for a password reset.
            models.Index(Upper("email"), name="social_user_by_email"),
            # Finds people by a prefix of their key. The keys of closed accounts, which all begin
            # alike, are left out. The collation "C" sorts by code point in every database, so that
            # a prefix is a range.
            models.Index(
                Collate("name_key", "C"),
                condition=models.Q(is_active=True),
                name="social_user_by_key",
            ),
        ]

    def set_unusable_password(self) -> None:
        super().set_unusable_password()
        self._disabled = True

    @property
    def is_renamed(self) -> bool:
        """Whether the name has changed since the row was last saved."""
        # Two accounts from before keys were unique may have names with the same key. The key of the
        # newer account then has a suffix, separated by a space.
        known = self.name_key.partition(" ")[0]
        return bool(self.username) and known != names.key(self.username)

    def clean(self) -> None:
        super().clean()
        if self.is_renamed:
            if User.objects.filter(name_key=names.key(self.username)).exists():
                unique = unique_username()
                raise ValidationError({"username": [unique]}, code="unique")
            lookalikes.check(self.username, self.pk)

    def save(self, *args: Any, **kwargs: Any) -> None:
        # Django sets _password when a new password is set. It stays None when Django only replaces
        # the hash by one with better parameters.
        ends_logins = self._password is not None or self._disabled
        fields = kwargs.get("update_fields")
        renamed = self.is_renamed and (fields is None or "username" in fields)
        if renamed and fields is not None:
            kwargs["update_fields"] = {*fields, "name_key"}
        with transaction.atomic(savepoint=False):
            super().save(*args, **kwargs)
            if renamed:
                lookalikes.claim(self.username, self.pk)
            if ends_logins:
                self.end_logins()
        self._disabled = False

    @transaction.atomic
    def end_logins(self, *, keep: "Token | None" = None) -> None:
        """Revoke every token but `keep` and end all other log-ins by the signal `logins_ended`.
        Delete the mail address that is not confirmed yet."""
        self.auth_token_set.exclude(pk=keep.pk if keep else None).delete()
        # An intruder who knew the old password may have requested that address.
        NewAddress.objects.filter(user=self).delete()
        logins_ended.send(User, user=self, keep=keep)


def unique_username() -> str:
    """Django's message about a name that is taken."""
    field = User._meta.get_field("username")
    assert isinstance(field, models.Field)
    return str(field.error_messages["unique"])


class Profile(models.Model):
    """What a user says about themselves, and the language and time zone of what we write to them. A
    user without a row has changed nothing. No language means that of the client.

    It is a table of its own to keep the users' rows, which every request reads, short.
    """

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="profile"
    )
    display_name = models.CharField(max_length=texts.NAME.code_points, blank=True)
    bio = models.CharField(max_length=texts.BIO.code_points, blank=True)
    language = models.CharField(max_length=20, blank=True, validators=[check_language])
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_time_zone])

    def __str__(self) -> str:
        return f"profile of {self.user_id}"


class Lookalike(models.Model):
    """How an account's name looks: one of its one or two skeletons (see social/names.py)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    skeleton = models.CharField(max_length=names.LONGEST_SKELETON)
    script = models.CharField(max_length=200)

    class Meta:
        indexes = [models.Index(fields=["skeleton"], name="social_lookalike_by_skeleton")]

    def __str__(self) -> str:
        return f"{self.skeleton} in {self.script}"


class Token(AbstractAuthToken):
    """An API token of one device. We keep only its SHA-512 digest, which is the primary key. The
    API shows `number` instead, because nobody needs to see the digest."""

    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=models.Func(models.Value("social_token_number"), function="nextval"),
    )
    name = models.CharField(max_length=100, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # Find a user's tokens, newest first, and the tokens that have expired.
            models.Index(fields=["user", "-number"], name="social_token_by_user"),
            models.Index(fields=["expiry"], name="social_token_by_expiry"),
        ]


class Closure(models.Model):
    """A closed account whose data is still to be erased."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="closure"
    )
    closed_at = models.DateTimeField()
    # When the last attempt to erase it began. An account that fails goes to the end of the queue.
    tried_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"{self.user_id}, closed {self.closed_at}"


class ForgottenPassword(models.Model):
    """A request for a password reset by mail. `email` is in lower case; maybe no account has it.
    `mailed_at` is null while the mail is pending."""

    email = models.CharField(max_length=254, primary_key=True)
    requested_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, blank=True)
    # When the last attempt to send it began. A mail that fails goes to the end of the queue.
    tried_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"{self.email}, {self.requested_at}"


class MailedAddress(models.Model):
    """When a mail address last got a mail to confirm it, from any account. We keep a digest of the
    address in lower case: it may not belong to any account, or to one that has been closed."""

    digest = models.BinaryField(max_length=32, primary_key=True)
    mailed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{bytes(self.digest).hex()[:8]}…, {self.mailed_at}"


class NewAddress(models.Model):
    """A mail address that an account was given and that is not confirmed yet. `mailed_at` is null
    while the mail is pending; `tried_at` is null until the first attempt to send it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    email = models.CharField(max_length=254)
    requested_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "email"], name="social_new_address_once")
        ]

    def __str__(self) -> str:
        return f"an address of {self.user_id}, {self.requested_at}"


class Post(models.Model):
    """A post. Deleting it sets `deleted_at`, and a trigger then empties `content`. The row stays:
    to readers a missing row means "not visible yet"."""

    # PROTECT: the row must outlive its text, because events about it may be in flight. See
    # accounts.close.
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="posts", db_index=False)
    content = models.CharField(
        max_length=POST_LENGTH,
        validators=[MinLengthValidator(1), MaxLengthValidator(POST_LENGTH)],
    )
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # Finds an author's posts, newest first.
            models.Index(fields=["author", "-id"], name="social_post_by_author"),
            # Finds the last post before a moment, to turn "within the last hour" into a post id.
            models.Index(fields=["created_at"], name="social_post_by_time"),
        ]

    def __str__(self) -> str:
        return f"post {self.pk} by {self.author_id}"


class IdempotencyKey(models.Model):
    """The answer to a request with this key, kept for repetitions of the request. It lacks the
    post's text, which the repeated request contains."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    body_hash = models.BinaryField(max_length=32)
    answer = models.JSONField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "key"], name="social_idempotency_key_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.key}"


def person(related_name: str) -> models.ForeignKey[User, User]:
    """A foreign key to a user that the database does not enforce."""
    return models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        related_name=related_name,
        db_constraint=False,
        db_index=False,
    )


class Follow(models.Model):
    pk = models.CompositePrimaryKey("follower_id", "followee_id")
    follower = person("following_set")
    followee = person("follower_set")
    created_at = models.DateTimeField()
    # The oldest post of the followee that the follower sees: see relations.follow.
    shown_from = models.BigIntegerField(default=0, db_default=0)
    # True while the follower is inactive, so that fan-out skips them: see timelines/dormancy.py.
    dormant = models.BooleanField(default=False, db_default=False)
    # True while the account of the follower, or of the followee, is not active: see activity.py.
    follower_out = models.BooleanField(default=False, db_default=False)
    followee_out = models.BooleanField(default=False, db_default=False)

    class Meta:
        # Fan-out reads an author's followers by key range, from this index alone.
        indexes = [
            models.Index(
                fields=["followee", "follower"], include=["dormant"], name="social_follow_fanout"
            )
        ]

    def __str__(self) -> str:
        return f"{self.follower_id} follows {self.followee_id}"


class ActivityChange(models.Model):
    """A user whose `is_active` changed, while the follow counts are being corrected. The followers
    with an id above `after` are still to be processed. See activity.py."""

    user_id = models.BigIntegerField(primary_key=True)
    after = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user_id}, marked up to follower {self.after}"


class FollowCount(models.Model):
    """The numbers of a user's followers and follows: the sums over the user's slots. Accounts that
    are not active are not counted.

    Triggers on social_follow maintain it (see the migration 0012_activity). A connection counts in
    one of eight slots, so that a celebrity's new followers do not all wait for one row.
    """

    pk = models.CompositePrimaryKey("user_id", "slot")
    user_id = models.BigIntegerField()
    slot = models.SmallIntegerField()
    followers = models.BigIntegerField()
    following = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.user_id}: {self.followers} followers, {self.following} following"


class Block(models.Model):
    pk = models.CompositePrimaryKey("blocker_id", "blocked_id")
    blocker = person("blocking_set")
    blocked = person("blocked_by_set")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["blocked", "blocker"], name="social_block_reverse")]

    def __str__(self) -> str:
        return f"{self.blocker_id} blocks {self.blocked_id}"


class Mute(models.Model):
    pk = models.CompositePrimaryKey("muter_id", "muted_id")
    muter = person("muting_set")
    muted = person("muted_by_set")
    created_at = models.DateTimeField()

    class Meta:
        # Finds the followers who have muted an author; read with each slice of the author's posts.
        indexes = [models.Index(fields=["muted", "muter"], name="social_mute_fanout")]

    def __str__(self) -> str:
        return f"{self.muter_id} mutes {self.muted_id}"
