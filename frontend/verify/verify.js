// The check of a bundle, step by step, as docs/rules/draw.md has it: every hash, time, ticket and name is computed again.
import { ed25519 } from "@noble/curves/ed25519.js";
import { byteOrder, hex, unhex, utf8 } from "./bytes.js";
import { Failure, fail } from "./failure.js";
import { array, checkAnnouncement, checkAssign, checkChange, checkConstraints, checkFormat, hash, integer, LOGGED, note, object, PROTOCOL, text, used, WITHHELD } from "./format.js";
import { fraction } from "./fractions.js";
import { checkId, kindsOf } from "./ids.js";
import { canonical, parse, parseBytes } from "./json.js";
import { canonicalStart, freedomOf, Plan } from "./plan.js";
import { firstOf, lambdas, placesOf, rankOf, specialityOf, strataInOrder } from "./select.js";
import { checkSignature, checkTimes, checkValue, defaulted, kindOf, MECHANICAL, meetsProfile, OUTSIDE, roundTime, whatOf } from "./sources.js";
import { suite } from "./suites.js";
import { dayNumber, HOUR, instantText, isInstant, millis } from "./time.js";
import { isIncluded, leafHash, treeRoot } from "./tree.js";

const MAX_BYTES = 512 * 1024 * 1024;
const MIN_WAIT = 24 * HOUR;
const MIN_CLOSED = HOUR; // between the closing of the constraints and the second round of randomness
const MAX_PROOF = 8 * 1024 * 1024;
const MOST_STEPS = 5000000;
const MOST_PAIRS = 100000000;
const MOST_PLACES = 500000;
// What may grow is recorded each time; only the last record is of what stands here.
const GROWING = new Set(["changes", "results"]);
const STRICTLY = [["announce", "execute"], ["execute", "assign_announce"], ["assign_announce", "assign"]];
const LOOSELY = [
  ["announce", "open"], ["announce", "abandon"], ["execute", "selection"], ["execute", "results"], ["assign", "changes"],
];
const MAX_ACTS = 1000;
// act → the kind of the log entry that records it
const KINDS = {
  announce: "draw.announce", execute: "draw.execute", selection: "draw.execute", assign_announce: "draw.close_list",
  assign: "draw.assign", changes: "team.replace", open: "draw.open", results: "draw.results", abandon: "draw.abandon",
};
// The sections whose digest in a sealed draw is hidden with the key: before the opening it could be guessed otherwise.
const HIDDEN = new Set(["selection", "assign", "changes"]);
const LOOSELY_SEALED = [["assign", "open"], ["open", "results"]];
const SEALED_LINE = /^\{"attributes":"[0-9a-f]{64}","seal":"([0-9a-f]{64})"\}$/;

// What a step that is left to the reader returns: said, and not judged.
const left = (code, params = {}) => ({ ok: null, code, params });
const said = (code, params = {}) => ({ ok: true, code, params });

function same(at, expected, found) {
  if (found !== expected) fail("draw.verify.differs", { at, expected: String(expected), found: String(found).slice(0, 80) });
}
const pairs = (numbers) => Object.keys(numbers).sort(byteOrder).map((name) => `${name}=${numbers[name]}`).join(" ");

export class Check {
  // tables: the profiles and chains of the platform's dated data. report(step, share) tells how far it is. now: the time, in
  // milliseconds, where it is known: what is dated later is refused.
  constructor(tables, report = () => {}, now = Infinity) {
    this.tables = tables;
    this.now = now;
    this.report = report;
    this.steps = [];
    this.leading = {}; // stratum → the units drawn from it, in order
  }

  async run(bytes) {
    if (!(await this.step("format", () => this.format(bytes)))) {
      return { ok: false, outcome: "unreadable", draw: "", code: "draw.verdict.unreadable", params: {}, steps: this.steps };
    }
    if (this.made.protocol === `${PROTOCOL}/membership`) return this.runMembership();
    const has = (name) => name in this.made;
    const opened = has("open");
    await this.step("announcement-hash", () => this.announcementHash());
    if (this.key) await this.step("key", () => this.sealKey());
    await this.step("leaves-canonical", () => (opened ? this.leaves() : this.sealedLines()));
    await this.step("ids-unique", () => this.idsUnique(), "leaves-canonical");
    await this.step("order", () => this.order(), "leaves-canonical");
    await this.step("root", () => this.root(), "leaves-canonical");
    if (opened) {
      if ("scope" in this.a) await this.step("scope", () => this.scope(), "leaves-canonical");
      await this.step("sizes", () => this.sizes(), "leaves-canonical", "ids-unique", "order");
      await this.step("n", () => this.n(), "sizes");
      if ("pareto" in this.a) await this.step("pareto", () => this.pareto(), "n");
    } else {
      await this.step("sizes", () => left("draw.verify.sizes_sealed", { sizes: pairs(this.a.N) }));
      await this.step("n", () => this.n());
    }
    await this.step("sources", () => this.sources());
    await this.step("time-order", () => this.timeOrder());
    if (has("execute")) {
      await this.step("source-values", () => this.sourceValues());
      const kinds = new Set([...this.first.sources, ...this.second.sources].map(({ id }) => kindOf(id)));
      if (this.made.execute.fallback || this.made.assign?.fallback) await this.step("fallback", () => this.fallback());
      if (kinds.has("party")) {
        await this.step("commitments", () => this.commitments(), "source-values");
        if (this.valuePairs().some(([source, value]) => defaulted(source, value))) await this.step("defaults", () => this.defaults(), "source-values");
      }
      if (kinds.has("drand")) await this.step("drand-signature", () => this.drandSignature(), "source-values");
      if (kinds.size > 1 || !kinds.has("drand")) await this.step("published-values", () => this.publishedValues(), "source-values");
      await this.step("seed", () => this.seedAgain(), "announcement-hash", "source-values");
    }
    if (has("selection")) {
      await this.step("tickets", () => this.tickets(), "seed", "key");
      await this.step("selection", () => this.selection(), "seed", "n", "root", "key", "pareto");
      await this.step("probabilities", () => this.probabilities(), "selection");
    }
    if (has("assign_announce")) {
      await this.step("constraints", () => this.constraints(), "selection");
      await this.step("assignment-freedom", () => this.freedom(), "constraints");
    }
    if (has("assign")) await this.step("assignment", () => this.assignment(), "constraints");
    if (has("changes")) {
      await this.step("changes", () => this.changes(), "assignment");
      await this.step("substitutions", () => this.substitutions(), "changes");
    }
    if (has("results")) await this.step("results", () => this.results());
    if (has("withheld")) await this.step("withheld", () => this.withheld());
    if (this.key) await this.step("opened", () => this.opened());
    if (has("abandon")) await this.step("abandoned", () => this.abandoned());
    if (this.missing().length) await this.step("missing", () => left("draw.verify.missing", { sections: this.missing().join(" ") }));
    if (has("signatures")) await this.step("signatures", () => this.signatures());
    await this.step("log-inclusion", () => this.logInclusion());
    await this.step("announced-when", () => left("draw.verify.announced_when", { hash: this.bound, before: this.a.not_before }), "announcement-hash");
    await this.step("digests", () => this.digests());
    return this.verdict();
  }

