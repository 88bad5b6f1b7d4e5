"""The bus: outbox, relay, queues, consumers, inbox and dead letters."""

from events import wire

wire.register()
