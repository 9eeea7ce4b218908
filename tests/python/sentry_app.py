"""A small application that uses the Sentry SDK as its documentation says, with nothing changed but the DSN.

Usage: sentry_app.py DSN BUG. Fails by one of two bugs, reports it, prints the event's id and the encoding used.
With `everything` as the bug it sends one of everything that the SDK can send and prints the ids as JSON; with
`burst` it reports more than the collector takes at once.
"""

import json
import sys

import sentry_sdk


class Basket:
    def __init__(self, items):
        self.items = items

    def total(self):
        return sum(item["price"] * item["count"] for item in self.items)


def price_of(order):
    return Basket(order["items"]).total()


def first_bug():
    # The item has no price.
    return price_of({"items": [{"count": 3}]})


def second_bug():
    return int("not a number")


BUGS = {"first": first_bug, "second": second_bug}


def report(bug):
    try:
        BUGS[bug]()
    except Exception as error:
        return sentry_sdk.capture_exception(error)


def everything():
    scope = sentry_sdk.get_isolation_scope()
    scope.start_session()
    scope.end_session()
    sentry_sdk.flush(timeout=10)
    message = sentry_sdk.capture_message("the shelf is nearly empty", "warning")
    with sentry_sdk.new_scope() as scope:
        scope.add_attachment(bytes=b"apples\n\n{}\n", filename="basket.txt")
        attached = report("first")
    # The answer to the first transaction asks to hold others back, and errors must not be held with them.
    with sentry_sdk.start_transaction(name="a transaction that is taken"):
        pass
    sentry_sdk.flush(timeout=10)
    with sentry_sdk.start_transaction(name="a transaction that is held back"):
        pass
    sentry_sdk.flush(timeout=10)
    after = report("second")
    sentry_sdk.flush(timeout=10)
    return {"message": message, "attached": attached, "after": after}


def burst():
    for _ in range(6):
        report("first")
        sentry_sdk.flush(timeout=10)


def main():
    dsn, bug = sys.argv[1], sys.argv[2]
    sentry_sdk.init(dsn=dsn, release="shop@1.2.3", environment="staging", traces_sample_rate=1.0)
    sentry_sdk.set_tag("region", "eu-central")
    sentry_sdk.set_user({"id": "4711", "email": "ada@example.com"})
    sentry_sdk.add_breadcrumb(category="basket", message="three apples were added", level="info")
    if bug == "everything":
        print(json.dumps(everything()))
    elif bug == "burst":
        burst()
    else:
        event_id = report(bug)
        sentry_sdk.flush(timeout=10)
        encoding = getattr(sentry_sdk.get_client().transport, "_compression_algo", "unknown")
        print(event_id, encoding)


main()
