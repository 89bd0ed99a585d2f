"""Access tokens as Mainstay signs them: HS256 with the secret that the server was started with."""

import base64
import hashlib
import hmac
import json
import time

from .server import SECRET


def user_id(number):
    """The id of the n-th person; numbers begin at 1."""
    return f"00000000-0000-4000-8000-{number:012d}"


def claims(number):
    """Claims of the size that the auth role issues."""
    now = int(time.time())
    return {
        "iss": "bench", "sub": user_id(number), "aud": "authenticated", "exp": now + 86400, "iat": now,
        "email": f"user{number}@example.com", "role": "authenticated", "aal": "aal1",
        "session_id": user_id(number), "is_anonymous": False,
    }


def token(number):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    head = part(b'{"alg":"HS256","typ":"JWT"}')
    body = part(json.dumps(claims(number), separators=(",", ":")).encode())
    signature = hmac.new(SECRET.encode(), head + b"." + body, hashlib.sha256).digest()
    return b".".join([head, body, part(signature)]).decode()
