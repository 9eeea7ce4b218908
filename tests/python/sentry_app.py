"""A small application that uses the Sentry SDK as its documentation says, with nothing changed but the DSN.

Usage: sentry_app.py DSN BUG. Fails by one of two bugs, reports it, prints the event's id and the encoding used.
"""

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


def main():
    dsn, bug = sys.argv[1], sys.argv[2]
    sentry_sdk.init(dsn=dsn, release="shop@1.2.3", environment="staging")
    sentry_sdk.set_tag("region", "eu-central")
    sentry_sdk.set_user({"id": "4711", "email": "ada@example.com"})
    sentry_sdk.add_breadcrumb(category="basket", message="three apples were added", level="info")
    try:
        {"first": first_bug, "second": second_bug}[bug]()
    except Exception as error:
        event_id = sentry_sdk.capture_exception(error)
    sentry_sdk.flush(timeout=10)
    encoding = getattr(sentry_sdk.get_client().transport, "_compression_algo", "unknown")
    print(event_id, encoding)


main()
