// The shape of a bundle: which fields there are, which must be there, and how each is written.
import { byteOrder } from "./bytes.js";
import { fail } from "./failure.js";
import { chainOf, enoughBalls, kindOf, MOST_BALLS, roundTime } from "./sources.js";
import { fraction } from "./fractions.js";
import { isDay, isInstant } from "./time.js";

export const PROTOCOL = "zhunsheng/draw/1";
export const LOGGED = [
  "announce", "execute", "withheld", "selection", "assign_announce", "assign", "changes", "open", "results", "abandon", "signatures",
];
const MAX_TEXT = 2000;
const LEAST_STEPS = 20;
const MOST_STEPS = 1000;
const MOST_TEAM = 20;
const MOST_STRATA = 10000;
const MAX_SOURCES = 16;
const MAX_PARTIES = 4;
const MAX_FALLBACKS = 2;
const MAX_SIGNATURES = 100;
const MOST_ROLLS = 1000;
export const WITHHELD = ["selection", "assign_announce", "assign", "changes"];

// ── kinds of values: each is a function (value, place) that refuses or returns the value ──

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value) && Object.getPrototypeOf(value) === null;

export function object(value, at, required = [], optional = []) {
  if (!isObject(value)) fail("draw.field.not_object", { at });
  for (const key of required) if (!(key in value)) fail("draw.field.missing", { at, key });
  if (optional) {
    for (const key of Object.keys(value)) {
      if (!required.includes(key) && !optional.includes(key)) fail("draw.field.unknown", { at, key: key.slice(0, 80) });
    }
  }
  return value;
}

export function array(value, at) {
  if (!Array.isArray(value)) fail("draw.field.not_array", { at });
  return value;
}

const UNPRINTABLE = /[\p{C}\p{Z}]/gu;

export function text(value, at, empty = false) {
  if (typeof value !== "string") fail("draw.field.not_text", { at });
  if (value === "" && empty) return value;
  const unprintable = (value.match(UNPRINTABLE) ?? []).some((char) => char !== " ");
  if (!value || [...value].length > MAX_TEXT || unprintable || value.normalize("NFC") !== value || value.startsWith(" ") || value.endsWith(" ")) {
    fail("draw.field.bad_text", { at });
  }
  return value;
}

// Controls, line separators and marks that turn the direction of writing: they could forge what a reader sees.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/;

export function note(value, at) {
  if (typeof value !== "string") fail("draw.field.not_text", { at });
  if (!value || [...value].length > MAX_TEXT || UNSEEN.test(value)) fail("draw.field.bad_note", { at });
  return value;
}

export function ascii(value, at) {
  if (typeof value !== "string" || value.length > MAX_TEXT || !/^[ -<>-{}~]+$/.test(value)) fail("draw.field.not_ascii", { at });
  return value;
}

export function integer(value, at, low = 0) {
  if (typeof value !== "number" || !Number.isInteger(value) || value < low) fail("draw.field.not_integer", { at, low });
  return value;
}

export function drawNumber(value, at) {
  const good = typeof value === "string" && value.length <= 40 && /^([A-Za-z0-9][A-Za-z0-9._-]*)?[0-9]$/.test(value);
  if (!good) fail("draw.field.not_draw_number", { at });
  return value;
}

export function hash(value, at) {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) fail("draw.field.not_hash", { at });
  return value;
}

export function instant(value, at) {
  if (!isInstant(value)) fail("draw.field.not_instant", { at });
  return value;
}

export function day(value, at) {
  if (!isDay(value)) fail("draw.field.not_date", { at });
  return value;
}

export const each = (value, at, check) => array(value, at).map((item, i) => check(item, `${at}[${i}]`));

// ── the sections ──

const TERMS = {
  party: [["commitment", "default"], ["party", "note"]],
  dice: [["rolls"], ["party", "note"]],
  balls: [["balls", "draws"], ["party", "note"]],
  ssq: [["issue"], ["note"]],
  dlt: [["issue"], ["note"]],
  drand: [["round"], ["note"]],
};
const TERM = {
  id: ascii,
  round: (value, at) => integer(value, at, 1),
  rolls: (value, at, source) => {
    if (integer(value, at, 10) > MOST_ROLLS) fail("draw.source.too_many_rolls", { source: source.id, most: MOST_ROLLS });
  },
  balls: (value, at) => integer(value, at, 1),
  draws: (value, at) => integer(value, at, 1),
  commitment: hash,
  issue: (value, at, source) => {
    if (typeof value !== "string" || !/^([0-9]{5}|[0-9]{7})$/.test(value)) fail("draw.source.bad_issue", { source: source.id });
  },
  default: ascii,
  party: note,
  note,
};

