// JSON read strictly and written in its one form (RFC 8785): whole numbers only. JSON.parse would take a key twice, and
// round large numbers.
import { fail } from "./failure.js";

const MAX_DEPTH = 100; // of what is written canonically
const MAX_READ = 900; // of what is read at all
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

export function parse(text) {
  let at = 0;

  const bad = () => fail("public_log.bad_json", place(text, at));
  const skip = () => {
    for (; ; at++) {
      const unit = text.charCodeAt(at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
    }
  };
  const word = (letters, value) => {
    if (!text.startsWith(letters, at)) bad();
    at += letters.length;
    return value;
  };
  const string = () => {
    let found = "";
    let escaped = false;
    at++;
    for (;;) {
      PLAIN.lastIndex = at;
      const plain = PLAIN.exec(text)[0];
      found = found ? found + plain : plain;
      at += plain.length;
      if (text[at] === '"') {
        at++;
        if (escaped && LONE.test(found)) fail("public_log.lone_surrogate");
        return found;
      }
      if (text[at] !== "\\") bad();
      const letter = text[at + 1];
      if (letter === "u") {
        const digits = text.substr(at + 2, 4);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) bad();
        found += String.fromCharCode(parseInt(digits, 16));
        escaped = true;
        at += 6;
      } else {
        if (ESCAPES[letter] === undefined) bad();
        found += ESCAPES[letter];
        at += 2;
      }
    }
  };
  const number = () => {
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text);
    if (!match) bad();
    at += match[0].length;
    const value = Number(match[0]);
    if (match[1] !== undefined || match[2] !== undefined) fail("public_log.not_whole", { number: match[0].slice(0, 40) });
    if (!Number.isSafeInteger(value)) fail("public_log.integer_too_large");
    return value === 0 ? 0 : value; // not -0
  };
  const value = (depth) => {
    if (depth < 0) fail("public_log.too_deep", { limit: MAX_READ });
    skip();
    switch (text[at]) {
      case "{": {
        const found = Object.create(null);
        at++;
        skip();
        if (text[at] === "}") {
          at++;
          return found;
        }
        for (;;) {
          skip();
          if (text[at] !== '"') bad();
          const key = string();
          if (key in found) fail("public_log.duplicate_key", { key });
          skip();
          if (text[at] !== ":") bad();
          at++;
          found[key] = value(depth - 1);
          skip();
          if (text[at] === "}") {
            at++;
            return found;
          }
          if (text[at] !== ",") bad();
          at++;
        }
      }
      case "[": {
        const found = [];
        at++;
        skip();
        if (text[at] === "]") {
          at++;
          return found;
        }
        for (;;) {
          found.push(value(depth - 1));
          skip();
          if (text[at] === "]") {
            at++;
            return found;
          }
          if (text[at] !== ",") bad();
          at++;
        }
      }
      case '"':
        return string();
      case "t":
        return word("true", true);
      case "f":
        return word("false", false);
      case "n":
        return word("null", null);
      default:
        return number();
    }
  };

  const found = value(MAX_READ);
  skip();
  if (at !== text.length) bad();
  return found;
}

function place(text, at) {
  const before = text.slice(0, at).split("\n");
  return { at, line: before.length, column: before[before.length - 1].length + 1 };
}

export function parseBytes(bytes) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    fail("public_log.not_utf8", { at: 0 });
  }
  return parse(text);
}

const LONE = /\p{Cs}/u;

function quote(text) {
  if (LONE.test(text)) fail("public_log.lone_surrogate");
  return JSON.stringify(text);
}

export function canonical(value, depth = MAX_DEPTH) {
  if (depth < 0) fail("public_log.too_deep", { limit: MAX_DEPTH });
  if (typeof value === "string") return quote(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth - 1)).join(",")}]`;
  // sort() without a comparison goes by UTF-16 units, as RFC 8785 wants it
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${quote(key)}:${canonical(value[key], depth - 1)}`).join(",")}}`;
}
