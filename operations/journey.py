"""The journey of one post to one user, step by step: why it has, or has not, arrived.

Every step is a lookup by key, so the answer is fast however many posts there are.
"""

from collections.abc import Callable, Iterator

from django.urls import reverse

from events.models import DeadLetter, InboxEntry, OutboxEvent
from events.pausing import paused
from events.registry import Subscriber, resolve, subscribers
from events.subjects import shown
from fanout import partitions
from operations.ledgers import ledgers
from social.journey import Step
from social.models import Block, Follow, Mute, Post, User

ADMIN = {name: f"admin:{name}_changelist" for name in ("events_deadletter", "events_outboxevent")}


def find_user(text: str) -> User | None:
    """Find a user by id or by name."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        return User.objects.filter(pk=int(text)).first()
    return User.objects.filter(username=text).first()


def steps(post_id: int, user: User) -> list[Step]:
    """Return the steps in the order in which they happen."""
    post = Post.objects.filter(pk=post_id).select_related("author").first()
    if post is None:
        return [Step(f"There is no post {post_id}.", stops=True)]
    own = [resolve(each.journey) for each in _travelled()]
    return [step for part in (*PARTS, *own) for step in part(post, user)]


def _travelled() -> list[Subscriber]:
    """The subscribers with steps on a post's way to a user."""
    return [each for each in subscribers.values() if each.journey]


def _people(post: Post, user: User) -> Iterator[Step]:
    yield Step(f"{post.author} posted it at {post.created_at:%Y-%m-%d %H:%M:%S}.")
    if post.deleted_at:
        yield Step(f"It was deleted at {post.deleted_at:%Y-%m-%d %H:%M:%S}.", stops=True)
    for person in (post.author, user):
        if not person.is_active:
            yield Step(f"The account of {person} is closed or suspended.", stops=True)
    follow = Follow.objects.filter(follower=user, followee=post.author).first()
    if follow:
        yield Step(f"{user} follows {post.author} since {follow.created_at:%Y-%m-%d %H:%M:%S}.")
    else:
        yield Step(f"{user} does not follow {post.author}.", stops=True)
    if Mute.objects.filter(muter=user, muted=post.author).exists():
        yield Step(f"{user} has muted {post.author}.", stops=True)
    for one, other in ((user, post.author), (post.author, user)):
        if Block.objects.filter(blocker=one, blocked=other).exists():
            yield Step(f"{one} blocks {other}.", stops=True)


def _event(post: Post, user: User) -> Iterator[Step]:
    event = _event_of(post)
    if event is None:
        yield Step("Its event is no longer in the outbox, or was never there.")
        return
    link = f"{reverse(ADMIN['events_outboxevent'])}?q={event.event_id}"
    if event.published_at is None:
        problem = f": {event.last_error}" if event.last_error else "; is a relay running?"
        yield Step(f"Its event waits in the outbox{problem}", stops=True, link=link)
        return
    yield Step(f"Its event was published at {event.published_at:%H:%M:%S}.", link=link)
    known = dict(
        InboxEntry.objects.filter(event_id=event.event_id).values_list("subscriber", "received_at")
    )
    held = paused()
    for each in _travelled():
        if each.name in known:
            yield Step(f"{each.name} took it at {known[each.name]:%H:%M:%S}.")
        else:
            why = "which is paused" if each.name in held else "or is a dead letter"
            yield Step(f"It waits in {each.queue} for {each.name}, {why}.", stops=True)


def _event_of(post: Post) -> OutboxEvent | None:
    """Find the post's event by the prefix of its id, which is the post's time. Uses the index on
    event_id."""
    prefix = f"evt_{int(post.created_at.timestamp() * 1000):012x}"
    wanted = f'"post_id":{post.pk},'.encode()
    events = OutboxEvent.objects.filter(event_id__startswith=prefix, routing_key="post.created")
    return next((event for event in events if wanted in bytes(event.body)), None)


def _letters(post: Post, user: User) -> Iterator[Step]:
    letters = DeadLetter.objects.filter(
        subjects__contains=[f"post_id:{post.pk}"], state=DeadLetter.State.OPEN
    )
    for letter in letters[:10]:
        link = reverse("admin:events_deadletter_change", args=[letter.pk])
        what = f"{letter.exception_type} {shown(letter.subjects, letter.exception_message)[:200]}"
        yield Step(f"A dead letter of {letter.queue} is about it: {what}", stops=True, link=link)


def _slices(post: Post, user: User) -> Iterator[Step]:
    for name, ledger in ledgers().items():
        if post.pk < partitions.horizon(ledger.entries._meta.db_table):
            yield Step(f"{name} keeps no record any more of posts as old as this.")
            continue
        fan_out = ledger.fan_outs._default_manager.filter(pk=post.pk).first()
        if fan_out is None:
            yield Step(f"{name} has not planned it.")
            continue
        if fan_out.waiting:
            yield Step(f"{name} has planned it. It waits for room in its lane.", stops=True)
            continue
        record = ledger.records._default_manager.filter(
            post_id=post.pk, after__lt=user.pk, up_to__gte=user.pk
        ).first()
        if record:
            yield Step(f"{name} finished {user}'s slice at {record.written_at:%H:%M:%S}.")
        else:
            link = reverse("admin:operations_steer", args=["repair"]) + f"?post_id={post.pk}"
            text = f"{name} has not finished {user}'s slice. If nothing is late, repair the post."
            yield Step(text, stops=True, link=link)


PARTS: tuple[Callable[[Post, User], Iterator[Step]], ...] = (_people, _event, _letters, _slices)