function sources(tables, value, at) {
  if (array(value, at).length > MAX_SOURCES) fail("draw.announce.too_many_sources", { at, most: MAX_SOURCES });
  const found = each(value, at, (source, where) => {
    const kind = kindOf(ascii(object(source, where, ["id"], null).id, `${where}.id`));
    if (!kind) fail("draw.source.unknown_kind", { source: source.id });
    const [required, optional] = TERMS[kind];
    object(source, where, ["id", ...required], optional);
    for (const key of Object.keys(source)) TERM[key](source[key], `${where}.${key}`, source);
    if (kind === "drand") {
      if (!chainOf(tables, source.id)) fail("draw.source.unknown_chain", { source: source.id });
      roundTime(tables, source);
    }
    if (kind === "balls" && !enoughBalls(source)) fail("draw.source.drum", { source: source.id, balls: source.balls, draws: source.draws, most: MOST_BALLS });
    return source;
  });
  if (!found.length) fail("draw.announce.no_sources", { at });
  if (found.filter(({ id }) => kindOf(id) === "party").length > MAX_PARTIES) fail("draw.announce.too_many_parties", { at, most: MAX_PARTIES });
  const seen = new Set();
  for (const { id } of found) {
    if (seen.has(id)) fail("draw.announce.source_twice", { source: id });
    seen.add(id);
  }
}

function fallbacks(tables, value, at) {
  if (array(value, at).length > MAX_FALLBACKS) fail("draw.announce.too_many_fallbacks", { at, most: MAX_FALLBACKS });
  each(value, at, (entry, where) => {
    object(entry, where, ["after_hours", "sources"]);
    if (integer(entry.after_hours, `${where}.after_hours`, 1) > 24 * 366) fail("draw.announce.fallback_too_late", { at: where });
    sources(tables, entry.sources, `${where}.sources`);
  });
}

function counts(value, at) {
  for (const [key, count] of Object.entries(object(value, at, [], null))) integer(count, `${at}.${key}`);
}

