"""send_alert(error): one line that raises an alarm. ERROR_SENTINEL_DSN holds the DSN."""

import json, os, sys, traceback, urllib.parse, urllib.request


def send_alert(error, level="error"):
    try:
        dsn = urllib.parse.urlsplit(os.environ["ERROR_SENTINEL_DSN"])
        url = f"{dsn.scheme}://{dsn.netloc.split('@')[-1]}{dsn.path.rsplit('/', 1)[0]}/log-error"
        stack = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        body = {"message": str(error) or repr(error), "type": type(error).__name__, "level": level, "stack": stack}
        request = urllib.request.Request(url, json.dumps(body).encode(), {"X-Sentinel-Key": dsn.username})
        urllib.request.urlopen(request, timeout=5).close()
    except Exception as failure:  # An alarm must never hurt what it watches.
        print("no alarm was sent:", failure, file=sys.stderr)


if __name__ == "__main__":
    try:
        raise ValueError("The disk is on fire")
    except ValueError as error:
        send_alert(error, level="fatal")
