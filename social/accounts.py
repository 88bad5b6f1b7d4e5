"""What the owner of an account does with it: change the password, close it.

Guarantee: whoever knows an old password, or holds a token of another device, is out when the
password has been changed; a closed account is gone from every page at once.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from events import outbox
from social.event_types import UserClosed
from social.models import CANARY_PREFIX, Block, Closure, Token, User


def visible_to(viewer: User) -> QuerySet[User]:
    """All accounts but canaries, the closed ones and those of people who block the viewer."""
    blocks = Block.objects.filter(blocker=OuterRef("pk"), blocked=viewer)
    found = User.objects.filter(~Exists(blocks), is_active=True)
    return found.exclude(username__startswith=CANARY_PREFIX)


@transaction.atomic
def change_password(user: User, password: str, *, keep: Token | None = None) -> None:
    """Set the password and revoke every token but `keep`."""
    user.set_password(password)
    user.save(update_fields=["password"])
    user.auth_token_set.exclude(pk=keep.pk if keep else None).delete()


@transaction.atomic
def close(user: User, *, now: datetime) -> None:
    """Nobody finds, reads or enters the account any more, and its name is free; erasure.py removes
    what it has left behind. A second call does nothing."""
    if not User.objects.select_for_update().filter(pk=user.pk, is_active=True).exists():
        return
    user.is_active = user.is_staff = user.is_superuser = False
    # No username that can be registered holds a colon.
    user.username = f"closed:{user.pk}"
    user.email = user.first_name = user.last_name = ""
    user.set_unusable_password()
    user.save()
    user.auth_token_set.all().delete()
    Closure.objects.create(user=user, closed_at=now)
    outbox.record("user.closed", UserClosed(user_id=user.pk), now=now)
