"""A bucket of an S3 server: where it is, who we are there, and whether it keeps what is deleted.

That last is the one question that obstore does not put. It is asked with a request of our own, signed as the fourth version of
AWS's signature says (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html), and first of all: a wrong
address, certificate, key or name is told apart here, by the setting that names it.
"""

import hashlib
import hmac
import http.client
import re
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from recorder.errors import StoreError

QUESTION_SECONDS_MAX = 10.0
ANSWER_BYTES_MAX = 65_536
_SIGNED = "host;x-amz-content-sha256;x-amz-date"


@dataclass(frozen=True)
class Bucket:
    """A bucket, the names in it that are ours (`prefix`, which may be empty), and the keys for it."""

    endpoint: str
    """http or https, host and port."""
    region: str
    name: str
    prefix: str
    access_key: str
    secret_key: str = field(repr=False)
    ca: bytes | None = None
    """Certificates (PEM) that are trusted besides the machine's own."""

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}".rstrip("/")


def check_forgets(bucket: Bucket, now: datetime) -> None:
    """StoreError if the bucket cannot be asked, or keeps what is deleted.

    Object lock needs versioning. Where that was on and is suspended, each deletion leaves a marker with the object's name.
    """
    answer = _ask(bucket, now)
    if b"VersioningConfiguration" not in answer:
        raise StoreError(f"{bucket}: {bucket.endpoint} does not answer as an S3 server; check archive.objects_endpoint")
    if status := code("Status", answer):
        raise StoreError(
            f"{bucket}: the bucket has versioning ({status.lower()}), so what is deleted stays or leaves a marker. That cannot "
            "be undone: make a bucket that never had versioning or object lock, and name it in archive.objects"
        )


def code(tag: str, answer: bytes | str) -> str:
    """The word in this element of S3's answer; empty if there is none."""
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    found = re.search(rf"<{tag}>(\w+)</{tag}>", text, re.ASCII)
    return found.group(1) if found else ""


def refusal(bucket: Bucket, told: str) -> StoreError | None:
    """What to say of an answer with the error code `told`, and the setting to check; None if none is to blame for it."""
    match told:
        case "NoSuchBucket":
            reason = "there is no such bucket; check archive.objects"
        case "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" | "PermanentRedirect":
            reason = f"it is in another region ({told}); check archive.objects_region"
        case "AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch":
            reason = (
                f"the server refuses us ({told}); check the keys in archive.objects_credentials, and what they may do"
            )
        case "RequestTimeTooSkewed":
            reason = "the server's clock and this machine's differ; set them"
        case _:
            return None
    return StoreError(f"{bucket}: {reason}")


def _ask(bucket: Bucket, now: datetime) -> bytes:
    """The bucket's versioning configuration: XML."""
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=_trust(bucket)))
    url = f"{bucket.endpoint}/{bucket.name}?versioning="
    request = urllib.request.Request(url, headers=_signature(bucket, now))  # noqa: S310 - http or https, see config.py
    try:
        with opener.open(request, timeout=QUESTION_SECONDS_MAX) as answer:
            body: bytes = answer.read(ANSWER_BYTES_MAX)
            return body
    except urllib.error.HTTPError as error:
        with error:
            told = code("Code", error.read(ANSWER_BYTES_MAX)) or f"HTTP {error.code}"
        raise refusal(bucket, told) or StoreError(
            f"{bucket}: {bucket.endpoint} does not answer as an S3 server: {told}; check archive.objects_endpoint"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise StoreError(
                f"{bucket}: the certificate of {bucket.endpoint} is not trusted: {reason.verify_message}; "
                "check archive.objects_ca"
            ) from error
        raise StoreError(
            f"{bucket}: {bucket.endpoint} does not answer: {reason}; check archive.objects_endpoint"
        ) from error


def _trust(bucket: Bucket) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if bucket.ca:
            context.load_verify_locations(cadata=bucket.ca.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise StoreError(f"{bucket}: the certificates in archive.objects_ca are damaged: {error}") from error
    return context


def _signature(bucket: Bucket, now: datetime) -> dict[str, str]:
    """The headers of a GET for `?versioning`."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = [stamp[:8], bucket.region, "s3", "aws4_request"]
    headers = {
        "Host": urlsplit(bucket.endpoint).netloc,
        "X-Amz-Content-Sha256": hashlib.sha256(b"").hexdigest(),
        "X-Amz-Date": stamp,
    }
    lines = [f"{name.lower()}:{value}" for name, value in headers.items()]
    request = "\n".join(["GET", f"/{bucket.name}", "versioning=", *lines, "", _SIGNED, headers["X-Amz-Content-Sha256"]])
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope), hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{bucket.secret_key}".encode()
    for each in scope:
        key = hmac.digest(key, each.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = "/".join([bucket.access_key, *scope])
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={_SIGNED}, Signature={signature}"
    )
    return headers
