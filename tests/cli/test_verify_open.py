"""`recorder verify` and `recorder open`, as a person at a terminal meets them."""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import keyfiles
from recorder.audio import CALENDAR_END_MS, Gap, GapCause, Moment, OpusBlock
from recorder.cli import main, passphrase
from recorder.cli import open as open_command
from recorder.cli import verify as verify_command
from recorder.device import custody, daemon, standing
from recorder.errors import KeyFileError, SealedError, StoreError
from recorder.keyfiles import load_recipient, load_recipient_public
from recorder.sealed import layout, seal
from recorder.sealed.keys import RecipientPrivateKey, RecipientPublicKey
from recorder.sealed.layout import Event
from recorder.sealed.ledger import Ledger, refusal

PASSPHRASE = b"six words are long enough here"
MOMENT = Moment(1_700_000_000_000, 60_000, False)
PACKETS = (b"\xf8\xff\xfe", b"\xf8\xff\xfe")


def begun(
    device: Ed25519PrivateKey, recipient: RecipientPublicKey, moment: Moment = MOMENT
) -> tuple[bytes, bytes, seal.Sealer]:
    """Number 7 of room-1, whose secrets are all zeros."""
    return seal.begin(
        device,
        device="room-1",
        sequence=7,
        previous=bytes(32),
        moment=moment,
        boot=bytes(16),
        rate=48_000,
        preskip=312,
        pad_bytes=64,
        suite="chacha20poly1305",
        recipients=[recipient],
        random=bytes,
    )


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A folder with a recording, its device's public key, a recipient's key and the passphrase."""
    device, recipient = Ed25519PrivateKey.generate(), RecipientPrivateKey.generate("mlkem768-x25519")
    keyfiles.save_device_public(tmp_path / "room-1.device.pub", device.public_key())
    keyfiles.save_recipient(tmp_path / "archive.key", recipient, PASSPHRASE)
    (tmp_path / "passphrase").write_bytes(PASSPHRASE + b"\n")
    preamble, keybox, sealer = begun(device, recipient.public)
    ledger = Ledger(layout.parse_record(preamble)[1])
    late = Moment(1_700_000_010_000, 60_040, True)
    records = [preamble]
    items = (OpusBlock(0, 960, PACKETS, True, MOMENT), Gap(960, 48_000, GapCause.PAUSE, late))
    for item in items:
        records.append(sealer.seal(item, final=item is items[-1]))
        ledger.add(layout.parse_record(records[-1])[1])
    events = [Event(960, 1_700_000_000_020, "mark")]
    records.append(
        ledger.manifest(device, ended="limit", events=events, moment=late, boot=bytes(16), keybox_body=keybox)
    )
    records.append(layout.record(layout.RecordType.KEYBOX, keybox))
    (tmp_path / "whole.sealed").write_bytes(b"".join(records))
    (tmp_path / "open.sealed").write_bytes(b"".join(records[:3]))
    (tmp_path / "cut.sealed").write_bytes(b"".join(records[:2] + records[3:]))
    (tmp_path / "noise.sealed").write_bytes(b"noise")
    never = Ledger(layout.parse_record(preamble)[1]).manifest(
        device, ended="stop", events=[], moment=late, boot=bytes(16), keybox_body=None
    )
    (tmp_path / "never.sealed").write_bytes(preamble + never)
    return tmp_path


def run(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    verify_command.add(subparsers)
    open_command.add(subparsers)
    args = parser.parse_args([str(each) for each in arguments])
    code: int = args.run(args)
    return code


def test_verify_tells_everything_in_plain_words(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", room / "whole.sealed") == 0
    told = capsys.readouterr().out
    for words in (
        "WHOLE: all that was recorded is here, nothing was altered",
        "but:        not all of the meeting was recorded",
        "number 7 of device room-1",
        "2023-11-14 22:13:20 UTC (clock not synchronised)",
        "2 blocks, 1.02 s",
        "1.00 s at 0.02 s: pause",
        "set by +10.0 s before block 1",
        "0.02 s: mark",
        "ended:      it had lasted as long as a recording may",
        "keybox:     here",
    ):
        assert words in told


def test_verify_says_which_key_it_trusted(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keyfiles.save_device_public(room / "attic.device.pub", Ed25519PrivateKey.generate().public_key())
    assert run("verify", room / "whole.sealed") == 0
    used = room / "room-1.device.pub"
    fingerprint = hashlib.sha256(keyfiles.load_device_public(used).public_bytes_raw()).hexdigest()[:32]
    assert f"device key: {fingerprint}, from {used}\n" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "code", "words"), [("open", 1, "OPEN: authentic"), ("cut", 1, "tells of 2 blocks")])
def test_verify_exits_with_1_if_it_is_not_whole(
    room: Path, capsys: pytest.CaptureFixture[str], name: str, code: int, words: str
) -> None:
    assert run("verify", room / f"{name}.sealed", "--device-key", room / "room-1.device.pub") == code
    assert words in capsys.readouterr().out


def test_verify_as_json(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify", "--json", room / "cut.sealed") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["preamble"]["sequence"]) == ("cut", 7)
    with (room / "cut.sealed").open("rb") as stream:
        preamble, block, *_ = [layout.hash_body(body).hex() for _, body in layout.split(stream)]
    assert (told["preamble_hash"], told["contents"]) == (preamble, [block])


def test_a_clock_beyond_the_calendar_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wall_ms in (CALENDAR_END_MS - 1, CALENDAR_END_MS, 2**53 - 1):
        device, folder = Ed25519PrivateKey.generate(), tmp_path / str(wall_ms)
        folder.mkdir()
        keyfiles.save_device_public(folder / "room-1.device.pub", device.public_key())
        preamble, _, _ = begun(device, RecipientPrivateKey.generate("x25519").public, Moment(wall_ms, 60_000, False))
        (folder / "open.sealed").write_bytes(preamble)
        assert run("verify", folder / "open.sealed") == 1
        words = "9999-12-31 23:59:59 UTC" if wall_ms < CALENDAR_END_MS else "after the year 9999"
        assert f"begun:      {words} (clock not synchronised)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"OggS, and more that is no recording", "is not a sealed recording"),
        (layout.record(layout.RecordType.KEYBOX, b"no beginning"), "does not begin as one"),
    ],
)
def test_what_is_no_recording_is_told_before_a_key_is_asked_for(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "some.sealed").write_bytes(content)
    with pytest.raises(SealedError, match=rf"some\.sealed: {told}" if told[0] == "i" else told):
        run("verify", tmp_path / "some.sealed")


@pytest.mark.parametrize(
    ("ended", "name", "words"),
    [
        ("limit", "limit", "it had lasted as long as a recording may"),
        ("limit", "no_answer", "nobody answered"),
        ("power_loss", "stop", "the power was cut, or the room's program ended"),
        ("fault", "missed", "a fault ended it"),
    ],
)
def test_how_it_ended_and_what_happened_is_told_in_words(
    room: Path, capsys: pytest.CaptureFixture[str], ended: Any, name: str, words: str
) -> None:
    device = Ed25519PrivateKey.generate()
    (room / "room-1.device.pub").unlink()
    keyfiles.save_device_public(room / "room-1.device.pub", device.public_key())
    preamble, _, _ = begun(device, RecipientPrivateKey.generate("x25519").public)
    events = [Event(0, MOMENT.wall_ms, name), Event(0, MOMENT.wall_ms, "of_another_program")]
    manifest = Ledger(layout.parse_record(preamble)[1]).manifest(
        device, ended=ended, events=events, moment=MOMENT, boot=bytes(16), keybox_body=None
    )
    (room / "empty.sealed").write_bytes(preamble + manifest)
    assert run("verify", room / "empty.sealed") == 0
    said = capsys.readouterr().out
    assert f"ended:      {words}, " in said
    assert f"event:      0.00 s: {name}, {verify_command.EVENTS[name]}\n" in said
    assert "event:      0.00 s: of_another_program\n" in said


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["refused"], "REFUSED: somebody said no; there was no recording\n"),
        (
            ["notice_given", "refused"],
            "REFUSED: the meeting was refused; no audio is in it, and none can be recovered\n",
        ),
        ([], "REFUSED: the meeting was refused; no audio is in it, and none can be recovered\n"),
    ],
)
def test_of_a_no_without_a_meeting_it_is_not_said_that_anything_was_erased(
    room: Path, capsys: pytest.CaptureFixture[str], names: list[str], words: str
) -> None:
    device = Ed25519PrivateKey.generate()
    keyfiles.save_device_public(room / "other.pub", device.public_key())
    preamble, _, _ = begun(device, RecipientPrivateKey.generate("x25519").public)
    _, body = layout.parse_record(preamble)
    no = refusal(device, body, told=names, no_ms=MOMENT.wall_ms, moment=MOMENT, boot=bytes(16))
    (room / "no.sealed").write_bytes(preamble + no)
    assert run("verify", room / "no.sealed", "--device-key", room / "other.pub") == 0
    assert capsys.readouterr().out.startswith(words)


def test_every_event_that_a_room_notes_has_its_words() -> None:
    """Read from the daemon and the custody: what they note by name."""
    sources = [Path(module.__file__ or "").read_text() for module in (daemon, custody)]
    noted = {name for source in sources for name in re.findall(r'\b_?(?:note|end)\("(\w+)"', source)}
    assert {"notice_given", "no_answer", "missed"} < noted
    ends_of_a_no = set(get_args(get_type_hints(standing.End)["name"]))
    assert noted | ends_of_a_no | {custody.REFUSED, custody.GRACE_OVER} == set(verify_command.EVENTS)


def test_of_a_cut_file_it_is_not_said_why_there_is_no_keybox(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (room / "cut.sealed").write_bytes((room / "whole.sealed").read_bytes()[:-20])
    assert run("verify", room / "cut.sealed") == 1
    said = capsys.readouterr().out
    assert "because of the flaw" in said and "withheld" not in said


def test_a_file_that_is_not_there_is_told_before_its_keys_are_looked_for(tmp_path: Path) -> None:
    with pytest.raises(SealedError, match=r"nowhere\.sealed: cannot be read: No such file"):
        run("verify", tmp_path / "nowhere.sealed")


def test_what_cannot_be_judged_is_an_error(room: Path) -> None:
    with pytest.raises(SealedError, match=r"missing\.sealed: cannot be read"):
        run("verify", room / "missing.sealed")
    with pytest.raises(SealedError, match="not a sealed recording"):
        run("verify", room / "noise.sealed")
    keyfiles.save_device_public(room / "other.pub", Ed25519PrivateKey.generate().public_key())
    with pytest.raises(SealedError, match="signature"):
        run("verify", room / "whole.sealed", "--device-key", room / "other.pub")
    (room / "room-1.device.pub").unlink()
    with pytest.raises(KeyFileError, match="--device-key"):
        run("verify", room / "whole.sealed")


def test_open_writes_a_file_that_plays(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--key", room / "archive.key", "--passphrase-file", room / "passphrase", "-o", room / "out.opus")
    assert run("open", room / "whole.sealed", *arguments) == 0
    but = "but not all of the meeting was recorded: `recorder verify` says what is missing"  # a pause
    assert capsys.readouterr().err == f"{room / 'out.opus'}: 1.02 s, whole; {but}\n"
    played = subprocess.run(["opusdec", "--quiet", room / "out.opus", room / "out.wav"], check=True)
    assert played.returncode == 0
    assert ((room / "out.wav").stat().st_size - 44) // 2 == 48_960


def test_open_salvages_only_when_asked(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--key", room / "archive.key", "--passphrase-file", room / "passphrase", "-o", room / "out.opus")
    with pytest.raises(SealedError, match="not whole"):
        run("open", room / "cut.sealed", *arguments)
    assert not (room / "out.opus").exists()
    assert run("open", room / "cut.sealed", "--salvage", *arguments) == 1
    assert "salvaged in part; the manifest tells of 2 blocks" in capsys.readouterr().err
    assert (room / "out.opus").exists()


def test_where_there_is_no_keybox_the_likeliest_reason_comes_first(room: Path) -> None:
    arguments = ("--key", room / "archive.key", "--passphrase-file", room / "passphrase", "-o", room / "out.opus")
    with pytest.raises(SealedError, match="no keybox in it: the file is cut short"):
        run("open", room / "open.sealed", "--salvage", *arguments)
    with pytest.raises(SealedError, match="no keybox in it: none was ever released"):
        run("open", room / "never.sealed", *arguments)


def test_open_replaces_a_file_only_when_told(room: Path) -> None:
    arguments = ("--key", room / "archive.key", "--passphrase-file", room / "passphrase", "-o", room / "out.opus")
    (room / "out.opus").write_bytes(b"somebody's")
    with pytest.raises(StoreError, match=r"out\.opus: is there already.*--force"):
        run("open", room / "whole.sealed", *arguments)
    assert (room / "out.opus").read_bytes() == b"somebody's"
    assert run("open", room / "whole.sealed", *arguments, "--force") == 0
    assert (room / "out.opus").read_bytes().startswith(b"OggS")


def test_open_tells_of_an_output_that_cannot_be_looked_at(room: Path) -> None:
    arguments = ("--key", room / "archive.key", "--passphrase-file", room / "passphrase")
    with pytest.raises(StoreError, match="cannot be looked at: File name too long"):
        run("open", room / "whole.sealed", *arguments, "-o", room / ("x" * 300))


def test_a_pipe_cannot_be_verified_and_that_is_told(room: Path) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "wb"), pytest.raises(SealedError, match="is a pipe"):
        run("verify", f"/dev/fd/{reading}", "--device-key", room / "room-1.device.pub")


def test_open_names_the_file_that_cannot_be_written(room: Path) -> None:
    arguments = ("--key", room / "archive.key", "--passphrase-file", room / "passphrase")
    with pytest.raises(StoreError, match=r"nowhere/out\.opus: No such file"):
        run("open", room / "whole.sealed", *arguments, "-o", room / "nowhere" / "out.opus")
    with pytest.raises(StoreError, match=r"nowhere\.sealed: No such file"):
        run("open", room / "nowhere.sealed", *arguments, "-o", room / "out.opus")
    assert [path.name for path in room.iterdir() if path.suffix == ".opus" or path.name.startswith(".")] == []


def test_the_sealed_recording_is_never_written_over(room: Path) -> None:
    sealed = (room / "whole.sealed").read_bytes()
    (room / "link.opus").symlink_to(room / "whole.sealed")
    arguments = ("--force", "--key", room / "archive.key", "--passphrase-file", room / "passphrase")
    for output in (room / "whole.sealed", room / "." / "whole.sealed", room / "link.opus"):
        with pytest.raises(StoreError, match="never overwritten"):
            run("open", room / "whole.sealed", *arguments, "-o", output)
    assert (room / "whole.sealed").read_bytes() == sealed
    assert (room / "link.opus").is_symlink()


def test_the_passphrase_is_asked_for(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(passphrase.getpass, "getpass", lambda prompt: asked.append(prompt) or "wrong, but long enough")
    with pytest.raises(KeyFileError, match="passphrase is wrong"):
        run("open", room / "whole.sealed", "--key", room / "archive.key", "-o", room / "out.opus")
    assert asked == [f"Passphrase of {room / 'archive.key'}: "]


def test_without_a_terminal_the_passphrase_is_asked_for_in_a_file(room: Path) -> None:
    command = ["open", room / "whole.sealed", "--key", room / "archive.key", "-o", room / "out.opus"]
    done = subprocess.run(
        [sys.executable, "-m", "recorder", *map(str, command)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 2
    assert done.stderr == "recorder open: there is no terminal to ask for the passphrase; use --passphrase-file\n"


@pytest.mark.parametrize(("key", "told"), [("nowhere", "cannot be read: No such"), ("words", "is not a key file")])
def test_what_is_no_key_is_told_before_its_passphrase_is_asked_for(key: str, told: str, room: Path) -> None:
    (room / "words").write_text("words")
    with pytest.raises(KeyFileError, match=f"{key}: {told}"):
        run("open", room / "whole.sealed", "--key", room / key, "-o", room / "out.opus")


def test_two_passphrases_that_differ_make_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["four words are enough", "four words are enugh"])
    monkeypatch.setattr(passphrase.getpass, "getpass", lambda prompt: next(answers))
    with pytest.raises(KeyFileError, match="differ"):
        passphrase.ask(None, twice=True)


def test_a_passphrase_is_taken_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = tmp_path / "words"
    longest = "x" * passphrase.PASSPHRASE_BYTES_MAX
    for end in ("", "\n", "\r\n", "\nmore"):
        words.write_bytes(f"{longest}{end}".encode())
        assert passphrase.ask(words) == longest.encode()
    words.write_text(f"{longest}x\n")
    with pytest.raises(KeyFileError, match="more than 1023 bytes"):
        passphrase.ask(words)
    monkeypatch.setattr(passphrase.getpass, "getpass", lambda prompt: f"{longest}x")
    with pytest.raises(KeyFileError, match="more than 1023 bytes"):
        passphrase.ask(None)
    keyfiles.save_recipient(tmp_path / "key", RecipientPrivateKey.generate("x25519"), longest.encode())
    assert load_recipient(tmp_path / "key", longest.encode())


def test_a_recipient_is_made_and_can_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = tmp_path / "words"
    words.write_text("four words are enough\n")
    reader = tmp_path / "reading-room" / "reader"  # in a folder that is not there yet
    assert main(["authority", "recipient", str(reader), "--passphrase-file", str(words)]) == 0
    assert capsys.readouterr().out.startswith(f"{reader}.pub is for the rooms; {reader}.key opens what they record")
    private = load_recipient(reader.with_suffix(".key"), b"four words are enough")
    assert private.public.key_id == load_recipient_public(reader.with_suffix(".pub")).key_id


def test_a_recipients_name_may_have_a_dot_and_must_be_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("words").write_text("four words are enough\n")
    for name in (".", "..", "/", "a/.."):
        assert main(["authority", "recipient", name, "--passphrase-file", "words"]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["authority", "recipient", "jan.bakker", "--passphrase-file", "words"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jan.bakker.key", "jan.bakker.pub", "words"]
