"""A real SMTP server that keeps what it receives: one file of raw bytes and one of what Python reads in it.

Port 0 takes a free one. Prints the port, then serves until it is killed.
"""

import argparse
import asyncio
import email
import email.policy
import json
import os
import ssl
import time

from aiosmtpd.smtp import SMTP, AuthResult


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
            "is_encrypted": server.transport.get_extra_info("ssl_object") is not None,
            "login": session.auth_data,
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


def admit(name, password):
    def authenticator(server, session, envelope, mechanism, data):
        is_right = (data.login, data.password) == (name.encode(), password.encode())
        return AuthResult(success=is_right, handled=False, auth_data=name if is_right else None)

    return authenticator


async def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("port", type=int)
    words.add_argument("folder")
    words.add_argument("--encryption", choices=["none", "starttls", "tls"], default="none")
    words.add_argument("--certificate")
    words.add_argument("--key")
    words.add_argument("--login", nargs=2, metavar=("NAME", "PASSWORD"), help="take mail of this login only")
    given = words.parse_args()

    keep = Keep(given.folder)
    options = {"enable_SMTPUTF8": False}
    encrypt = None
    if given.encryption != "none":
        encrypt = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        encrypt.load_cert_chain(given.certificate, given.key)
    if given.encryption == "starttls":
        options |= {"tls_context": encrypt, "require_starttls": True}
    if given.login:
        options |= {
            "auth_required": True,
            "authenticator": admit(*given.login),
            "auth_require_tls": given.encryption == "starttls",
        }
    at_once = encrypt if given.encryption == "tls" else None
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(keep, **options), "127.0.0.1", given.port, ssl=at_once
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
