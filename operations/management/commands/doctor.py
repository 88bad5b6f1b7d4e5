"""The doctor on the command line: its exit status is for scripts."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from operations import doctor


class Command(BaseCommand):
    help = "Prints what is wrong and the command that fixes it; exits with 1 if anything is wrong."
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        ailments = 0
        for name, found in doctor.examine(now=timezone.now()):
            self.stdout.write(f"{'BAD' if found else 'ok ':<4} {name}")
            for ailment in found:
                self.stdout.write(f"       {ailment.what}\n         -> {ailment.mend}")
            ailments += len(found)
        if ailments:
            raise CommandError(f"{ailments} to fix.")
