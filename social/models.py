"""The social core: who there is, what they post, and who follows, blocks or mutes whom.

Follow, Block and Mute are keyed by the person who did it and bear no foreign keys in the database:
with the timelines they will one day live on other servers than users and posts.
"""

from django.contrib.auth.models import AbstractUser, UserManager
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, MinLengthValidator
from django.db import models, transaction
from django.db.models.functions import Upper
from django.dispatch import Signal
from knox.models import AbstractAuthToken

from social import lookalikes, names

POST_LENGTH = 5_000
# Accounts whose posts only show that the house works. No username that can be registered holds a
# colon.
CANARY_PREFIX = "canary:"
# Accounts that are closed, in place of their names.
CLOSED_PREFIX = "closed:"


# Sent in the transaction that ends all log-ins of a `user`, known or not, but that of the token to
# `keep`, which may be None.
logins_ended = Signal()


class NameKeyField(models.CharField):
    """A username's key. Filled in by whatever saves the row, bulk_create() included."""

    def pre_save(self, user: "User", add: bool) -> str:
        if user.is_renamed:
            user.name_key = names.key(user.username)
        return user.name_key


class People(UserManager):
    def get_by_natural_key(self, username: str) -> "User":
        """Who logs in by this name: the account of exactly this name, else that of the same key."""
        found = self.filter(
            models.Q(username=username) | models.Q(name_key=names.key(username))
        ).order_by(models.Case(models.When(username=username, then=0), default=1))[:1]
        return found.get()


class User(AbstractUser):
    """An account; its id is what follows and timelines are keyed by.

    Guarantee: no two names have one key, and none is new that is of several scripts or looks like
    another in a script of its own. Whoever sets or disables the password, be it in the admin or on
    the command line, ends all log-ins, since they may be those of somebody who knew the old one.
    """

    name_key = NameKeyField(max_length=500, unique=True, editable=False, default="")

    objects = People()
    _disabled = False

    class Meta(AbstractUser.Meta):
        # The accounts of a mail address, whatever its case, when a password is forgotten.
        indexes = [models.Index(Upper("email"), name="social_user_by_email")]

    def set_unusable_password(self) -> None:
        super().set_unusable_password()
        self._disabled = True

    @property
    def is_renamed(self) -> bool:
        """Whether its name is another than the one that it was last saved with."""
        # An account from before keys were unique may share its key with an older one. Its own is
        # then told from that one's by what follows a space.
        known = self.name_key.partition(" ")[0]
        return bool(self.username) and known != names.key(self.username)

    def clean(self) -> None:
        super().clean()
        if self.is_renamed:
            if User.objects.filter(name_key=names.key(self.username)).exists():
                unique = self._meta.get_field("username").error_messages["unique"]
                raise ValidationError({"username": [unique]}, code="unique")
            lookalikes.check(self.username, self.pk)

    def save(self, *args, **kwargs) -> None:
        # Django's own mark of a new password; it is None where only the hash is a better one.
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
        """Revoke every token but `keep`, with all that belongs to log-ins, and forget the mail
        address that waits to be confirmed."""
        self.auth_token_set.exclude(pk=keep.pk if keep else None).delete()
        # Somebody who knew the old password may have asked for it.
        NewAddress.objects.filter(user=self).delete()
        logins_ended.send(User, user=self, keep=keep)


