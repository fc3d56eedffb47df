"""Made hybrid_sealed.hex, once: the data key of the vector `whole-hybrid`, sealed by the product's own library."""

import craft
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite

recording = craft.Recording(kem="mlkem768-x25519")
info = b"wederhoor/1 keybox\0" + recording.hashed + bytes.fromhex(recording.values["recipients"][0])
public = MLKEM768X25519PublicKey(craft.MLKEM.public_key(), craft.X25519.public_key())
suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
(craft.HERE / "hybrid_sealed.hex").write_text(suite.encrypt(craft.DATA_KEY, public, info).hex() + "\n")
