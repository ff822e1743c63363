// The hashes of a draw. A single hash is made by Web Crypto, where the page is on https and has it. The hundred thousands of
// a list are made by the library: Web Crypto answers each by a promise, which costs more than the hash. SM3 is ours.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hex, join, unhex, utf8 } from "./bytes.js";
import { fail } from "./failure.js";
import { sm3 } from "./sm3.js";

const subtle = globalThis.crypto?.subtle;

class Sha256 {
  name = "sha256";

  async hash(message) {
    return subtle ? new Uint8Array(await subtle.digest("SHA-256", message)) : sha256(message);
  }

  // A function (message, out) that writes the hash of start ‖ message into 32 bytes; the start is hashed once.
  after(start) {
    return cloned(sha256.create().update(start), sha256.create());
  }

  // A function from a text to the HMAC of start ‖ text, in hexadecimal digits.
  macs(key, start) {
    const secret = unhex(key);
    return ofTexts(cloned(hmac.create(sha256, secret).update(utf8(start)), hmac.create(sha256, secret)));
  }

  // A function from a text to the hash of start ‖ text, in hexadecimal digits.
  hexes(start) {
    return ofTexts(this.after(utf8(start)));
  }

  // The hash of a text, in hexadecimal digits.
  async hex(text) {
    return hex(await this.hash(utf8(text)));
  }
}

// Goes on from a copy of one state, made in the same place again and again.
const cloned = (state, place) => (message, out) => {
  state._cloneInto(place);
  place.update(message).digestInto(out);
};

// Texts are encoded, and their hashes made, in the same bytes again and again: a million small arrays would cost more.
function ofTexts(hash) {
  let bytes = new Uint8Array(1024);
  const out = new Uint8Array(32);
  return (text) => {
    if (bytes.length < 3 * text.length) bytes = new Uint8Array(3 * text.length);
    hash(bytes.subarray(0, encoder.encodeInto(text, bytes).written), out);
    return hex(out);
  };
}
const encoder = new TextEncoder();

class Sm3 extends Sha256 {
  name = "sm3";

  async hash(message) {
    return sm3(message);
  }

  after(start) {
    return (message, out) => out.set(sm3(join(start, message)));
  }

  macs(key, start) {
    const secret = unhex(key);
    const pad = (byte) => Uint8Array.from({ length: 64 }, (_, i) => (secret[i] ?? 0) ^ byte);
    const inner = join(pad(0x36), utf8(start));
    const outer = pad(0x5c);
    return (text) => hex(sm3(join(outer, sm3(join(inner, utf8(text))))));
  }
}

const SUITES = { sha256: Sha256, sm3: Sm3 };

export function suite(name) {
  if (!Object.hasOwn(SUITES, name)) fail("suites.unknown", { name, known: "sha256, sm3" });
  return new SUITES[name]();
}