class Lookalike(models.Model):
    """How an account's name looks: see social/names.py. It may look in two ways."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    skeleton = models.CharField(max_length=names.LONGEST_SKELETON)
    script = models.CharField(max_length=200)

    class Meta:
        indexes = [models.Index(fields=["skeleton"], name="social_lookalike_by_skeleton")]

    def __str__(self) -> str:
        return f"{self.skeleton} in {self.script}"


class Token(AbstractAuthToken):
    """An API token of one device; only its SHA-512 digest is kept. `number` is how its owner names
    it: the key is the digest, which nobody else needs to see."""

    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=models.Func(models.Value("social_token_number"), function="nextval"),
    )
    name = models.CharField(max_length=100, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # A user's tokens, newest first, and those that have expired.
            models.Index(fields=["user", "-number"], name="social_token_by_user"),
            models.Index(fields=["expiry"], name="social_token_by_expiry"),
        ]


class Closure(models.Model):
    """An account that its owner has closed and whose traces are still to be erased."""

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, primary_key=True, related_name="closure"
    )
    closed_at = models.DateTimeField()
    # When erasing was last begun: one that fails goes behind the others.
    tried_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"{self.user_id}, closed {self.closed_at}"


class ForgottenPassword(models.Model):
    """A mail address (lower case) for which somebody has asked to set a new password. It may be
    nobody's. `mailed_at` is null while the mail is to be sent."""

    email = models.CharField(max_length=254, primary_key=True)
    requested_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True, blank=True)
    # When the mail was last begun: one that fails goes behind the others.
    tried_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"{self.email}, {self.requested_at}"


class MailedAddress(models.Model):
    """When a mail address last got a mail to confirm it, for whichever account. A digest of the
    address in lower case: it may be nobody's, or of an account that is closed by now."""

    digest = models.BinaryField(max_length=32, primary_key=True)
    mailed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{bytes(self.digest).hex()[:8]}…, {self.mailed_at}"


class NewAddress(models.Model):
    """A mail address that an account was given and that does not count yet. `mailed_at` is null
    while the mail is to be sent, and `tried_at` until it was tried once."""

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
    """A post. Deleting it sets `deleted_at`, with which a trigger empties `content`; the row stays:
    an absent one means "not visible yet"."""

    # A post's row outlives its words, for its events are under way: see accounts.close.
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
            # An author's posts, newest first.
            models.Index(fields=["author", "-id"], name="social_post_by_author"),
            # The last post before a moment: what bounds "within the last hour" by post id.
            models.Index(fields=["created_at"], name="social_post_by_time"),
        ]

    def __str__(self) -> str:
        return f"post {self.pk} by {self.author_id}"


class IdempotencyKey(models.Model):
    """The answer to a request that bore this key, for when the request is repeated: without a
    post's words, which the repeated request bears itself."""

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


def person(related_name: str) -> models.ForeignKey:
    """A reference to a user that the database does not enforce."""
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
    # The oldest of the followee's posts that the follower is shown: see relations.follow.
    shown_from = models.BigIntegerField(default=0, db_default=0)
    # Whether the follower stays away, so that their timeline is not written.
    dormant = models.BooleanField(default=False, db_default=False)
    # Whether the account of either is shut: see activity.py.
    follower_out = models.BooleanField(default=False, db_default=False)
    followee_out = models.BooleanField(default=False, db_default=False)

    class Meta:
        # Fan-out: an author's followers by key range, from the index alone.
        indexes = [
            models.Index(
                fields=["followee", "follower"], include=["dormant"], name="social_follow_fanout"
            )
        ]

    def __str__(self) -> str:
        return f"{self.follower_id} follows {self.followee_id}"


class ActivityChange(models.Model):
    """A user whose account was shut or opened; the follows of followers beyond `after` are still to
    be marked by it. See activity.py."""

    user_id = models.BigIntegerField(primary_key=True)
    after = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user_id}, marked up to follower {self.after}"


class FollowCount(models.Model):
    """How many follow a user, and how many the user follows: the sums over the user's slots. People
    whose accounts are shut are not counted.

    Triggers on social_follow keep it (see the migration that made it). Each connection counts in
    one of a few slots, so that a celebrity's new followers do not wait for one row.
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
        # Who of an author's followers has muted them: read with each of the author's slices.
        indexes = [models.Index(fields=["muted", "muter"], name="social_mute_fanout")]

    def __str__(self) -> str:
        return f"{self.muter_id} mutes {self.muted_id}"
