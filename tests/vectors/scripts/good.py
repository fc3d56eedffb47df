"""Recordings with nothing wrong: every reader must take them."""

from craft import Recording, usual, vector


def good(name: str, state: str, released: int, comment: str, recording: Recording) -> None:
    vector(name, "nothing", state, released, "", comment, recording.data())


good("whole", "whole", 7, "audio, a gap, audio", usual().end())
good("whole-aes256gcm", "whole", 7, "the other suite", usual(suite="aes256gcm").end())
good("whole-large-padding", "whole", 7, "padding far larger than the packets", usual(pad_bytes=4096).end())
good("whole-no-padding", "whole", 7, "padding to one byte is none", usual(pad_bytes=1).end())
good("whole-hybrid", "whole", 7, "sealed for ML-KEM-768 with X25519", usual(kem="mlkem768-x25519").end())
good("whole-no-keybox-named", "whole", 0, "the manifest says that no keybox exists", usual().end(None))
good("whole-no-blocks", "whole", 0, "ended before the first block", Recording().end())
good(
    "whole-gap-first",
    "whole",
    2,
    "begins with a gap, then another",
    Recording().gap().gap(960, "pause").audio(final=True).end(),
)
good("whole-gap-last", "whole", 2, "ends in a gap", Recording().audio(flushed=True).gap(final=True).end())
good(
    "whole-flushed-only",
    "whole",
    1,
    "less than a frame: the flushed packet alone",
    Recording().audio(1, flushed=True, final=True).end(),
)
good("whole-largest-block", "whole", 250, "250 packets in one block", Recording().audio(250, final=True).end())
good("whole-limit", "whole", 2, "ended by the limit", Recording().audio(final=True).end(ended="limit"))
for ended in ("fault", "power_loss"):
    name = ended.replace("_", "-")
    good(f"whole-{name}", "whole", 2, f"no final block, ended by {ended}", Recording().audio().end(ended=ended))
    good(
        f"whole-{name}-final",
        "whole",
        2,
        "the same behind a final block",
        Recording().audio(final=True).end(ended=ended),
    )
good(
    "whole-signature-covered",
    "whole",
    4,
    "a block's signature is wrong, and the manifest covers its bytes",
    Recording().audio().audio(final=True, domain=b"").end(),
)
withheld = usual().end()
withheld.records.pop()
good("whole-keybox-withheld", "whole", 0, "the keybox that the manifest names is not here", withheld)
good(
    "clock-step",
    "whole",
    6,
    "the wall clock jumps back by an hour",
    Recording().audio().audio(wall_ms=1_699_996_400_000).audio(final=True).end(),
)
good("open", "open", 0, "a meeting under way: no manifest yet", Recording().audio().audio())
good("open-preamble-only", "open", 0, "nothing was said yet", Recording())
good("refused", "refused", 0, "a refusal, with the event but without its position", Recording().refuse())
