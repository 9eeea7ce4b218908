"""A real SMTP server that keeps what it receives: one file of raw bytes and one of what Python reads in it.

Usage: mail_server.py PORT FOLDER. Port 0 takes a free one. Prints the port, then serves until it is killed.
"""

import asyncio
import email
import email.policy
import json
import os
import sys
import time

from aiosmtpd.smtp import SMTP


def read(raw):
    message = email.message_from_bytes(raw, policy=email.policy.default)
    text = message.get_body(("plain",))
    html = message.get_body(("html",))
    return {
        "headers": [[name, str(value)] for name, value in message.items()],
        "defects": [repr(defect) for defect in message.defects],
        "text": text.get_content() if text else None,
        "html": html.get_content() if html else None,
    }


class Keep:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "received_at_s": time.time(),
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "raw": envelope.original_content.decode("latin-1"),
            **read(envelope.original_content),
        }
        self.count += 1
        path = os.path.join(self.folder, f"{self.count:06}.json")
        with open(path + ".part", "w") as file:
            json.dump(mail, file)
        # A reader sees whole mails only.
        os.rename(path + ".part", path)
        return "250 kept"


async def main():
    port, folder = int(sys.argv[1]), sys.argv[2]
    keep = Keep(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keep, enable_SMTPUTF8=False), "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
