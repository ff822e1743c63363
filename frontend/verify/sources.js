// Sources of randomness: which kind, which values each may have, what their values prove.
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { hex, unhex } from "./bytes.js";
import { fail } from "./failure.js";
import { instantText, LAST_YEAR, millis } from "./time.js";

const MIN_DICE = 10;
const MIN_COMMITTED = 22;
const MIN_WAYS = 2n ** 24n;
export const MOST_BALLS = 1000;
const LOTTERIES = { ssq: [[6, 33], [1, 16]], dlt: [[5, 35], [2, 12]] };
export const MECHANICAL = new Set(["dice", "balls"]);
export const OUTSIDE = new Set(["ssq", "dlt", "drand"]);

// What a source is, its notes aside: two that are alike in this give one and the same value. An issue is written with the
// whole year or its last two digits: 2023099 is 23099.
export function whatOf(source) {
  const keys = Object.keys(source).filter((key) => key !== "note" && key !== "party").sort();
  return JSON.stringify(keys.map((key) => [key, key === "issue" ? source[key].slice(-5) : source[key]]));
}

// Whether the party did not reveal, and its published default stands in.
export const defaulted = (source, value) => kindOf(source.id) === "party" && value.value === source.default;

// party, dice, balls, ssq, dlt, drand; null for anything else
export function kindOf(id) {
  const cut = id.indexOf(":");
  const family = cut < 0 ? id : id.slice(0, cut);
  const name = cut < 0 ? "" : id.slice(cut + 1);
  if (family === "ceremony" && name) {
    for (const kind of MECHANICAL) if (name === kind || name.startsWith(`${kind}-`)) return kind;
    return "party";
  }
  if (family === "lottery" && Object.hasOwn(LOTTERIES, name)) return name;
  return family === "drand" ? "drand" : null;
}

export const chainOf = (tables, id) => tables.chains.find((row) => row.chain === id.slice(id.indexOf(":") + 1));

// Whether these sources meet one of the profiles that were in force on that day.
export function meetsProfile(tables, sources, day) {
  const have = {};
  for (const { id } of sources) {
    const kind = kindOf(id);
    have[kind] = (have[kind] ?? 0) + 1;
    if (MECHANICAL.has(kind)) have.mechanical = (have.mechanical ?? 0) + 1;
  }
  return tables.profiles.filter(
    ({ needs, from, to }) =>
      (!from || from <= day) && (!to || day <= to) &&
      needs.split(";").every((need) => (have[need.split(":")[0]] ?? 0) >= Number(need.split(":")[1])),
  );
}

// The moment of the announced drand round, in milliseconds.
export function roundTime(tables, source) {
  const chain = chainOf(tables, source.id);
  const ms = 1000 * (Number(chain.genesis) + Number(chain.period) * (source.round - 1));
  if (!(ms < Date.UTC(Number(LAST_YEAR) + 1, 0))) fail("draw.source.round_too_far", { source: source.id });
  return ms;
}

// Refuses a value that is not written as its kind is written, or that the party had not promised.
export async function checkValue(suite, source, value, draw, domain) {
  if (value.source !== source.id) fail("draw.value.other_source", { source: source.id, found: value.source });
  const written = value.value;
  const kind = kindOf(source.id);
  if (kind === "party") await checkParty(suite, source, written, draw, domain);
  else if (kind === "dice") {
    const rolls = written.split("-").length;
    if (!/^[1-6](-[1-6])*$/.test(written) || rolls < MIN_DICE || rolls !== source.rolls) {
      fail("draw.value.not_dice", { source: source.id, rolls: source.rolls });
    }
  } else if (kind === "balls") {
    const balls = written.split("-");
    const good = /^[1-9]\d*(-[1-9]\d*)*$/.test(written) && balls.length === source.draws && new Set(balls).size === balls.length;
    if (!good || balls.some((ball) => ball.length > 6 || Number(ball) > source.balls)) {
      fail("draw.value.not_balls", { source: source.id, draws: source.draws, balls: source.balls });
    }
  } else if (kind === "drand") {
    if (!/^[0-9a-f]{64}$/.test(written)) fail("draw.field.not_hash", { at: source.id });
  } else if (!isLottery(kind, written)) fail(`draw.value.not_${kind}`, { source: source.id });
}

export function enoughBalls({ balls, draws }) {
  let ways = 1n;
  for (let taken = 0; taken < draws && ways < MIN_WAYS; taken++) ways *= BigInt(balls - taken);
  return balls <= MOST_BALLS && draws <= balls && ways >= MIN_WAYS;
}

// domain: "commit" in the first round, "commit-assign" in the second, so that what was revealed once cannot be revealed again
async function checkParty(suite, source, written, draw, domain) {
  if (written === source.default) return;
  if (written.length < MIN_COMMITTED) fail("draw.value.too_short", { source: source.id, least: MIN_COMMITTED });
  const found = await suite.hex(`zhunsheng/draw/1/${domain}|${draw}|${source.id}|${written}`);
  if (found !== source.commitment) fail("draw.value.not_committed", { source: source.id });
}

function isLottery(kind, written) {
  if (!/^\d\d(-\d\d)*\+\d\d(-\d\d)*$/.test(written)) return false;
  return written.split("+").every((group, i) => {
    const [count, highest] = LOTTERIES[kind][i];
    const balls = group.split("-").map(Number);
    return balls.length === count && balls.every((ball, j) => ball >= 1 && ball <= highest && (j === 0 || ball > balls[j - 1]));
  });
}

// randomness = SHA-256(signature), and the signature is the chain's BLS signature of the round (unchained, on G1, RFC 9380).
export function checkSignature(tables, source, value) {
  const signature = value.evidence?.signature ?? "";
  if (!/^[0-9a-f]{96}$/.test(signature)) fail("draw.drand.no_signature", { source: source.id });
  if (hex(sha256(unhex(signature))) !== value.value) fail("draw.drand.wrong_randomness", { source: source.id });
  const round = new Uint8Array(8);
  new DataView(round.buffer).setBigUint64(0, BigInt(source.round));
  const bls = bls12_381.shortSignatures;
  let holds = false;
  try {
    const point = bls.hash(sha256(round), "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_");
    holds = bls.verify(unhex(signature), point, unhex(chainOf(tables, source.id).public_key));
  } catch {
    // not a point of the curve
  }
  if (!holds) fail("draw.drand.bad_signature", { source: source.id, round: source.round });
}

// Refuses a value that existed before `earliest`, or is not dated at the time of its drand round; and dice or balls that
// are dated after a party's value.
export function checkTimes(tables, sources, values, earliest) {
  sources.forEach((source, i) => {
    const at = millis(values[i].at);
    if (at < earliest) {
      fail("draw.execute.too_early", { source: source.id, at: values[i].at, not_before: instantText(earliest) });
    }
    if (kindOf(source.id) === "drand" && at !== roundTime(tables, source)) {
      const round_at = instantText(roundTime(tables, source));
      fail("draw.execute.not_round_time", { source: source.id, at: values[i].at, round_at });
    }
  });
  // first the commitments, then the throw, then what the parties reveal
  const dated = (which) => sources.map(({ id }, i) => [values[i].at, id]).filter(([, id]) => which(kindOf(id))).sort();
  const thrown = dated((kind) => MECHANICAL.has(kind)).at(-1);
  const revealed = dated((kind) => kind === "party")[0];
  if (thrown && revealed && thrown[0] > revealed[0]) fail("draw.execute.thrown_after", { source: thrown[1], party: revealed[1] });
}
