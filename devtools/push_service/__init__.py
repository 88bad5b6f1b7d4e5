"""Our own push service on loopback, for demo, tests and benchmarks: Web Push and FCM."""

from devtools.push_service.answers import Answer
from devtools.push_service.device import DecryptError, Device
from devtools.push_service.receipts import Receipt, read_receipts
from devtools.push_service.report import Report, decrypt_all
from devtools.push_service.service import PushService, running_push_service
from devtools.push_service.service_account import ServiceAccount
from devtools.push_service.topics import post_topic
from devtools.push_service.vapid import VapidError, verify_vapid

__all__ = [
    "Answer",
    "DecryptError",
    "Device",
    "PushService",
    "Receipt",
    "Report",
    "ServiceAccount",
    "VapidError",
    "decrypt_all",
    "post_topic",
    "read_receipts",
    "running_push_service",
    "verify_vapid",
]