  async step(name, check, ...needs) {
    const missing = this.steps.find((earlier) => needs.includes(earlier.name) && !earlier.ok);
    let found;
    if (missing) found = left("draw.verify.not_reached", { step: missing.name });
    else {
      this.report(name, 0);
      try {
        found = await check();
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        found = { ok: false, code: error.code, params: error.params };
      }
    }
    this.steps.push({ name, ...found });
    return found.ok === true;
  }

  verdict() {
    const failed = this.steps.find((step) => step.ok === false);
    const draw = this.a.draw;
    let outcome = "execute" in this.made ? "executed" : "announced";
    let params = { draw };
    if ("abandon" in this.made) {
      outcome = "abandoned";
      params = { draw, ...this.made.abandon };
    }
    let code = `draw.verdict.${outcome}${outcome === "abandoned" && this.abandonedLate() ? "_late" : ""}`;
    if (outcome === "executed" && "sealed" in this.made) code = "draw.verdict.executed_sealed";
    if (failed) {
      code = "draw.verdict.failed";
      params.step = failed.name;
    }
    return { ok: !failed, outcome, draw, code, params, steps: this.steps };
  }

  // ── reading ──

  format(bytes) {
    if (bytes.length > MAX_BYTES) fail("draw.verify.too_large", { limit: MAX_BYTES / 1024 / 1024 });
    this.made = parseBytes(bytes);
    if (object(this.made, "bundle", [], null).protocol === `${PROTOCOL}/membership`) return this.proofFormat(bytes);
    checkFormat(this.made, this.tables);
    this.a = this.made.announce;
    this.suite = suite(this.a.suite ?? "sha256");
    this.lists = this.a.lists && Object.keys(this.a.lists).sort();
    const { execute, assign } = this.made;
    this.first = used(this.a, execute);
    this.second = assign ? used(this.a.assignment, assign) : { sources: [], hours: 0 };
    this.key = this.a.mode === "sealed" && this.made.open ? this.made.open.key : null;
    this.mac = this.key && ((word) => this.suite.macs(this.key, `${word}|${this.a.draw}`));
    return said("draw.verify.format", { draw: this.a.draw, sections: [...LOGGED, "sealed", "log"].filter((name) => name in this.made).join(" ") });
  }

  // ── the announcement and the frame ──

  async announcementHash() {
    this.bound = await this.suite.hex(canonical(this.a));
    if (this.made.execute) same("execute.announcement_hash", this.bound, this.made.execute.announcement_hash);
    return said("draw.verify.announcement_hash", { hash: this.bound });
  }

  async sealKey() {
    if ((await this.suite.hex(`${PROTOCOL}/key|${this.a.draw}|${this.key}`)) !== this.a.seal.key_hash) fail("draw.seal.other_key");
    return said("draw.verify.key", { hash: this.a.seal.key_hash });
  }

  sealedLines() {
    this.lines = this.made.sealed.lines;
    this.names = this.lines.map((line, i) => {
      const match = typeof line === "string" ? SEALED_LINE.exec(line) : null;
      if (!match) fail("draw.seal.bad_line", { number: i + 1 });
      return match[1];
    });
    if (!this.lines.length) fail("draw.frame.empty");
    return said("draw.verify.sealed_lines", { count: this.lines.length });
  }

  leaves() {
    this.lines = this.made.open.leaves;
    this.units = this.lines.map((line, i) =>
      this.line(i, line, (leaf) => {
        object(leaf, "leaf", [], null);
        if (typeof leaf.id !== "string") fail("draw.frame.no_id");
        checkId(leaf.id);
        for (const [column, value] of Object.entries(leaf)) {
          text(column, `${leaf.id}.${column}`);
          const plain = value === null || typeof value === "string" || typeof value === "boolean" || Number.isInteger(value);
          if (!plain) fail("draw.frame.bad_value", { id: leaf.id, column });
        }
        return { id: leaf.id, leaf, places: placesOf(leaf, this.lists, this.a.pareto?.strata ?? []) };
      }),
    );
    if (!this.units.length) fail("draw.frame.empty");
    this.names = this.units.map((unit) => unit.id);
    return said("draw.verify.leaves", { count: this.lines.length });
  }

  line(i, line, read) {
    if (i % 8192 === 0) this.report("leaves-canonical", i / this.lines.length);
    if (typeof line !== "string") fail("draw.field.not_text", { at: `open.leaves[${i}]` });
    try {
      const leaf = parse(line);
      if (canonical(leaf) !== line) fail("public_log.not_canonical");
      return read(leaf);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      throw new Failure("draw.verify.bad_leaf", { number: i + 1, problem: error, problem_en: error });
    }
  }

