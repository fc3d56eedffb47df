"""What a recording costs: an hour through every real part, beside `opusenc` on the same audio. See README.md."""
