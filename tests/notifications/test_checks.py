import json

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from devtools.push_service import ServiceAccount


def complaints(capsys) -> str:
    """What `check --deploy` says. These settings lack other things that a deployment needs."""
    try:
        call_command("check", "--deploy")
    except SystemCheckError as error:
        return str(error)
    return capsys.readouterr().err


def test_a_deployment_that_pushes_to_loopback_is_refused(settings):
    settings.PUSH_ALLOW_LOOPBACK = True
    with pytest.raises(SystemCheckError, match=r"notifications\.E001"):
        call_command("check", "--deploy")
    call_command("check")


def test_a_deployment_that_does_not_push_to_loopback_is_accepted(settings, capsys):
    settings.PUSH_ALLOW_LOOPBACK = False
    assert "notifications" not in complaints(capsys)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"project_id": "x"}'])
def test_an_invalid_key_file_is_refused_at_the_start(settings, tmp_path, content):
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)
    settings.FCM_KEY_FILE = str(file)
    with pytest.raises(SystemCheckError, match=r"notifications\.E002"):
        call_command("check")


def test_a_key_file_of_a_service_account_is_accepted(settings, tmp_path):
    file = tmp_path / "key.json"
    file.write_text(json.dumps(ServiceAccount.generate().key_file("https://example.com")))
    settings.FCM_KEY_FILE = str(file)
    call_command("check")


@pytest.mark.parametrize(
    "subject",
    [
        "mailto:operator@example.invalid",
        *("", "mailto:", "operator@company.com", "mailto:operator", "http://company.com"),
        *("mailto:operator@localhost", "https://localhost", "https://localhost:8000/contact"),
        *("mailto:a@b.local", "mailto:a@b.TEST", "mailto:a@b.example", "mailto:a@b.lan"),
        *("mailto:a@127.0.0.1", "https://127.0.0.1/", "https://[::1]/", "mailto:a@b..com"),
        *("mailto: a@company.com", "mailto:a@company.com ", "mailto:@company.com"),
    ],
)
def test_a_deployment_whose_vapid_subject_is_not_a_real_address_is_refused(settings, subject):
    settings.PUSH_ALLOW_LOOPBACK = False
    settings.VAPID_SUBJECT = subject
    with pytest.raises(SystemCheckError, match=r"notifications\.E003"):
        call_command("check", "--deploy")
    call_command("check")


@pytest.mark.parametrize(
    "subject",
    ["mailto:push+web@mail.company.co.uk", "https://company.com/contact", "https://company.io"],
)
def test_a_deployment_whose_vapid_subject_is_a_real_address_is_accepted(settings, capsys, subject):
    settings.PUSH_ALLOW_LOOPBACK = False
    settings.VAPID_SUBJECT = subject
    assert "notifications" not in complaints(capsys)
