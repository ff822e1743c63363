// Tickets, strata, and who is drawn.
import { byteOrder } from "./bytes.js";
import { fail } from "./failure.js";
import { text } from "./format.js";

// The strata of a unit by their full names, each with its own columns: exclusion, size, lambda.
export function placesOf(leaf, lists, pareto) {
  if (!lists) return [place(leaf, "", "", pareto)];
  for (const column of Object.keys(leaf)) {
    const cut = column.lastIndexOf(".");
    if (OWN.has(column.slice(cut + 1)) && !lists.includes(column.slice(0, Math.max(cut, 0)))) {
      fail("draw.frame.unknown_list", { id: leaf.id, column, lists: lists.join(" ") });
    }
  }
  const found = [];
  for (const list of lists) {
    if (`${list}.stratum` in leaf) found.push(place(leaf, `${list}.`, `${list}/`, pareto));
    else {
      for (const part of ["exclusion", "lambda", "speciality"]) {
        const column = `${list}.${part}`;
        if (column in leaf) fail("draw.frame.not_on_list", { id: leaf.id, column, list });
      }
    }
  }
  if (!found.length) fail("draw.frame.on_no_list", { id: leaf.id });
  return found;
}

const OWN = new Set(["stratum", "exclusion", "size", "lambda", "speciality"]);
// Codes ascending, joined by '+', each once; "" = none.
export function checkSpeciality(value, at) {
  const codes = text(value, at, true) ? value.split("+") : [];
  const rising = codes.every((code, i) => code && (i === 0 || byteOrder(codes[i - 1], code) < 0));
  if (value.includes("|") || !rising) fail("draw.frame.bad_speciality", { at, speciality: value.slice(0, 80) });
  for (const code of codes) text(code, at);
}

// What the lead of a visit must hold, by the lists that drew the unit ("" = the one list).
export function specialityOf(leaf, lists) {
  const codes = new Set(lists.flatMap((list) => leaf[list ? `${list}.speciality` : "speciality"]?.split("+") ?? []));
  codes.delete("");
  return [...codes].sort(byteOrder).join("+");
}

const whole = (value) => (Number.isInteger(value) && value > 0 ? value : 0);

function place(leaf, prefix, full, pareto) {
  const at = `${leaf.id}.${prefix}`;
  const stratum = full + text(leaf[`${prefix}stratum`], `${at}stratum`);
  const code = leaf[`${prefix}exclusion`];
  const excluded = code === undefined ? "" : text(code, `${at}exclusion`, true);
  checkSpeciality(leaf[`${prefix}speciality`] === undefined ? "" : leaf[`${prefix}speciality`], `${at}speciality`);
  if (pareto.includes(stratum) && !excluded) {
    return { stratum, excluded, size: whole(leaf[`${prefix}size`]), lambda: whole(leaf[`${prefix}lambda`]) };
  }
  if (`${prefix}lambda` in leaf) fail("draw.pareto.stray", { id: leaf.id, column: `${prefix}lambda` });
  return { stratum, excluded, size: 0, lambda: 0 };
}

// Rule zhunsheng/lambda/1: scale × the probability of each unit, from the sizes (in ascending order of id).
export function lambdas(sizes, n, scale) {
  const certain = sizes.map(() => false);
  let total = sizes.reduce((sum, size) => sum + BigInt(size), 0n);
  let left = BigInt(n);
  for (;;) {
    const joining = sizes.map((_, i) => i).filter((i) => !certain[i] && left * BigInt(sizes[i]) >= total);
    if (!joining.length) break;
    for (const i of joining) {
      certain[i] = true;
      left -= 1n;
      total -= BigInt(sizes[i]);
    }
  }
  const whole = BigInt(scale) * left;
  const made = sizes.map((size, i) => (certain[i] ? scale : Math.max(1, Number((whole * BigInt(size)) / total))));
  const rest = scale * n - made.reduce((sum, a) => sum + a, 0);
  if (rest < 0) fail("draw.pareto.too_uneven");
  sizes
    .map((size, i) => [(whole * BigInt(size)) % (total || 1n), i])
    .filter(([, i]) => !certain[i] && whole * BigInt(sizes[i]) >= total)
    .sort(([a, i], [b, j]) => (a === b ? i - j : a > b ? -1 : 1))
    .slice(0, rest)
    .forEach(([, i]) => made[i]++);
  return made;
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const byTicket = (a, b) => compare(a.ticket, b.ticket) || compare(a.tag, b.tag);

// The first n units of one stratum in the order in which they are drawn. Each has its ticket and its tag.
export function firstOf(units, n, scale) {
  if (!scale) return likely(units, n).sort(byTicket).slice(0, n);
  return keyed(units, scale).slice(0, n).map(({ unit }) => unit);
}

// The place of a unit in that order, from 1.
export function rankOf(unit, units, scale) {
  if (!scale) return 1 + units.reduce((before, other) => before + (byTicket(other, unit) < 0 ? 1 : 0), 0);
  return 1 + keyed(units, scale).findIndex((one) => one.unit === unit);
}

// Tickets are spread evenly, so nearly all are dropped by a bound a little above the n-th smallest that is to be expected.
function likely(units, n) {
  const bound = (0x100000000 * (n + 8 * Math.sqrt(n) + 32)) / units.length;
  const found = units.filter((unit) => parseInt(unit.ticket.slice(0, 8), 16) <= bound);
  return found.length >= n ? found : [...units];
}

function keyed(units, scale) {
  const top = 1n << 64n;
  const found = units.map((unit) => {
    const k = BigInt(`0x${unit.ticket.slice(0, 16)}`);
    const a = BigInt(unit.lambda);
    return { unit, over: k * (BigInt(scale) - a), under: (top - k) * a };
  });
  return found.sort((a, b) => compare(a.over * b.under, b.over * a.under) || byTicket(a.unit, b.unit));
}

export const strataInOrder = (strata) => [...strata].sort(byteOrder);