  idsUnique() {
    const seen = new Set();
    for (const id of this.names) {
      if (seen.has(id)) fail("draw.frame.duplicate_id", { id });
      seen.add(id);
    }
    const { unchecked, twice } = this.units ? kindsOf(this.names) : { unchecked: 0, twice: null };
    if (twice) fail("draw.frame.same_firm", twice);
    return said(unchecked ? "draw.verify.ids_unchecked" : "draw.verify.ids_unique", { count: seen.size, unchecked });
  }

  order() {
    for (let i = 1; i < this.names.length; i++) {
      if (this.names[i] < this.names[i - 1]) fail("draw.verify.out_of_order", { before: this.names[i - 1], id: this.names[i] });
    }
    return said(this.made.sealed ? "draw.verify.order_sealed" : "draw.verify.order");
  }

  root() {
    const lines = this.key ? this.sealUnits() : this.lines;
    const root = hex(treeRoot(this.suite, lines));
    same("announce.frame.root", root, this.a.frame.root);
    same("announce.frame.size", lines.length, this.a.frame.size);
    return said("draw.verify.root", { root, size: lines.length });
  }

  // The sealed lines that follow from the key and the opened ones, in the order of their seals.
  sealUnits() {
    const [blind, salt] = ["blind", "salt"].map((word) => this.suite.macs(this.key, `${word}|${this.a.draw}|`));
    const [seal, hide] = ["seal", "attributes"].map((word) => this.suite.hexes(`${PROTOCOL}/${word}|`));
    const lines = this.units.map(({ id }, i) => {
      if (i % 8192 === 0) this.report("root", (0.8 * i) / this.lines.length);
      const name = seal(`${blind(id)}|${id}`);
      return [name, `{"attributes":"${hide(`${salt(id)}|${this.lines[i]}`)}","seal":"${name}"}`];
    });
    return lines.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
  }

  sizes() {
    this.strata = new Map();
    let excluded = 0;
    for (const unit of this.units) {
      for (const place of unit.places) {
        if (!this.strata.has(place.stratum)) this.strata.set(place.stratum, []);
        if (place.excluded) excluded++;
        else this.strata.get(place.stratum).push({ id: unit.id, size: place.size, lambda: place.lambda });
      }
    }
    const found = Object.fromEntries([...this.strata].map(([name, units]) => [name, units.length]));
    for (const name of strataInOrder(new Set([...Object.keys(found), ...Object.keys(this.a.N)]))) {
      same(`announce.N.${name}`, found[name] ?? "–", this.a.N[name] ?? "–");
    }
    return said("draw.verify.sizes", { sizes: pairs(found), excluded });
  }

  n() {
    const { N, n } = this.a;
    for (const stratum of Object.keys(n)) if (!(stratum in N)) fail("draw.n.unknown_stratum", { stratum });
    for (const [stratum, size] of Object.entries(N)) {
      if (!(stratum in n)) fail("draw.n.forgotten_stratum", { stratum });
      if (n[stratum] < Math.min(size, 1) || n[stratum] > size) fail("draw.n.out_of_range", { stratum, n: n[stratum], size });
    }
    const { ratio } = this.a;
    if (!ratio) return said("draw.verify.n", { n: pairs(n) });
    for (const [stratum, share] of Object.entries(ratio)) {
      const [over, under] = share.split("/").map(BigInt);
      const expected = Number((BigInt(N[stratum]) * over + under - 1n) / under);
      if (n[stratum] !== expected) fail("draw.n.not_by_ratio", { stratum, n: n[stratum], expected, ratio: share });
    }
    return said("draw.verify.n_by_ratio", { n: pairs(n), ratio: pairs(ratio) });
  }

  scope() {
    for (const { id, leaf } of this.units) {
      for (const [column, starts] of Object.entries(this.a.scope)) {
        const value = leaf[column];
        if (typeof value !== "string" || !starts.some((start) => value.startsWith(start))) {
          fail("draw.scope.outside", { id, column });
        }
      }
    }
    const shown = Object.keys(this.a.scope).sort().map((column) => `${column}=${this.a.scope[column].join("|")}`);
    return said("draw.verify.scope", { scope: shown.join(" ") });
  }

  pareto() {
    const { scale, strata } = this.a.pareto;
    for (const name of strata) {
      const units = this.strata.get(name) ?? [];
      for (const { id, size, lambda } of units) {
        if (!size) fail("draw.pareto.bad_size", { id, stratum: name });
        if (lambda < 1 || lambda > scale) fail("draw.pareto.bad_lambda", { id, scale });
      }
      if (!units.length && !this.a.n[name]) continue;
      const wanted = lambdas(units.map((unit) => unit.size), this.a.n[name] ?? 0, scale);
      units.forEach((unit, i) => same(`${unit.id}.lambda`, wanted[i], unit.lambda));
    }
    return said("draw.verify.pareto", { strata: strata.join(" "), scale });
  }

  // ── the randomness ──

  sources() {
    const roundsOf = (rule) => (rule ? [rule.sources, ...(rule.fallback ?? []).map((entry) => entry.sources)] : []);
    const [first, second] = [roundsOf(this.a), roundsOf(this.a.assignment)];
    for (const rounds of [first, second]) {
      if (rounds.length > 1 && rounds[0].every(({ id }) => kindOf(id) === "drand")) {
        fail("draw.announce.needless_fallback", { source: rounds[0][0].id });
      }
    }
    const known = new Set(first.flat().map(whatOf));
    for (const source of second.flat()) if (known.has(whatOf(source))) fail("draw.announce.same_source", { source: source.id });
    const promised = [...first, ...second].flat().filter(({ id }) => kindOf(id) === "party").map((source) => source.commitment);
    const again = promised.find((commitment, i) => promised.indexOf(commitment) < i);
    if (again) fail("draw.announce.same_commitment", { commitment: again });
    for (const sources of [...first, ...second]) {
      const mechanical = sources.filter(({ id }) => MECHANICAL.has(kindOf(id))).map(({ id }) => id);
      if (mechanical.length && sources.some(({ id }) => OUTSIDE.has(kindOf(id)))) {
        fail("draw.announce.mechanical_and_outside", { sources: mechanical.join(", ") });
      }
      if (!meetsProfile(this.tables, sources, this.a.announced_at.slice(0, 10)).length) {
        fail("draw.announce.no_profile", { sources: sources.map(({ id }) => id).join(", ") });
      }
    }
    const profiles = meetsProfile(this.tables, this.first.sources, this.a.announced_at.slice(0, 10));
    const params = { profiles: profiles.map((row) => row.name).join("、"), profiles_en: profiles.map((row) => row.name_en).join(", ") };
    return said("draw.verify.sources", params);
  }