export function checkAnnouncement(tables, a) {
  object(
    a, "announce",
    ["protocol", "draw", "mode", "frame", "N", "n", "sources", "announced_at", "not_before"],
    ["suite", "lists", "scope", "pareto", "ratio", "seal", "fallback", "assignment", "items", "legal_basis", "plan", "frame_date", "rule_version", "rule_book_sha256"],
  );
  if (a.protocol !== PROTOCOL) fail("draw.field.other_protocol", { at: "announce.protocol", protocol: PROTOCOL });
  for (const key of ["legal_basis", "plan", "frame_date", "rule_version"]) if (key in a) note(a[key], `announce.${key}`);
  if ("rule_book_sha256" in a) hash(a.rule_book_sha256, "announce.rule_book_sha256");
  each(a.items ?? [], "announce.items", note);
  object(a.frame, "announce.frame", ["root", "size"]);
  hash(a.frame.root, "announce.frame.root");
  integer(a.frame.size, "announce.frame.size", 1);
  drawNumber(a.draw, "announce.draw");
  counts(a.N, "announce.N");
  counts(a.n, "announce.n");
  sources(tables, a.sources, "announce.sources");
  fallbacks(tables, a.fallback ?? [], "announce.fallback");
  instant(a.announced_at, "announce.announced_at");
  instant(a.not_before, "announce.not_before");
  if (Object.keys(a.N).length > MOST_STRATA) fail("draw.frame.too_many_strata", { limit: MOST_STRATA });
  if ("lists" in a) lists(a.lists);
  for (const stratum of Object.keys(a.N)) {
    text(stratum, "announce.N");
    const [list, ...rest] = stratum.split("/");
    if ("lists" in a && (!(list in a.lists) || !rest.join("/"))) fail("draw.announce.not_in_list", { stratum });
  }
  if ("assignment" in a) {
    const rule = object(a.assignment, "announce.assignment", ["rule", "team_size", "steps_per_slot", "sources", "directory", "slack"], ["fallback"]);
    if (rule.rule !== "zhunsheng/assign/1") fail("draw.announce.other_assign_rule", { rule: "zhunsheng/assign/1" });
    if (integer(rule.team_size, "announce.assignment.team_size", 2) > MOST_TEAM) fail("draw.announce.team_too_large", { most: MOST_TEAM });
    hash(rule.directory, "announce.assignment.directory");
    integer(rule.slack, "announce.assignment.slack");
    if (integer(rule.steps_per_slot, "announce.assignment.steps_per_slot", LEAST_STEPS) > MOST_STEPS) fail("draw.announce.too_many_steps", { most: MOST_STEPS });
    sources(tables, rule.sources, "announce.assignment.sources");
    fallbacks(tables, rule.fallback ?? [], "announce.assignment.fallback");
  }
  if (a.mode !== "open" && a.mode !== "sealed") fail("draw.announce.bad_mode", { mode: String(a.mode).slice(0, 40) });
  if ("seal" in a !== (a.mode === "sealed")) fail("draw.announce.mode_and_seal");
  if ("seal" in a) {
    object(a.seal, "announce.seal", ["key_hash", "open_by"]);
    hash(a.seal.key_hash, "announce.seal.key_hash");
    day(a.seal.open_by, "announce.seal.open_by");
  }
  if ("suite" in a && a.suite !== "sm3" && a.suite !== "sha256") fail("suites.unknown", { name: String(a.suite).slice(0, 40), known: "sha256, sm3" });
  if ("scope" in a) {
    const columns = Object.entries(object(a.scope, "announce.scope", [], null));
    if (!columns.length) fail("draw.announce.empty_scope", { at: "announce.scope" });
    for (const [column, starts] of columns) {
      const at = `announce.scope.${column.slice(0, 60)}`;
      text(column, at);
      if (!each(starts, at, text).length) fail("draw.announce.empty_scope", { at });
    }
  }
  if ("pareto" in a) pareto(a);
  if ("ratio" in a) ratio(a);
}

function ratio(a) {
  const shares = Object.entries(object(a.ratio, "announce.ratio", [], null));
  for (const [stratum, share] of shares) {
    if (!(stratum in a.N)) fail("draw.n.unknown_stratum", { stratum });
    const match = typeof share === "string" ? /^([1-9][0-9]{0,14})\/([1-9][0-9]{0,14})$/.exec(share) : null;
    const lowest = match && fraction(BigInt(match[1]), BigInt(match[2])) === share.replace(/^1\/1$/, "1");
    if (!lowest || BigInt(match[1]) > BigInt(match[2])) fail("draw.announce.bad_ratio", { stratum });
  }
  if (!shares.length) fail("draw.announce.empty_scope", { at: "announce.ratio" });
}

function lists(value) {
  for (const [name, list] of Object.entries(object(value, "announce.lists", [], null))) {
    const at = `announce.lists.${name.slice(0, 60)}`;
    each(object(list, at, ["office", "items"]).items, `${at}.items`, note);
    note(list.office, `${at}.office`);
    if (!/^[a-z][a-z0-9_]{0,39}$/.test(name)) fail("draw.frame.list_name", { name: name.slice(0, 60) });
  }
  if (!Object.keys(value).length) fail("draw.announce.no_lists");
}

function pareto(a) {
  const { scale, strata } = object(a.pareto, "announce.pareto", ["scale", "strata"]);
  if (integer(scale, "announce.pareto.scale", 1) !== 1000 && scale !== 1000000) fail("draw.pareto.bad_scale", { scale });
  each(strata, "announce.pareto.strata", text);
  if (!strata.length || strata.some((name, i) => i > 0 && byteOrder(strata[i - 1], name) >= 0)) fail("draw.announce.pareto_order");
  for (const stratum of strata) if (!(stratum in a.N)) fail("draw.n.unknown_stratum", { stratum });
}

