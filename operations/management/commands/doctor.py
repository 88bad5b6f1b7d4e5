"""The doctor, for a person and, by its exit status, for a script."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from operations import doctor


class Command(BaseCommand):
    help = "Says what is wrong and the command that mends it; exits with 1 if anything is."
    requires_system_checks = ()

    def handle(self, **options) -> None:
        ailments = 0
        for name, found in doctor.examine(now=timezone.now()):
            self.stdout.write(f"{'BAD' if found else 'ok ':<4} {name}")
            for ailment in found:
                self.stdout.write(f"       {ailment.what}\n         -> {ailment.mend}")
            ailments += len(found)
        if ailments:
            raise CommandError(f"{ailments} to mend.")
