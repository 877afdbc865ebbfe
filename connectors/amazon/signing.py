"""AWS Signature Version 4 for one POST (docs.aws.amazon.com, "Create a signed AWS API request"). Pure."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit


def signed(
    url: str, headers: Mapping[str, str], body: bytes, *, keys: tuple[str, str], scope: tuple[str, str], at: datetime
) -> dict[str, str]:
    """`headers` with date and Authorization added. `keys` are access key id and secret, `scope` region and service; `at` is UTC."""
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    named = {name.lower(): value.strip() for name, value in headers.items()} | {"host": urlsplit(url).netloc, "x-amz-date": stamp}
    whole = "/".join([stamp[:8], *scope, "aws4_request"])
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, whole, _sha(_canonical(url, named, body).encode())])
    signature = hmac.new(_key(keys[1], stamp[:8], *scope), to_sign.encode(), hashlib.sha256).hexdigest()
    credential = f"AWS4-HMAC-SHA256 Credential={keys[0]}/{whole}, SignedHeaders={';'.join(sorted(named))}, Signature={signature}"
    return {**headers, "x-amz-date": stamp, "authorization": credential}


def _canonical(url: str, named: Mapping[str, str], body: bytes) -> str:
    lines = [f"{name}:{named[name]}" for name in sorted(named)]
    return "\n".join(["POST", urlsplit(url).path or "/", "", *lines, "", ";".join(sorted(named)), _sha(body)])


def _key(secret: str, *steps: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for step in (*steps, "aws4_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return key


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
