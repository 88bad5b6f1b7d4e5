"""The ledgers of the subscribers that have one."""

from events.registry import resolve, subscribers
from fanout.ledger import Ledger


def ledgers() -> dict[str, Ledger]:
    """The ledgers by subscriber name."""
    return {each.name: resolve(each.ledger) for each in subscribers.values() if each.ledger}
