"""Prints the key by which Bugsink groups each event: one event as JSON a line in, one key as JSON a line out."""

import json
import sys

import django.conf
from issues.grouping_mechanisms import CURRENT_GROUPING_MECHANISM, get_grouping_mechanism

# Its code asks Django for a language, and for nothing else of a site.
django.conf.settings.configure(USE_I18N=False)

mechanism = get_grouping_mechanism(CURRENT_GROUPING_MECHANISM)
for line in sys.stdin:
    event = json.loads(line)
    kind, value = mechanism.get_type_and_value_for_data(event)
    print(json.dumps(mechanism.grouper(event, kind, value)))
