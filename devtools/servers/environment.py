"""The environment variables by which Connectify finds its servers and keys."""

from collections.abc import Iterable, Mapping


def set_by_operator(
    environ: Mapping[str, str], name: str, own_passwords: Iterable[str]
) -> str | None:
    """A variable's value, unless it is empty or one that bin/services env printed earlier.

    A shell keeps those after "down"; taken for somebody else's servers, they would never start.
    """
    value = environ.get(name)
    return value if value and not any(password in value for password in own_passwords) else None


def variables(
    environ: Mapping[str, str],
    urls: Mapping[str, str],
    management_url: str | None,
    secrets: Mapping[str, str],
) -> dict[str, str]:
    """Everything Connectify reads; what the operator has set already is kept.

    urls: DATABASE_URL, BROKER_URL and REDIS_URL. management_url: None where it is not ours to know.
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
        "CANARY": "0",  # Here every post is counted.
        "FLOWER_BASIC_AUTH": f"operator:{secrets['flower']}",
    }
    for name in found.keys() - urls.keys():
        found[name] = set_by_operator(environ, name, secrets.values()) or found[name]
    return {name: value for name, value in found.items() if value}
