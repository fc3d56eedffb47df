"""What a data breach touches (A3): which recordings, whether their keys are there and whose they are, and who heard them."""

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.views.decorators.http import require_http_methods

from recorder.archive import naming
from recorder.archive.access import Action
from recorder.archive.listing import Row, between, rows
from recorder.archive.web.access import Asked, needs, note, permit
from recorder.archive.web.archive import archive
from recorder.archive.web.times import minute
from recorder.archive.web.trail.finding import people, start_ms
from recorder.archive.web.trail.forms import BreachForm
from recorder.archive.web.trail.models import Line
from recorder.archive.web.trail.reading import Listener, listeners_of
from recorder.archive.web.trail.words import STATES
from recorder.errors import SealedError, StoreError
from recorder.sealed.layout import Keybox, RecordType, parse_record
from recorder.wire.upload import Name

PORTION_ROWS = 100


@dataclass(frozen=True, slots=True)
class Affected:
    """One recording. `keys` are the ids of the recipients' keys that open it; None if nothing does."""

    recording: str
    row: Row | None
    keys: tuple[str, ...] | None
    listeners: list[Listener]

    @property
    def made_ms(self) -> int | None:
        """As far as is known."""
        return None if self.row is None else self.row.made_ms or self.row.first_ms

    @property
    def state(self) -> str:
        return "unknown" if self.row is None else self.row.state

    @property
    def state_word(self) -> Promise:
        return STATES[self.state]


@needs(Action.READ_AUDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def breach(request: Asked) -> HttpResponse:
    """The report, a portion at a time: whether a key is there is asked of the store for each recording."""
    role = permit(request.user, Action.READ_AUDIT)
    form, found, after = BreachForm(request.POST if request.method == "POST" else None), None, ""
    if request.method == "POST" and form.is_valid():
        recordings = _recordings(form.cleaned_data, form.cleaned_data["after"])
        found = list(affected(recordings[:PORTION_ROWS]))
        after = recordings[PORTION_ROWS - 1] if len(recordings) > PORTION_ROWS else ""
        if not form.cleaned_data["after"]:
            note(request.user, role, Action.READ_AUDIT, details=_asked(form))
    asked = {name: value for name, value in form.data.items() if name in form.fields and name != "after"}
    return render(request, "trail/breach.html", {"form": form, "found": found, "after": after, "asked": asked})


@needs(Action.READ_AUDIT)
@require_http_methods(["POST"])
def export(request: Asked) -> HttpResponseBase:
    """The whole report, for a spreadsheet."""
    role = permit(request.user, Action.READ_AUDIT)
    form = BreachForm(request.POST)
    if not form.is_valid():
        return render(request, "trail/breach.html", {"form": form, "found": None})
    note(request.user, role, Action.READ_AUDIT, details=_asked(form))
    answer = StreamingHttpResponse(_csv(form.cleaned_data), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="breach.csv"'
    return answer


def affected(recordings: Collection[str]) -> Iterator[Affected]:
    """What is to be told of these, in their order."""
    known = {each.recording: each for each in rows(archive().catalogue, recordings)}
    heard = listeners_of(recordings)
    for each in recordings:
        yield Affected(each, known.get(each), _keys(each), heard.get(each, []))


def _recordings(asked: dict[str, Any], after: str) -> list[str]:
    """Those that are asked for, by their numbers: a portion behind `after`, and one more if there are more."""
    if asked["recordings"]:
        return [each for each in sorted(asked["recordings"]) if each > after][: PORTION_ROWS + 1]
    since_ms, until_ms = start_ms(asked["since"]), start_ms(asked["until"], days=1)
    if not asked["person"]:
        return between(archive().catalogue, since_ms, until_ms, asked["room"] or None, after, PORTION_ROWS + 1)
    lines = Line.objects.filter(
        person__in=people(asked["person"]),
        wall_ms__gte=since_ms,
        wall_ms__lt=until_ms,
        recording__gt=after,
    )
    if asked["room"]:
        lines = lines.filter(device=asked["room"])
    found = lines.exclude(result="refused").order_by("recording").values_list("recording", flat=True).distinct()
    return [each for each in found[: PORTION_ROWS + 1] if each]


def _keys(recording: str) -> tuple[str, ...] | None:
    """The ids of the keys that open it, from its keybox in the store. An object that is there and damaged opens for nobody."""
    name = naming.items([Name(recording, RecordType.KEYBOX, 0)])
    store = archive().store
    if name not in store.list(f"{recording}/k"):
        return None
    try:
        keybox = Keybox.parse(parse_record(store.get(name))[1])
    except (SealedError, StoreError):  # deleted meanwhile, or damaged
        return None
    return tuple(key_id.hex() for key_id, _sealed in keybox.entries)


def _asked(form: BreachForm) -> dict[str, str]:
    """For the trail."""
    data = form.cleaned_data
    told = {name: str(data[name]) for name in ("since", "until", "person", "room") if data[name]}
    return told | ({"recordings": " ".join(data["recordings"])} if data["recordings"] else {})


def _csv(asked: dict[str, Any]) -> Iterator[str]:
    yield "\N{ZERO WIDTH NO-BREAK SPACE}" + _line(["recording", "room", "when", "state", "key", "key ids", "heard by"])
    after = ""
    while recordings := _recordings(asked, after)[:PORTION_ROWS]:
        for each in affected(recordings):
            made = "" if each.made_ms is None else minute(each.made_ms)
            device = "" if each.row is None else each.row.device
            heard = "; ".join(f"{minute(one.wall_ms)} {one.name} ({one.role}, {one.purpose})" for one in each.listeners)
            keys = " ".join(each.keys or ())
            yield _line([each.recording, device, made, each.state, "there" if each.keys else "none", keys, heard])
        after = recordings[-1]


def _line(cells: Collection[str]) -> str:
    """Of a file of comma-separated values, in which no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    csv.writer(out).writerow([f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in cells])
    return out.getvalue()
