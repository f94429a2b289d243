"""How many values a slice may have. Areas, categories, channels and steps are free text in events: a source that puts
an address or a number there would make a slice of every event.

Of each service and dimension a source partition tallies the first `most_slice_values` values. What comes after them
is counted in the whole service as ever, and in one slice of its own, `FOLDED`. From then on the dimension is closed in
that partition, whatever the catalogue says later: a value is in a slice with all of its events or with none.
"""

from __future__ import annotations

from typing import Final

from kept import counters as c

MOST_SLICE_VALUES: Final = 1000
"""Of a service and dimension, unless the catalogue says otherwise: more areas, or kinds of requests, than a large city
tells apart. It is what a partition holds; four dimensions of so many values are some 100 MB of hourly tallies."""
LEAST_LIMIT: Final = 10
GREATEST_LIMIT: Final = 20_000
"""Of what the catalogue may say."""
FOLDED: Final = ""
"""The value under which a partition counts what is beyond the limit. No event can have it: a label is never empty."""
OTHER: Final = "(other)"
"""What that is called wherever values are shown."""
COUNTED_ONCE: Final = (
    c.OPENED,
    c.TRANSACTIONS,
    c.STEPS,
    c.COST_BOOKINGS,
    c.FEEDBACK_OFFERED,
    *(c.RATINGS + rating for rating in range(1, 6)),
    *(c.CONTACTS + reason for reason in range(len(c.CONTACT_INDEX))),
)
"""Counters of which a case, a transaction, a step or another event raises one by one in each of its slices."""
