from events.registry import Subscriber, register_subscriber

HANDLERS = {"comment.created": "tests.example_app.handlers.on_comment_created"}

register_subscriber(Subscriber("mentions", "mentions.worker", HANDLERS))
