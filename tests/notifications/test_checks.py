import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError


def test_a_deployment_that_pushes_to_loopback_is_refused(settings):
    settings.PUSH_ALLOW_LOOPBACK = True
    with pytest.raises(SystemCheckError, match=r"notifications\.E001"):
        call_command("check", "--deploy")
    call_command("check")


def test_a_deployment_that_does_not_is_taken(settings, capsys):
    settings.PUSH_ALLOW_LOOPBACK = False
    call_command("check", "--deploy")
    assert "notifications" not in capsys.readouterr().err
