"""Decrypts the receipts for the devices after a run, so that decryption does not disturb the
run."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from devtools.push_service.device import DecryptError, Device
from devtools.push_service.receipts import FCM, Receipt


@dataclass
class Report:
    """Accepted receipts with their decrypted content, and those that no device can decrypt."""

    opened: list[tuple[Receipt, bytes]] = field(default_factory=list)
    faults: list[tuple[Receipt, str]] = field(default_factory=list)


def decrypt_all(receipts: Iterable[Receipt], devices: Iterable[Device]) -> Report:
    """Decrypt each accepted receipt with the keys of its device.

    FCM messages are not encrypted: their content is the JSON body.
    """
    by_token = {device.token: device for device in devices}
    report = Report()
    for receipt in receipts:
        if not receipt.accepted:
            continue
        try:
            report.opened.append((receipt, open_receipt(receipt, by_token)))
        except DecryptError as error:
            report.faults.append((receipt, str(error)))
    return report


def open_receipt(receipt: Receipt, devices: dict[str, Device]) -> bytes:
    if receipt.transport == FCM:
        return receipt.body
    device = devices.get(receipt.token)
    if device is None:
        raise DecryptError("no device has this token")
    return device.decrypt(receipt.body)