  fallback() {
    const used = ["execute", "assign"].filter((section) => this.made[section]?.fallback);
    const told = used.map((section) => `${section}[${this.made[section].fallback}] ${this.made[section].fallback_reason}`);
    return left("draw.verify.fallback", { used: told.join("; ") });
  }

  // Enough time between announcement and randomness, no drand round that is too early, no opening before the draw.
  wait() {
    const { announced_at, not_before } = this.a;
    const start = millis(not_before);
    if (start - millis(announced_at) < MIN_WAIT) fail("draw.announce.too_soon", { hours: MIN_WAIT / HOUR });
    const waits = ({ sources, fallback = [] }, least) => [[sources, least], ...fallback.map((entry) => [entry.sources, entry.after_hours * HOUR])];
    for (const [sources, wait] of waits(this.a, 0)) this.roundsNotBefore(sources, start + wait);
    for (const [sources, wait] of this.a.assignment ? waits(this.a.assignment, MIN_CLOSED) : []) this.roundsNotBefore(sources, start + wait);
    if (this.a.seal && this.a.seal.open_by < not_before.slice(0, 10)) fail("draw.announce.opened_too_early", { open_by: this.a.seal.open_by });
  }

  timeOrder() {
    this.wait();
    const { announced_at, not_before } = this.a;
    const start = millis(not_before);
    const { execute, assign_announce, assign, open, abandon } = this.made;
    if (abandon) this.later("abandon.at", abandon.at, "announced_at", announced_at);
    if (this.key) this.later("open.at", open.at, "announced_at", announced_at);
    this.notInFuture();
    if (!execute) return said("draw.verify.time_announced", { announced_at, not_before });
    this.paired("execute", this.first.sources, execute.values);
    checkTimes(this.tables, this.first.sources, execute.values, start + this.first.hours * HOUR);
    same("execute.at", execute.values.map((value) => value.at).sort().pop(), execute.at);
    if (this.key) this.later("open.at", open.at, "execute.at", execute.at);
    if (assign_announce) this.later("assign_announce.at", assign_announce.at, "execute.at", execute.at);
    if (assign) {
      this.paired("assign", this.second.sources, assign.values);
      checkTimes(this.tables, this.second.sources, assign.values, millis(assign_announce.at) + this.afterClosing());
    }
    return said("draw.verify.time_order", { announced_at, not_before, at: execute.at });
  }

  afterClosing() {
    return this.second.hours * HOUR || MIN_CLOSED;
  }

  notInFuture() {
    const { execute, assign, open, abandon } = this.made;
    const dated = [["announce.announced_at", this.a.announced_at], ...[...(execute?.values ?? []), ...(assign?.values ?? [])].map((value) => [value.source, value.at])];
    if (this.key) dated.push(["open.at", open.at]);
    if (abandon) dated.push(["abandon.at", abandon.at]);
    for (const [at, moment] of dated) if (millis(moment) > this.now) fail("draw.verify.in_future", { at, moment });
  }

  roundsNotBefore(sources, earliest) {
    for (const source of sources) {
      if (kindOf(source.id) === "drand" && roundTime(this.tables, source) < earliest) {
        const at = instantText(roundTime(this.tables, source));
        fail("draw.announce.round_too_early", { source: source.id, round: source.round, at });
      }
    }
  }

  paired(at, sources, values) {
    if (sources.length !== values.length) fail("draw.execute.number_of_values", { expected: sources.length, found: values.length });
  }

  later(at, moment, than, earlier) {
    if (millis(moment) < millis(earlier)) fail("draw.verify.earlier_than", { at, than });
  }

  opened() {
    const opened = instantText(millis(this.made.open.at) + 8 * HOUR).slice(0, 10);
    const days = dayNumber(opened) - dayNumber(this.a.seal.open_by);
    const params = { at: this.made.open.at, open_by: this.a.seal.open_by };
    return days > 0 ? left("draw.verify.opened_late", { ...params, days }) : said("draw.verify.opened", params);
  }

  valuePairs() {
    const { execute, assign } = this.made;
    const both = [[this.first.sources, execute?.values ?? []], [this.second.sources, assign?.values ?? []]];
    return both.flatMap(([sources, values]) => sources.map((source, i) => [source, values[i]])).filter(([, value]) => value);
  }

  async sourceValues() {
    const { execute, assign } = this.made;
    this.paired("execute", this.first.sources, execute.values);
    if (assign) this.paired("assign", this.second.sources, assign.values);
    for (const [sources, values, domain] of [[this.first.sources, execute.values, "commit"], [this.second.sources, assign?.values, "commit-assign"]]) {
      for (const [i, source] of sources.entries()) await checkValue(this.suite, source, values[i], this.a.draw, domain);
    }
    return said("draw.verify.source_values", { values: this.valuePairs().map(([, value]) => `${value.source}=${value.value}`).join(" ") });
  }

  commitments() {
    const parties = this.valuePairs().filter(([source]) => kindOf(source.id) === "party");
    const kept = parties.filter(([source, value]) => !defaulted(source, value));
    return said("draw.verify.committed", { parties: parties.length, committed: kept.length });
  }

  defaults() {
    const named = this.valuePairs().filter(([source, value]) => defaulted(source, value)).map(([source, value]) => `${source.id}=${value.value}`);
    return left("draw.verify.defaults", { parties: named.join(" ") });
  }

  drandSignature() {
    const rounds = [];
    for (const [source, value] of this.valuePairs()) {
      if (kindOf(source.id) !== "drand") continue;
      checkSignature(this.tables, source, value);
      rounds.push(source.round);
    }
    return said("draw.verify.drand_signature", { rounds: rounds.join(" ") });
  }

