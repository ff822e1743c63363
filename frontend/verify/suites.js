// The hashes of a draw. SHA-256 by Web Crypto; a page that is not on https has none, and takes the library's. SM3 is ours.
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hex, join, unhex, utf8 } from "./bytes.js";
import { fail } from "./failure.js";
import { sm3 } from "./sm3.js";

const BATCH = 4096;
const subtle = globalThis.crypto?.subtle;

class Suite {
  constructor(name) {
    this.name = name;
  }

  // Web Crypto answers one by one and later; asked in batches it is as fast as the library.
  async many(messages) {
    if (this.name === "sm3") return messages.map(sm3);
    if (!subtle) return messages.map((message) => sha256(message));
    const found = [];
    for (let i = 0; i < messages.length; i += BATCH) {
      const batch = messages.slice(i, i + BATCH).map((message) => subtle.digest("SHA-256", message));
      for (const digest of await Promise.all(batch)) found.push(new Uint8Array(digest));
    }
    return found;
  }

  async hash(message) {
    return (await this.many([message]))[0];
  }

  // The hash of a text, as 64 hexadecimal digits.
  async hex(text) {
    return hex(await this.hash(utf8(text)));
  }

  async hexes(texts) {
    return (await this.many(texts.map(utf8))).map(hex);
  }

  // HMAC of each text, as hexadecimal digits; the key is given as hexadecimal digits.
  async macs(key, texts) {
    const secret = unhex(key);
    if (this.name === "sm3") return texts.map((text) => hex(hmacSm3(secret, utf8(text))));
    if (!subtle) return texts.map((text) => hex(hmac(sha256, secret, utf8(text))));
    const imported = await subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const found = [];
    for (let i = 0; i < texts.length; i += BATCH) {
      const batch = texts.slice(i, i + BATCH).map((text) => subtle.sign("HMAC", imported, utf8(text)));
      for (const mac of await Promise.all(batch)) found.push(hex(new Uint8Array(mac)));
    }
    return found;
  }
}

function hmacSm3(key, message) {
  const pad = (byte) => Uint8Array.from({ length: 64 }, (_, i) => (key[i] ?? 0) ^ byte);
  return sm3(join(pad(0x5c), sm3(join(pad(0x36), message))));
}

export function suite(name) {
  if (name !== "sha256" && name !== "sm3") fail("suites.unknown", { name, known: "sha256, sm3" });
  return new Suite(name);
}
