"""A comment silences a finding that is not there.

## Problem

`# slowpath: allow[n-plus-one]` or `# noqa: SLO101` was right once. The loop is gone since, or the rows bring the
relation along, and the comment stays: it tells readers of a problem that there is not, and it will hide the next one.
The same goes for a comment that names no rule, by a slip of the pen: it never silenced anything.

## Slow

    from shop.models import Order

    def export(writer):
        # slowpath: allow[n-plus-one] a handful of orders
        for order in Order.objects.filter(paid=True).select_related("user"):
            writer.writerow([order.number, order.user.email])

## Fast

    from shop.models import Order

    def export(writer):
        for order in Order.objects.filter(paid=True).select_related("user"):
            writer.writerow([order.number, order.user.email])

## How it decides

What every rule finds in the file is held against its comments, before anything is left out for being silenced.

## What silences it

A rule that finds something there, however unsure it is and whether or not it is selected. A plain `# noqa`, and codes
of others in one, are not slowpath's business. Nothing is said about files that are not checked (tests and migrations,
as long as `include-roles` leaves them out) or that could not be read in full.

## Fix safety

Taking the comment out changes no behaviour.
"""

from __future__ import annotations

from slowpath.rules import Rule

# The comments are compared with the findings of all other rules when these are known: `suppression.unused`.
rule = Rule("SLO003", None, since="0.1.0", severity="note")
