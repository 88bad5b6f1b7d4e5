"""A consumer without its guard "any message can be read", for the proofs: it decodes messages as
kombu and amqp do. `python -m devtools.faults.trusting_consumer timelines`."""

import sys

import django
from amqp import serialization, spec
from django.core.management import call_command
from kombu.transport import TRANSPORT_ALIASES

aliases = dict(TRANSPORT_ALIASES)
read_properties = serialization.PROPERTY_CLASSES[spec.Basic.CLASS_ID]

django.setup()

if __name__ == "__main__":
    TRANSPORT_ALIASES.update(aliases)
    serialization.PROPERTY_CLASSES[spec.Basic.CLASS_ID] = read_properties
    call_command("consume", *sys.argv[1:])