  publishedValues() {
    const outside = this.valuePairs().filter(([source]) => kindOf(source.id) !== "drand");
    const told = outside.map(([{ id, issue }, { value, at }]) => (issue ? `${id}@${issue}=${value} (${at})` : `${id}=${value}`));
    return left("draw.verify.compare", { values: told.join(" ") });
  }

  async seedAgain() {
    const { execute } = this.made;
    this.seed = await this.suite.hex([PROTOCOL, this.bound, ...execute.values.map((value) => `${value.source}=${value.value}`)].join("|"));
    same("execute.seed", this.seed, execute.seed);
    return said("draw.verify.seed", { seed: this.seed });
  }

  // ── the draw ──

  // A function from the id of a unit to its ticket and what that is made of.
  ticketing() {
    const ticket = this.suite.hexes(`${this.seed}|target|`);
    const mac = this.key && this.suite.macs(this.key, `tag|${this.a.draw}|`);
    return (id) => {
      const tag = mac ? mac(id) : id;
      return { tag, ticket: ticket(tag) };
    };
  }

  tickets() {
    const of = this.ticketing();
    for (const unit of this.made.selection) same(`selection.${unit.id}.ticket`, of(unit.id).ticket, unit.ticket);
    return said("draw.verify.tickets", { count: this.made.selection.length });
  }

  selection() {
    const of = this.ticketing();
    this.drawn = [];
    const names = strataInOrder(this.strata.keys());
    names.forEach((name, i) => {
      this.report("selection", i / names.length);
      const units = this.strata.get(name);
      const n = this.a.n[name];
      const scale = this.scaleOf(name);
      for (const unit of units) Object.assign(unit, of(unit.id));
      this.leading[name] = firstOf(units, n, scale);
      this.leading[name].forEach((unit, place) => {
        const probability = scale ? fraction(unit.lambda, scale) : fraction(n, units.length);
        this.drawn.push({ id: unit.id, stratum: name, ticket: unit.ticket, rank: place + 1, probability });
      });
    });
    const stated = this.made.selection;
    for (let i = 0; i < Math.min(stated.length, this.drawn.length); i++) {
      for (const key of ["id", "stratum", "rank"]) same(`selection[${i}].${key}`, this.drawn[i][key], stated[i][key]);
    }
    same("selection", this.drawn.length, stated.length);
    const total = Object.values(this.a.N).reduce((sum, size) => sum + size, 0);
    return said("draw.verify.selection", { count: stated.length, total });
  }

  scaleOf(stratum) {
    return this.a.pareto?.strata.includes(stratum) ? this.a.pareto.scale : 0;
  }

  probabilities() {
    this.drawn.forEach((unit, i) => same(`selection.${unit.id}.probability`, unit.probability, this.made.selection[i].probability));
    const shares = {};
    for (const unit of this.drawn) if (!this.a.pareto?.strata.includes(unit.stratum)) shares[unit.stratum] = unit.probability;
    for (const name of this.a.pareto?.strata ?? []) shares[name] = "λ";
    return said("draw.verify.probabilities", { shares: pairs(shares) });
  }

  async withheld() {
    const { withheld, sealed } = this.made;
    if (sealed) {
      const shown = WITHHELD.filter((name) => name in withheld).map((name) => `${name}=${withheld[name]}`).join(" ");
      return left("draw.verify.withheld", { digests: shown, open_by: this.a.seal.open_by });
    }
    for (const [section, digest] of Object.entries(withheld)) {
      same(`withheld.${section}`, section in this.made ? await this.digest(section) : "–", digest);
    }
    return said("draw.verify.withheld_now_open", { sections: Object.keys(withheld).join(" ") });
  }

  async constraints() {
    const c = this.made.assign_announce;
    checkConstraints(c);
    const drawn = new Set(this.drawn.map((unit) => unit.id));
    const targets = new Set(c.targets.map((target) => target.id));
    this.constraintsNormal(c, targets);
    for (const id of targets) if (!drawn.has(id)) fail("draw.assign.not_drawn", { id });
    for (const id of drawn) if (!targets.has(id)) fail("draw.assign.left_out", { id });
    const wanted = this.specialities();
    for (const { id, speciality } of c.targets) same(`assign_announce.targets.${id}.speciality`, wanted.get(id), speciality);
    const rows = c.inspectors.map((person) => [person.number, person.certificate_to, person.specialities]);
    if ((await this.suite.hex(canonical(rows))) !== this.a.assignment.directory) fail("draw.assign.other_directory");
    same("assign_announce.team_size", this.a.assignment.team_size, c.team_size);
    same("assign_announce.steps", this.a.assignment.steps_per_slot * c.targets.length * c.team_size, c.steps);
    this.plan = new Plan(c);
    const start = canonicalStart(this.plan);
    if (!start) fail("verify_page.no_start");
    this.plan.teams(start).forEach((team, i) => {
      if (canonical(plain(team)) !== canonical(c.start[i] ?? null)) fail("draw.assign.other_team", { at: "assign_announce.start", id: team.id, expected: persons(team), found: persons(c.start[i]) });
    });
    same("assign_announce.start", c.targets.length, c.start.length);
    same("assign_announce.nonce", this.mac ? this.mac("assign")("") : "", c.nonce ?? "");
    // others are published ascending by number, and the chain starts from what is published
    this.start = start.map((_, slot) => {
      const place = slot % this.plan.size;
      const team = start.slice(slot - place, slot - place + this.plan.size);
      return place ? team.slice(1).sort((a, b) => a - b)[place - 1] : team[0];
    });
    return said("draw.verify.constraints", { targets: c.targets.length, people: c.inspectors.length, steps: c.steps });
  }