function values(value, at) {
  each(value, at, (entry, where) => {
    object(entry, where, ["source", "value", "at"], ["evidence"]);
    ascii(entry.source, `${where}.source`);
    ascii(entry.value, `${where}.value`);
    instant(entry.at, `${where}.at`);
    const evidence = object(entry.evidence ?? Object.create(null), `${where}.evidence`, [], null);
    for (const [key, item] of Object.entries(evidence)) note(item, `${where}.evidence.${key}`);
  });
}

// The values of a round, and which announced sources gave them.
function round(found, at, rule) {
  values(found.values, `${at}.values`);
  if ("fallback" in found || "fallback_reason" in found) {
    object(found, at, ["fallback", "fallback_reason"], null);
    integer(found.fallback, `${at}.fallback`, 1);
    note(found.fallback_reason, `${at}.fallback_reason`);
  }
  if ((found.fallback ?? 0) > (rule.fallback ?? []).length) fail("draw.execute.no_such_fallback", { fallback: found.fallback });
}

export function used(rule, found) {
  if (!found?.fallback) return { sources: rule.sources, hours: 0 };
  const entry = rule.fallback[found.fallback - 1];
  return { sources: entry.sources, hours: entry.after_hours };
}

const team = (value, at) => {
  object(value, at, ["id", "lead", "others"]);
  text(value.id, `${at}.id`);
  text(value.lead, `${at}.lead`);
  each(value.others, `${at}.others`, text);
};

export function checkConstraints(c) {
  object(c, "assign_announce", ["on", "at", "team_size", "steps", "targets", "inspectors", "start"], ["nonce"]);
  day(c.on, "assign_announce.on");
  instant(c.at, "assign_announce.at");
  integer(c.team_size, "assign_announce.team_size", 2);
  integer(c.steps, "assign_announce.steps", 1);
  each(c.targets, "assign_announce.targets", (target, at) => {
    object(target, at, ["id", "speciality"]);
    text(target.id, `${at}.id`);
    text(target.speciality, `${at}.speciality`, true);
  });
  each(c.inspectors, "assign_announce.inspectors", (person, at) => {
    object(person, at, ["number", "certificate_to", "specialities", "leave", "least", "most", "forbidden"]);
    text(person.number, `${at}.number`);
    day(person.certificate_to, `${at}.certificate_to`);
    each(person.specialities, `${at}.specialities`, text);
    each(person.leave, `${at}.leave`, (period, where) => {
      if (array(period, where).length !== 2) fail("draw.field.not_array", { at: where });
      period.forEach((one) => day(one, where));
    });
    integer(person.least, `${at}.least`);
    integer(person.most, `${at}.most`);
    each(person.forbidden, `${at}.forbidden`, (pair, where) => {
      if (array(pair, where).length !== 2) fail("draw.field.not_array", { at: where });
      pair.forEach((one) => text(one, where));
    });
  });
  each(c.start, "assign_announce.start", team);
  if ("nonce" in c) hash(c.nonce, "assign_announce.nonce");
}

export function checkAssign(done) {
  hash(done.constraints_hash, "assign.constraints_hash");
  hash(done.seed, "assign.seed");
  each(done.teams, "assign.teams", team);
}

export function checkChange(change, at) {
  object(change, at, ["id", "out", "in", "lead", "passed", "reason", "at"]);
  if (typeof change.lead !== "boolean") fail("draw.field.not_boolean", { at: `${at}.lead` });
  each(change.passed, `${at}.passed`, (one, where) => {
    text(object(one, where, ["number", "reason"]).number, where);
    note(one.reason, where);
  });
  for (const key of ["id", "out", "in"]) text(change[key], `${at}.${key}`);
  note(change.reason, `${at}.reason`);
  instant(change.at, `${at}.at`);
}

const KEY_FORMS = { ed25519: /^[0-9a-f]{64}$/, "sm2-sm3": /^04[0-9a-f]{128}$/ };

function signature(one, at) {
  object(one, at, ["section", "alg", "name", "key", "sig"]);
  for (const key of ["section", "alg", "name"]) text(one[key], `${at}.${key}`);
  for (const key of ["key", "sig"]) {
    if (typeof one[key] !== "string" || !/^([0-9a-f]{2}){1,100}$/.test(one[key])) fail("draw.field.not_hex", { at: `${at}.${key}` });
  }
  if (/[\s+]/.test(one.name) || one.name.length > 200) fail("signing.bad_name", { name: one.name.slice(0, 60) });
  if (!Object.hasOwn(KEY_FORMS, one.alg)) fail("signing.unknown_alg", { alg: one.alg.slice(0, 40), known: Object.keys(KEY_FORMS).join(", ") });
  if (!KEY_FORMS[one.alg].test(one.key)) fail("signing.bad_key", { alg: one.alg });
}

