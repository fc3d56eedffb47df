"""What the reading room answers of fragments: it makes them, seals them with its own key, and plays them by permits.

The key is the reading room's alone, and made with the first fragment: `keys/reading-room.key` in its folder. Nobody else
checks a fragment. Without that file the fragments that are there cannot be heard any more; new ones can be cut.
"""

import logging
import random
import secrets
import threading
import time
from itertools import chain
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from recorder.archive import copying, derived
from recorder.archive.access import Action, Purpose
from recorder.archive.hearing import Hearing
from recorder.archive.masking import Range
from recorder.archive.voice import Alteration
from recorder.archive.web.archive import fragments
from recorder.archive.web.clock import now_ms
from recorder.archive.web.listening.judging import NotNow
from recorder.archive.web.listening.room import Act
from recorder.archive.web.listening.serving import no, ranged, tell, the_room
from recorder.archive.web.policy.live import live
from recorder.archive.web.times import offset
from recorder.archive.web.trail import writing
from recorder.archive.web.trail.writing import acting
from recorder.archive.web.training import binding
from recorder.archive.web.training.destroying import destroy
from recorder.archive.web.training.judging import judge_hearing, judge_making
from recorder.archive.web.training.models import Fragment, FragmentPermit, State
from recorder.audio import Moment
from recorder.canonical import SIGNATURE_BYTES, decode
from recorder.errors import KeyFileError, SealedError, StoreError
from recorder.keyfiles import load_device, save_device
from recorder.sealed.layout import Preamble, parse_record

LOG = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_key_lock = threading.Lock()


@csrf_exempt  # no browser comes here, and no cookie
@require_POST
def made(request: HttpRequest, fragment: UUID) -> HttpResponseBase:
    """Make the sound of a fragment that somebody has asked for, and write down who did."""
    try:
        _make(fragment)
    except (NotNow, SealedError, StoreError) as error:
        return no(error)
    except KeyFileError as error:
        LOG.error("no fragment can be sealed: %s", error)  # noqa: TRY400 - no defect
        return no(error)
    return JsonResponse({})


@csrf_exempt
@require_POST
def opened(request: HttpRequest, permit: UUID) -> HttpResponseBase:
    """Write down who hears a fragment, once for each permit."""
    try:
        held = _judged(permit)
        _hearing(held.fragment).close()
        _tell(held)
    except (NotNow, SealedError, StoreError, KeyFileError) as error:
        return no(error)
    return JsonResponse({"until_ms": held.until_ms})


@require_GET
def audio(request: HttpRequest, permit: UUID) -> HttpResponseBase:
    """A range of its file, as of a recording's. It is opened for each: it is short, and nothing stays open."""
    try:
        hearing = _opened(permit)
        try:
            return ranged(request, hearing)
        finally:
            hearing.close()
    except (NotNow, SealedError, StoreError, KeyFileError) as error:
        return no(error)


def _make(number: UUID) -> None:
    asked = _asked(number)
    seen, _role = judge_making(asked)
    store, key = fragments(), _key()
    with the_room().alone(seen) as hearing:
        track = copying.fragment(
            hearing,
            Range(asked.start_ms, asked.stop_ms),
            [Range(start, stop) for start, stop in asked.masks],
            Alteration.drawn(random.SystemRandom().uniform),
            settings.CONFIG.opus,
        )
        records = derived.sealed(
            track,
            signing_key=key,
            recipients=[the_room().recipient],
            moment=Moment(now_ms(), time.monotonic_ns() // 1_000_000, False),
            boot=bytes.fromhex(_BOOT_ID.read_text().strip().replace("-", "")),
            settings=settings.CONFIG.seal,
            random=secrets.token_bytes,
        )
        try:
            first = next(records)
        except ValueError as error:
            raise NotNow("nothing") from error
        sealed = decode(parse_record(first)[1][SIGNATURE_BYTES:], Preamble).recording
        making = Fragment.objects.filter(pk=number, sealed=None, state=State.MAKING)
        if not making.update(sealed=sealed, bound=binding.bind(key, asked, sealed)):
            raise NotNow("unknown")
        derived.keep(store, chain([first], records), now_ms(), live().fragment_days)
    try:
        with acting():
            _finish(number)
    except NotNow:  # somebody withdrew meanwhile
        destroy(store, sealed)
        raise


def _finish(number: UUID) -> None:
    """It waits for a second person, and who cut it stands in the trail."""
    Fragment.objects.select_for_update().filter(pk=number).first()
    asked = _asked(number)
    _seen, role = judge_making(asked)
    Fragment.objects.filter(pk=number).update(state=State.WAITING.value)
    writing.write(
        person=str(asked.person_id),
        role=role,
        action=Action.CUT,
        purpose=Purpose.TRAINING,
        recording=asked.recording,
        details={
            "fragment": str(number),
            "where": f"{offset(asked.start_ms)}-{offset(asked.stop_ms)}",
            "masks": str(len(asked.masks)),
            "why": asked.goal,
        },
    )


def _asked(number: UUID) -> Fragment:
    found = Fragment.objects.select_related("person", "consent").filter(pk=number).first()
    if found is None:
        raise NotNow("unknown")
    return found


def _judged(number: UUID) -> FragmentPermit:
    held = _permit(number)
    judge_hearing(held)
    return held


def _permit(number: UUID) -> FragmentPermit:
    found = FragmentPermit.objects.select_related("person", "fragment__consent").filter(pk=number).first()
    if found is None:
        raise NotNow("unknown")
    return found


def _opened(number: UUID) -> Hearing:
    """The fragment, by a permit of which it is written down already that somebody hears by it."""
    held = _judged(number)
    if held.opened_ms is None:
        raise NotNow("unopened")
    _tell(held)  # anew after a restart, and of a permit that says it was opened and never was
    return _hearing(held.fragment)


def _tell(held: FragmentPermit) -> None:
    tell(held, _permit, _act, _write)


def _act(held: FragmentPermit) -> Act:
    return ("fragment", str(held.pk), str(held.person_id), str(held.fragment_id), held.fragment.recording)


def _write(held: FragmentPermit) -> None:
    writing.write(
        person=str(held.person_id),
        role=judge_hearing(held),
        action=Action.HEAR_FRAGMENT,
        purpose=Purpose.TRAINING,
        recording=held.fragment.recording,
        details={"fragment": str(held.fragment_id)},
    )


def _hearing(fragment: Fragment) -> Hearing:
    key = _key().public_key()
    return the_room().fragment(fragments(), binding.check(key, fragment), key)


def _key() -> Ed25519PrivateKey:
    """By which fragments are sealed; KeyFileError if it cannot be made or read."""
    file = Path(settings.CONFIG.archive.folder) / "keys" / f"{derived.DEVICE}.key"
    with _key_lock:
        if not file.exists():
            file.parent.mkdir(mode=0o700, exist_ok=True)
            save_device(file, Ed25519PrivateKey.generate())
        return load_device(file)
