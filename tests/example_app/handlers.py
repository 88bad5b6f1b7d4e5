from events.envelope import Event
from tests.example_app.models import Mention


def on_comment_created(events: list[Event]) -> None:
    for event in events:
        name = event.data.text.partition("@")[2]
        Mention.objects.create(comment_id=event.data.comment_id, name=name)