  // Drawn unit → what its lead must hold, by the lists that drew it.
  specialities() {
    const drawnBy = new Map();
    for (const { id, stratum } of this.drawn) {
      if (!drawnBy.has(id)) drawnBy.set(id, []);
      drawnBy.get(id).push(this.lists ? stratum.slice(0, stratum.indexOf("/")) : "");
    }
    const found = new Map();
    for (const { id, leaf } of this.units) if (drawnBy.has(id)) found.set(id, specialityOf(leaf, drawnBy.get(id)));
    return found;
  }

  freedom() {
    const { bounds, forced, places, codes, away } = freedomOf(this.plan, this.a.assignment.slack);
    const said = { bounds: bounds.join(" ") || "–", forced, places, forbidden: pairs(codes) || "–", away: away.join(" ") || "–" };
    return left("draw.verify.assignment_freedom", said);
  }

  constraintsNormal(c, targets) {
    if (c.steps > MOST_STEPS) fail("draw.assign.bad_steps", { steps: c.steps, limit: MOST_STEPS });
    if (c.targets.length * c.inspectors.length > MOST_PAIRS) {
      fail("draw.assign.too_many_pairs", { targets: c.targets.length, inspectors: c.inspectors.length, limit: MOST_PAIRS });
    }
    if (c.team_size > 20 || c.targets.length * c.team_size > MOST_PLACES) fail("draw.assign.too_many_places", { team: 20, limit: MOST_PLACES });
    const rising = (list, key = (item) => item) => list.every((item, i) => i === 0 || byteOrder(key(list[i - 1]), key(item)) < 0);
    const sortedPairs = (list) => rising(list, ([a, b]) => `${a}\u0000${b}`);
    const word = (name) => !name.includes("|");
    const normal =
      c.targets.length > 0 &&
      c.targets.every((target) => word(target.id) && word(target.speciality)) &&
      c.inspectors.every((person) => word(person.number) && person.forbidden.every(([id, code]) => word(id) && /^[a-z][a-z0-9_]{0,39}$/.test(code))) &&
      rising(c.targets, (target) => target.id) &&
      rising(c.inspectors, (person) => person.number) &&
      c.targets.every((target) => !target.speciality || rising(target.speciality.split("+"))) &&
      c.inspectors.every(
        (person) =>
          rising(person.specialities) && sortedPairs(person.leave) && sortedPairs(person.forbidden) &&
          person.leave.every(([first, last]) => first <= c.on && c.on <= last) &&
          person.forbidden.every(([id]) => targets.has(id)) && person.least <= person.most,
      );
    if (!normal) fail("draw.verify.constraints_not_normal");
  }

  async assignment() {
    const { assign } = this.made;
    checkAssign(assign);
    const fixed = await this.digest("assign_announce");
    same("assign.constraints_hash", fixed, assign.constraints_hash);
    const values = assign.values.map((value) => `${value.source}=${value.value}`);
    this.secondSeed = await this.suite.hex([`${PROTOCOL}/assign`, this.bound, fixed, ...values].join("|"));
    same("assign.seed", this.secondSeed, assign.seed);
    const held = this.plan.chain(this.start, this.suite, this.secondSeed, (share) => this.report("assignment", share));
    this.plan.teams(held).forEach((team, i) => {
      if (canonical(plain(team)) !== canonical(assign.teams[i] ?? null)) fail("draw.assign.other_team", { at: "assign.teams", id: team.id, expected: persons(team), found: persons(assign.teams[i]) });
    });
    same("assign.teams", this.plan.targets.length, assign.teams.length);
    return said("draw.verify.assignment", { teams: assign.teams.length, people: this.plan.people.length });
  }