// Refuses a bundle whose sections or fields are missing, unknown, or not written as they must be.
export function checkFormat(made, tables) {
  object(made, "bundle", ["protocol", "announce", "digests"], [...LOGGED, "sealed", "log"]);
  if (made.protocol !== PROTOCOL) fail("draw.field.other_protocol", { at: "protocol", protocol: PROTOCOL });
  checkAnnouncement(tables, made.announce);
  const sealedMode = made.announce.mode === "sealed";
  const closed = "sealed" in made;
  if ("open" in made === closed) fail("draw.verify.open_or_sealed");
  if (closed && !sealedMode) fail("draw.verify.not_announced_sealed");
  if (closed) array(object(made.sealed, "sealed", ["lines"]).lines, "sealed.lines");
  else {
    array(object(made.open, "open", sealedMode ? ["key", "at", "leaves"] : ["leaves"]).leaves, "open.leaves");
    if (sealedMode) {
      if (/^(.)\1*$/.test(hash(made.open.key, "open.key"))) fail("draw.seal.weak_key", { at: "open.key" });
      instant(made.open.at, "open.at");
    }
  }
  for (const [name, value] of Object.entries(object(made.digests, "digests", [], null))) hash(value, `digests.${name.slice(0, 80)}`);
  if ("execute" in made) {
    const done = object(made.execute, "execute", ["announcement_hash", "values", "seed", "at"], ["fallback", "fallback_reason"]);
    hash(done.announcement_hash, "execute.announcement_hash");
    hash(done.seed, "execute.seed");
    instant(done.at, "execute.at");
    round(done, "execute", made.announce);
  }
  if ("withheld" in made) {
    if (!sealedMode || !("execute" in made)) fail("draw.verify.nothing_withheld");
    object(made.withheld, "withheld", ["selection"], WITHHELD);
    for (const [name, value] of Object.entries(made.withheld)) hash(value, `withheld.${name}`);
    const missing = closed ? undefined : WITHHELD.find((name) => name in made && !(name in made.withheld));
    if (missing) fail("draw.field.missing", { at: "withheld", key: missing });
  } else if (sealedMode && "execute" in made) fail("draw.field.missing", { at: "bundle", key: "withheld" });
  if ("selection" in made !== ("execute" in made && !closed)) fail("draw.verify.execute_and_selection");
  each(made.selection ?? [], "selection", (unit, at) => {
    object(unit, at, ["id", "stratum", "ticket", "rank", "probability"]);
    hash(unit.ticket, `${at}.ticket`);
    integer(unit.rank, `${at}.rank`, 1);
    for (const key of ["id", "stratum", "probability"]) text(unit[key], `${at}.${key}`);
  });
  for (const [section, needed] of [["assign_announce", "selection"], ["assign", "assign_announce"], ["changes", "assign"]]) {
    if (section in made && !(needed in made)) fail("draw.verify.section_without", { section, needed });
  }
  if ("assign_announce" in made) {
    if (!made.announce.assignment) fail("draw.verify.assign_not_announced");
    instant(object(made.assign_announce, "assign_announce", [], null).at, "assign_announce.at");
  }
  if ("assign" in made) {
    object(made.assign, "assign", ["constraints_hash", "values", "seed", "teams"], ["fallback", "fallback_reason"]);
    round(made.assign, "assign", made.announce.assignment);
  }
  if ("results" in made && !("selection" in made)) fail("draw.verify.results_without_selection");
  if ("abandon" in made) {
    object(made.abandon, "abandon", ["reason", "approver", "at"]);
    note(made.abandon.reason, "abandon.reason");
    note(made.abandon.approver, "abandon.approver");
    instant(made.abandon.at, "abandon.at");
  }
  if (array(made.signatures ?? [], "signatures").length > MAX_SIGNATURES) fail("draw.signature.too_many", { limit: MAX_SIGNATURES });
  each(made.signatures ?? [], "signatures", signature);
}
