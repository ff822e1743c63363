// Ids of units, scheme:value, with the check digits of the schemes that have them (GB 32100, GB 11714, GB/T 17710 …).
import { fail } from "./failure.js";

const USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const ORG = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const USCC_FORM = new RegExp(`^[${USCC}]{2}[0-9]{6}[${USCC}]{10}$`);
const DEPARTMENTS = "123456789ANY";

const sum = (text, alphabet, weight) =>
  [...text].reduce((total, char, i) => total + alphabet.indexOf(char) * weight(i, text.length), 0);
const mod = (a, b) => ((a % b) + b) % b;

const ORG_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2];
const orgDigit = (first8) => "0123456789X"[mod(-sum(first8, ORG, (i) => ORG_WEIGHTS[i]), 11)];
const power3 = (exponent) => {
  let found = 1;
  for (let i = 0; i < exponent; i++) found = (found * 3) % 31;
  return found;
};
const usccDigit = (first17) => USCC[mod(-sum(first17, USCC, power3), 31)];

function mod1110(digits) {
  let product = 10;
  for (const digit of digits) product = ((((product + Number(digit)) % 10) || 10) * 2) % 11;
  return String((11 - product) % 10);
}

const CHECKS = {
  uscc: (code) =>
    USCC_FORM.test(code) &&
    code[16] === orgDigit(code.slice(8, 16)) &&
    code[17] === usccDigit(code.slice(0, 17)) &&
    DEPARTMENTS.includes(code[0]),
  org: (code) => /^[0-9A-Z]{9}$/.test(code) && code[8] === orgDigit(code.slice(0, 8)),
  reg: (code) => /^[0-9]{15}$/.test(code) && code[14] === mod1110(code.slice(0, 14)),
  gtin: (code) =>
    /^([0-9]{8}|[0-9]{12,14})$/.test(code) &&
    Number(code[code.length - 1]) === mod(-sum(code.slice(0, -1), USCC, (i, n) => ((n - 1 - i) % 2 ? 1 : 3)), 10),
  division: (code) => {
    if (!/^([0-9]{6}|[0-9]{9}|[0-9]{12})$/.test(code) || code.startsWith("00")) return false;
    const parts = [code.slice(0, 2), code.slice(2, 4), code.slice(4, 6), code.slice(6, 9), code.slice(9)];
    return parts.every((part, i) => i === 0 || !/[1-9]/.test(part) || /[1-9]/.test(parts[i - 1]));
  },
  food: (code) => /^SC[12][0-9]{13}$/.test(code) && code[15] === mod1110(code.slice(2, 15)),
  resident: () => false,
};

// Refuses an id that is not written as one, or fails the check of its scheme; of an unknown scheme only the form counts.
export function checkId(id) {
  const match = /^([a-z][a-z0-9-]*):([!-~]+)$/.exec(id);
  if (!match || id.length > 200 || /[|=]/.test(id)) fail("draw.frame.bad_id", { id: id.slice(0, 80) });
  const check = Object.hasOwn(CHECKS, match[1]) ? CHECKS[match[1]] : null;
  if (check && !check(match[2])) fail("verify_page.bad_check_digit", { id });
}

// What kinds of ids a list holds: how many have no check digits, and a firm that stands under both its codes (the
// 组织机构代码 is part of the 统一社会信用代码).
export function kindsOf(ids) {
  const orgs = new Set();
  let unchecked = 0;
  let twice = null;
  for (const id of ids) {
    const cut = id.indexOf(":");
    const [scheme, code] = [id.slice(0, cut), id.slice(cut + 1)];
    if (!Object.hasOwn(CHECKS, scheme)) unchecked++;
    else if (scheme === "org") orgs.add(code);
    else if (scheme === "uscc" && orgs.has(code.slice(8, 17))) twice ??= { org: `org:${code.slice(8, 17)}`, id };
  }
  return { unchecked, twice };
}