  async changes() {
    const teams = new Map(this.made.assign.teams.map((team) => [team.id, [team.lead, ...team.others]]));
    const index = new Map(this.plan.targets.map((target, i) => [target.id, i]));
    let before = this.made.assign.values.map((value) => value.at).sort().at(-1);
    for (const [i, change] of array(this.made.changes, "changes").entries()) {
      checkChange(change, `changes[${i}]`);
      const { id, out } = change;
      const team = teams.get(id);
      if (!team) fail("draw.assign.not_drawn", { id });
      if (millis(change.at) < millis(before)) fail("draw.changes.out_of_time", { at: `changes[${i}]`, moment: change.at });
      before = change.at;
      if (!team.includes(out)) fail("draw.changes.not_in_team", { id, number: out });
      same(`changes[${i}].lead`, team[0] === out, change.lead);
      const slot = index.get(id) * this.plan.size + (change.lead ? 0 : 1);
      const able = this.plan.people.map((person) => person.number).filter((number, j) => this.plan.allowed(slot, j) && !team.includes(number));
      const keys = able.map(this.suite.hexes(`${this.secondSeed}|replace|${id}|`));
      const order = able.map((number, j) => [keys[j], number]).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, number]) => number);
      const chosen = [...change.passed.map((one) => one.number), change.in];
      chosen.forEach((number, j) => {
        if (number !== order[j]) fail("draw.changes.other_order", { id, number, right: order[j] ?? "–" });
      });
      team[team.indexOf(out)] = change.in;
    }
    return said("draw.verify.changes", { count: this.made.changes.length });
  }

  substitutions() {
    const { changes } = this.made;
    const passed = changes.reduce((sum, change) => sum + change.passed.length, 0);
    return left("draw.verify.substitutions", { count: changes.length, units: new Set(changes.map((change) => change.id)).size, passed });
  }

  // ── what came of it ──

  results() {
    const drawn = new Set(this.made.selection.map((unit) => unit.id));
    const seen = new Set();
    array(this.made.results, "results").forEach((result, i) => {
      object(result, `results[${i}]`, ["id", "code"], null);
      const id = text(result.id, `results[${i}].id`);
      note(result.code, `results[${i}].code`);
      if (!drawn.has(id)) fail("draw.verify.result_not_drawn", { id });
      if (seen.has(id)) fail("draw.verify.result_twice", { id });
      seen.add(id);
    });
    return said("draw.verify.results", { count: seen.size, drawn: drawn.size });
  }

  abandoned() {
    return said(this.abandonedLate() ? "draw.verify.abandoned_late" : "draw.verify.abandoned", { ...this.made.abandon });
  }

  // Whether it was given up when the outcome could be known.
  abandonedLate() {
    return this.made.abandon.at >= this.a.not_before || "execute" in this.made;
  }

  // What was announced, or follows from an execution, and is not here.
  missing() {
    const { execute, assign, withheld, open, results } = this.made;
    if (!execute) return [];
    const found = [];
    if (this.a.assignment && !assign && !withheld?.assign) found.push("assign");
    if (!open) found.push("open");
    if (!results) found.push("results");
    return found;
  }

  async signatures() {
    const external = [];
    const sections = new Set();
    for (const { section, alg, name, key, sig } of this.made.signatures) {
      if (!(section in this.made) || section === "signatures" || !LOGGED.includes(section)) fail("draw.signature.no_section", { section });
      const message = utf8(`${PROTOCOL}/sign|${this.a.draw}|${section}|${await this.digest(section)}`);
      if (alg === "sm2-sm3") external.push(name);
      else if (!goodEd25519(key, sig, message)) fail("draw.signature.wrong", { section, name });
      sections.add(section);
    }
    const keys = [...new Set(this.made.signatures.map(({ name, key }) => `${name}+${key}`))].join(" ");
    if (external.length) {
      const problem = new Failure("signing.not_installed", { package: "SM2" });
      return left("draw.verify.signature_unchecked", { keys, problem, problem_en: problem });
    }
    const unsigned = LOGGED.filter((name) => name in this.made && name !== "signatures" && !sections.has(name)).join(" ") || "–";
    return left("draw.verify.signed_unpinned", { keys, sections: [...sections].join(" "), unsigned });
  }

  async logInclusion() {
    if (!this.made.log) return left("draw.verify.no_log");
    const log = object(this.made.log, "log", ["origin", "size", "root", "acts"], ["checkpoint"]);
    const size = integer(log.size, "log.size", 1);
    const root = unhex(hash(log.root, "log.root"));
    const origin = text(log.origin, "log.origin");
    const logSuite = suite(origin.endsWith("/sm3") ? "sm3" : "sha256"); // of the log, not of the draw
    const known = await this.logged();
    const acts = new Map(); // act → index → entry
    if (array(log.acts, "log.acts").length > MAX_ACTS) fail("draw.verify.too_many_acts", { limit: MAX_ACTS });
    for (const [i, found] of log.acts.entries()) {
      const place = `log.acts[${i}]`;
      object(found, place, ["act", "index", "entry", "proof"]);
      const act = text(found.act, `${place}.act`);
      const index = integer(found.index, `${place}.index`);
      if (!known.has(act)) fail("draw.verify.log_unknown_act", { act });
      const entry = object(found.entry, `${place}.entry`, ["kind", "subject", "data"], null);
      const kind = KINDS[act];
      if (entry.kind !== kind || entry.subject !== `draw:${this.a.draw}`) fail("draw.verify.log_other_kind", { act, index, kind });
      const proof = array(found.proof, `${place}.proof`).map((node) => unhex(hash(node, `${place}.proof`)));
      const leaf = await leafHash(logSuite, utf8(canonical(entry)));
      if (!(await isIncluded(logSuite, leaf, index, size, proof, root))) fail("draw.verify.not_in_log", { act, index });
      object(entry.data, `${place}.entry.data`, [], null);
      if (!acts.has(act)) acts.set(act, new Map());
      acts.get(act).set(index, entry);
    }
    for (const [act, entries] of acts) {
      const counted = GROWING.has(act) ? [Math.max(...entries.keys())] : [...entries.keys()];
      for (const index of counted) {
        if (entries.get(index).data[act] !== known.get(act)) fail("draw.verify.log_other_content", { act, index });
      }
    }
    for (const act of known.keys()) if (this.mustBeLogged(act) && !acts.has(act)) fail("draw.verify.log_missing", { act });
    this.logOrder(acts);
    this.logTimes(acts);
    if ("checkpoint" in log) this.checkpoint(log, root);
    return said("draw.verify.log_inclusion", { acts: [...acts.keys()].join(" "), origin, size, root: log.root });
  }

  // Act → the digest that its entry in the log must name: of the section, or what is withheld of it.
  async logged() {
    const found = new Map(this.made.sealed ? Object.entries(this.made.withheld ?? {}) : []);
    for (const name of LOGGED) if (name in this.made) found.set(name, await this.digest(name));
    return new Map([...found].filter(([act]) => act in KINDS));
  }

  // All but the opening of a draw that was never sealed, and results that are still coming in.
  mustBeLogged(act) {
    const drawn = new Set((this.made.selection ?? []).map((unit) => unit.id)).size;
    return (act !== "open" || this.a.mode === "sealed") && (act !== "results" || this.made.results.length >= drawn);
  }

  logOrder(acts) {
    const last = (act) => Math.max(...acts.get(act).keys());
    const first = (act) => Math.min(...acts.get(act).keys());
    const both = ([before, after]) => acts.has(before) && acts.has(after);
    const wrong =
      STRICTLY.find((pair) => both(pair) && last(pair[0]) >= first(pair[1])) ??
      [...LOOSELY, ...(this.a.mode === "sealed" ? LOOSELY_SEALED : [])].find((pair) => both(pair) && last(pair[0]) > last(pair[1]));
    if (wrong) fail("draw.verify.log_order", { before: wrong[0], after: wrong[1] });
  }

  // The log, not the file, says when something was promised: the announcement a day before any value may exist, the
  // constraints before any value of the second round does.
  logTimes(acts) {
    const first = (act) => acts.get(act).get(Math.min(...acts.get(act).keys()));
    const announced = entryTime(first("announce"), "announce");
    if (announced + MIN_WAIT > millis(this.a.not_before)) fail("draw.verify.logged_late", { act: "announce", at: instantText(announced) });
    const values = this.made.assign?.values ?? [];
    if (!acts.has("assign_announce") || !values.length) return;
    const closed = entryTime(first("assign_announce"), "assign_announce");
    if (values.some((value) => millis(value.at) < closed + this.afterClosing())) {
      fail("draw.verify.logged_late", { act: "assign_announce", at: instantText(closed) });
    }
  }

  checkpoint(log, root) {
    const stated = `${log.origin}\n${log.size}\n${btoa(String.fromCharCode(...root))}\n`;
    if (typeof log.checkpoint !== "string") fail("draw.field.not_text", { at: "log.checkpoint" });
    if (!log.checkpoint.startsWith(stated)) fail("draw.verify.other_checkpoint");
  }

  digest(section) {
    const value = this.made[section];
    if (section === "open") {
      const { root, size } = this.a.frame;
      return this.suite.hex(canonical(plain(this.key ? { root, size, key: value.key, at: value.at } : { root, size })));
    }
    if (!this.key || !HIDDEN.has(section)) return this.suite.hex(canonical(value));
    return this.suite.hex(`${PROTOCOL}/withheld|${this.mac("withheld")(`|${section}`)}|${canonical(value)}`);
  }

  async digests() {
    const found = {};
    for (const name of [...LOGGED, "log"]) if (name in this.made) found[name] = await this.digest(name);
    const stated = this.made.digests;
    for (const name of [...new Set([...Object.keys(found), ...Object.keys(stated)])].sort()) {
      same(`digests.${name.slice(0, 80)}`, found[name] ?? "–", stated[name] ?? "–");
    }
    return said("draw.verify.digests", { count: Object.keys(found).length });
  }

  // ── one firm ──

  // Where a firm stands: its strata, ticket, rank and the last ticket that was drawn; null if it is not on the list.
  find(id) {
    const unit = this.units?.find((one) => one.id === id);
    if (!unit) return null;
    return {
      id,
      places: unit.places.map(({ stratum, excluded, lambda }) => {
        const units = this.strata?.get(stratum) ?? [];
        const n = this.a.n[stratum];
        const scale = this.scaleOf(stratum);
        const one = units.find((other) => other.id === id);
        const rank = one?.ticket ? rankOf(one, units, scale) : 0;
        const probability = excluded ? "0" : scale ? fraction(lambda, scale) : units.length ? fraction(n, units.length) : "";
        return {
          stratum, excluded, rank, n, size: units.length, scale, probability,
          ticket: one?.ticket ?? "",
          drawn: rank > 0 && rank <= n,
          cutoff: this.leading[stratum]?.at(-1)?.ticket ?? "",
        };
      }),
    };
  }

  // ── the proof that one firm was on the list ──

  proofFormat(bytes) {
    if (bytes.length > MAX_PROOF) fail("draw.verify.too_large", { limit: MAX_PROOF / 1024 / 1024 });
    const made = object(this.made, "membership", ["protocol", "announcement", "index", "line", "proof", "id"], ["blind"]);
    this.a = object(made.announcement, "announcement", [], null);
    checkAnnouncement(this.tables, this.a);
    this.suite = suite(this.a.suite ?? "sha256");
    this.first = { sources: this.a.sources, hours: 0 };
    this.n();
    this.sources();
    this.wait();
    if ("blind" in made !== "seal" in this.a) fail("draw.membership.blind_and_seal");
    if ("blind" in made) hash(made.blind, "blind");
    integer(made.index, "index");
    checkId(text(made.id, "id"));
    if (typeof made.line !== "string") fail("draw.field.not_text", { at: "line" });
    array(made.proof, "proof").forEach((node) => hash(node, "proof"));
    return said("draw.verify.proof_format", { draw: this.a.draw, id: made.id });
  }

  async runMembership() {
    const { made } = this;
    const { draw, frame } = this.a;
    await this.step("membership", async () => {
      const leaf = await leafHash(this.suite, utf8(made.line));
      if (/\p{Cs}/u.test(made.line)) fail("public_log.lone_surrogate");
      const listed = await isIncluded(this.suite, leaf, made.index, frame.size, made.proof.map(unhex), unhex(frame.root));
      if (!listed) fail("draw.membership.not_in_root", { index: made.index });
      return said("draw.verify.membership", { index: made.index, size: frame.size, root: frame.root });
    });
    await this.step("unit", async () => {
      const line = object(parse(made.line), "line", [], null);
      if (canonical(line) !== made.line) fail("public_log.not_canonical");
      const sealed = "blind" in made;
      if (sealed) object(line, "line", ["attributes", "seal"]);
      const wanted = sealed ? await this.suite.hex(`${PROTOCOL}/seal|${made.blind}|${made.id}`) : made.id;
      if (wanted !== (sealed ? line.seal : line.id)) fail("draw.membership.other_unit", { id: made.id });
      return said(sealed ? "draw.verify.member_sealed" : "draw.verify.member_open", { id: made.id, line: made.line });
    });
    const bound = await this.suite.hex(canonical(this.a));
    await this.step("root-published", () => left("draw.verify.compare_root", { announcement_hash: bound, root: frame.root }));
    const failed = this.steps.find((step) => step.ok === false);
    const params = { draw, id: made.id, ...(failed ? { step: failed.name } : {}) };
    const code = failed ? "draw.verdict.failed" : "draw.verdict.member";
    return { ok: !failed, outcome: "member", draw, code, params, steps: this.steps };
  }
}

const plain = (value) => Object.assign(Object.create(null), value);

function entryTime(entry, act) {
  const at = entry && typeof entry === "object" ? entry.at : undefined;
  const written = typeof at === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/.test(at);
  const ms = written && isInstant(`${at.slice(0, 19)}Z`) ? Date.parse(at.replace(/\.\d+/, "")) : NaN;
  if (Number.isNaN(ms)) fail("draw.verify.log_no_time", { act });
  return ms;
}

const persons = (team) => (team ? [team.lead, ...team.others].join(" ") : "–");

function goodEd25519(key, sig, message) {
  if (!/^[0-9a-f]{64}$/.test(key) || !/^[0-9a-f]{128}$/.test(sig)) return false;
  try {
    return ed25519.verify(unhex(sig), message, unhex(key), { zip215: false });
  } catch {
    return false;
  }
}
