"""The environment variables from which Connectify gets the addresses of its servers and its
keys."""

from collections.abc import Iterable, Mapping


def set_by_operator(
    environ: Mapping[str, str], name: str, own_passwords: Iterable[str]
) -> str | None:
    """A variable's value, unless it is empty or was printed by bin/services env earlier.

    A shell keeps those values after "bin/services down". Taken for external servers, our own would
    never start.
    """
    value = environ.get(name)
    return value if value and not any(password in value for password in own_passwords) else None


def variables(
    environ: Mapping[str, str],
    urls: Mapping[str, str],
    management_url: str | None,
    secrets: Mapping[str, str],
) -> dict[str, str]:
    """All variables that Connectify reads. Those that the operator has set are kept.

    urls: DATABASE_URL, BROKER_URL and REDIS_URL. management_url: None if we do not know it.
    """
    found = {
        **urls,
        "DATABASE_DIRECT_URL": urls["DATABASE_URL"],
        "BROKER_MANAGEMENT_URL": management_url or "",
        "SECRET_KEY": secrets["django"],
        "VAPID_PRIVATE_KEY": secrets["vapid"],
        "VAPID_SUBJECT": "mailto:operator@example.com",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        # Everything is on one machine: no TLS, and all requests come from one address.
        "HTTPS": "0",
        "THROTTLE": "0",
        "CANARY": "0",  # The tools count every post.
        "FLOWER_BASIC_AUTH": f"operator:{secrets['flower']}",
    }
    for name in found.keys() - urls.keys():
        found[name] = set_by_operator(environ, name, secrets.values()) or found[name]
    return {name: value for name, value in found.items() if value}
