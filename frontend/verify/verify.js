// The check of a bundle, step by step, as docs/rules/draw.md has it: every hash, time, ticket and name is computed again.
import { ed25519 } from "@noble/curves/ed25519.js";
import { byteOrder, hex, unhex, utf8 } from "./bytes.js";
import { Failure, fail } from "./failure.js";
import { array, checkAssign, checkChange, checkConstraints, checkFormat, hash, integer, LOGGED, note, object, PROTOCOL, text, used } from "./format.js";
import { checkId } from "./ids.js";
import { canonical, parse, parseBytes } from "./json.js";
import { canonicalStart, Plan } from "./plan.js";
import { firstOf, fraction, lambdas, placesOf, rankOf, strataInOrder } from "./select.js";
import { checkSignature, checkTimes, checkValue, kindOf, meetsProfile, roundTime } from "./sources.js";
import { suite } from "./suites.js";
import { dayNumber, HOUR, instantText, isInstant, millis } from "./time.js";
import { isIncluded, leafHash, treeRoot } from "./tree.js";

const MAX_BYTES = 512 * 1024 * 1024;
const MIN_WAIT = 24 * HOUR;
// What may grow is recorded each time; only the last record is of what stands here.
const GROWING = new Set(["withheld", "changes", "results", "signatures"]);
const STRICTLY = [["announce", "execute"], ["execute", "assign_announce"], ["assign_announce", "assign"]];
const LOOSELY = [
  ["announce", "open"], ["announce", "abandon"], ["execute", "withheld"], ["execute", "selection"], ["execute", "results"], ["assign", "changes"],
];
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
  // tables: the profiles and chains of the platform's dated data. report(step, share) tells how far it is.
  constructor(tables, report = () => {}) {
    this.tables = tables;
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
      const kinds = new Set(this.valuePairs().map(([source]) => kindOf(source.id)));
      if (kinds.has("party")) await this.step("commitments", () => this.commitments(), "source-values");
      if (kinds.has("drand")) await this.step("drand-signature", () => this.drandSignature(), "source-values");
      if (kinds.size > 1 || !kinds.has("drand")) await this.step("published-values", () => this.publishedValues(), "source-values");
      await this.step("seed", () => this.seedAgain(), "announcement-hash", "source-values");
    }
    if (has("selection")) {
      await this.step("tickets", () => this.tickets(), "seed", "key");
      await this.step("selection", () => this.selection(), "seed", "n", "root", "key", "pareto");
      await this.step("probabilities", () => this.probabilities(), "selection");
    }
    if (has("assign_announce")) await this.step("constraints", () => this.constraints(), "selection");
    if (has("assign")) await this.step("assignment", () => this.assignment(), "constraints");
    if (has("changes")) await this.step("changes", () => this.changes(), "assignment");
    if (has("results")) await this.step("results", () => this.results());
    if (has("withheld")) await this.step("withheld", () => this.withheld());
    if (this.key) await this.step("opened", () => this.opened());
    if (has("abandon")) await this.step("abandoned", () => this.abandoned());
    if (has("signatures")) await this.step("signatures", () => this.signatures());
    await this.step("log-inclusion", () => this.logInclusion());
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
    let code = `draw.verdict.${outcome}`;
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
    if (object(this.made, "bundle", [], null).protocol === `${PROTOCOL}/membership`) return this.proofFormat();
    checkFormat(this.made, this.tables);
    this.a = this.made.announce;
    this.suite = suite(this.a.suite ?? "sha256");
    this.lists = this.a.lists && Object.keys(this.a.lists).sort();
    const { execute, assign } = this.made;
    this.first = used(this.a, execute);
    this.second = assign ? used(this.a.assignment, assign) : { sources: [], hours: 0 };
    this.key = this.a.mode === "sealed" && this.made.open ? this.made.open.key : null;
    return said("draw.verify.format", { draw: this.a.draw, sections: [...LOGGED, "sealed", "log"].filter((name) => name in this.made).join(" ") });
  }

  // ── the announcement and the frame ──

  async announcementHash() {
    this.bound = await this.suite.hex(canonical(this.a));
    if (this.made.execute) same("execute.announcement_hash", this.bound, this.made.execute.announcement_hash);
    return said("draw.verify.announcement_hash", { hash: this.bound });
  }

  async sealKey() {
    if ((await this.suite.hex(`${PROTOCOL}/key|${this.key}`)) !== this.a.seal.key_hash) fail("draw.seal.other_key");
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
    return said("draw.verify.ids_unique", { count: seen.size });
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
    const [blind, salt] = ["blind|", "salt|"].map((word) => this.suite.macs(this.key, word));
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
    return said("draw.verify.n", { n: pairs(n) });
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
    const rounds = [this.a, this.a.assignment].filter(Boolean).flatMap((rule) => [rule.sources, ...(rule.fallback ?? []).map((entry) => entry.sources)]);
    for (const sources of rounds) {
      if (!meetsProfile(this.tables, sources, this.a.announced_at.slice(0, 10)).length) {
        fail("draw.announce.no_profile", { sources: sources.map(({ id }) => id).join(", ") });
      }
    }
    const profiles = meetsProfile(this.tables, this.first.sources, this.a.announced_at.slice(0, 10));
    const params = { profiles: profiles.map((row) => row.name).join("、"), profiles_en: profiles.map((row) => row.name_en).join(", ") };
    for (const { fallback, fallback_reason } of [this.made.execute ?? {}, this.made.assign ?? {}]) {
      if (fallback) return said("draw.verify.sources_fallback", { ...params, number: fallback, why: fallback_reason });
    }
    return said("draw.verify.sources", params);
  }

  timeOrder() {
    const { announced_at, not_before } = this.a;
    const start = millis(not_before);
    if (start - millis(announced_at) < MIN_WAIT) fail("draw.announce.too_soon", { hours: MIN_WAIT / HOUR });
    for (const rule of [this.a, this.a.assignment].filter(Boolean)) {
      for (const { after_hours, sources } of [{ after_hours: 0, sources: rule.sources }, ...(rule.fallback ?? [])]) {
        this.roundsNotBefore(sources, start + after_hours * HOUR);
      }
    }
    if (this.a.seal && this.a.seal.open_by < not_before.slice(0, 10)) fail("draw.announce.opened_too_early", { open_by: this.a.seal.open_by });
    const { execute, assign_announce, assign, open, abandon } = this.made;
    if (abandon) this.later("abandon.at", abandon.at, "announced_at", announced_at);
    if (this.key) this.later("open.at", open.at, "announced_at", announced_at);
    if (!execute) return said("draw.verify.time_announced", { announced_at, not_before });
    this.paired("execute", this.first.sources, execute.values);
    checkTimes(this.tables, this.first.sources, execute.values, start + this.first.hours * HOUR);
    same("execute.at", execute.values.map((value) => value.at).sort().pop(), execute.at);
    if (this.key) this.later("open.at", open.at, "execute.at", execute.at);
    if (assign_announce) this.later("assign_announce.at", assign_announce.at, "execute.at", execute.at);
    if (assign) {
      this.paired("assign", this.second.sources, assign.values);
      checkTimes(this.tables, this.second.sources, assign.values, millis(assign_announce.at) + this.second.hours * HOUR);
    }
    return said("draw.verify.time_order", { announced_at, not_before, at: execute.at });
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
    for (const [source, value] of this.valuePairs()) await checkValue(this.suite, source, value, this.a.draw);
    return said("draw.verify.source_values", { values: this.named(() => true) });
  }

  named(which) {
    return this.valuePairs().filter(([source]) => which(kindOf(source.id))).map(([, value]) => `${value.source}=${value.value}`).join(" ");
  }

  commitments() {
    const parties = this.valuePairs().filter(([source]) => kindOf(source.id) === "party");
    const kept = parties.filter(([source, value]) => "commitment" in source && value.value !== source.default);
    const params = { parties: parties.length, committed: kept.length };
    if (kept.length < parties.length) return left("draw.verify.not_all_committed", params);
    return said("draw.verify.committed", params);
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
    return left("draw.verify.compare", { values: this.named((kind) => kind !== "drand") });
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
    const mac = this.key && this.suite.macs(this.key, "tag|");
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
      const shown = Object.entries(withheld).map(([name, value]) => `${name}=${value}`).join(" ");
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
    same("assign_announce.team_size", this.a.assignment.team_size, c.team_size);
    same("assign_announce.steps", this.a.assignment.steps_per_slot * c.targets.length * c.team_size, c.steps);
    this.plan = new Plan(c);
    const start = canonicalStart(this.plan);
    if (!start) fail("verify_page.no_start");
    this.plan.teams(start).forEach((team, i) => {
      if (canonical(plain(team)) !== canonical(c.start[i] ?? null)) fail("draw.assign.other_team", { at: "assign_announce.start", id: team.id, expected: persons(team), found: persons(c.start[i]) });
    });
    same("assign_announce.start", c.targets.length, c.start.length);
    same("assign_announce.nonce", this.key ? this.suite.macs(this.key, "assign|")(this.a.draw) : "", c.nonce ?? "");
    // others are published ascending by number, and the chain starts from what is published
    this.start = start.map((_, slot) => {
      const place = slot % this.plan.size;
      const team = start.slice(slot - place, slot - place + this.plan.size);
      return place ? team.slice(1).sort((a, b) => a - b)[place - 1] : team[0];
    });
    return said("draw.verify.constraints", { targets: c.targets.length, people: c.inspectors.length, steps: c.steps });
  }

  constraintsNormal(c, targets) {
    const rising = (list, key = (item) => item) => list.every((item, i) => i === 0 || byteOrder(key(list[i - 1]), key(item)) < 0);
    const sortedPairs = (list) => rising(list, ([a, b]) => `${a}\u0000${b}`);
    const normal =
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
    let before = this.made.assign_announce.at;
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
    return said("draw.verify.abandoned", { ...this.made.abandon });
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
    return left("draw.verify.signed_unpinned", { keys, sections: [...sections].join(" ") });
  }

  async logInclusion() {
    if (!this.made.log) return left("draw.verify.no_log");
    const log = object(this.made.log, "log", ["origin", "size", "root", "acts"], ["checkpoint"]);
    const size = integer(log.size, "log.size", 1);
    const root = unhex(hash(log.root, "log.root"));
    const origin = text(log.origin, "log.origin");
    const logSuite = suite(origin.endsWith("/sm3") ? "sm3" : "sha256"); // of the log, not of the draw
    const acts = new Map(); // act → index → entry
    for (const [i, entry] of array(log.acts, "log.acts").entries()) {
      const place = `log.acts[${i}]`;
      object(entry, place, ["act", "index", "entry", "proof"]);
      const act = text(entry.act, `${place}.act`);
      const index = integer(entry.index, `${place}.index`);
      if (!(act in this.made) || !LOGGED.includes(act)) fail("draw.verify.log_unknown_act", { act });
      const proof = array(entry.proof, `${place}.proof`).map((node) => unhex(hash(node, `${place}.proof`)));
      const leaf = await leafHash(logSuite, utf8(canonical(entry.entry)));
      if (!(await isIncluded(logSuite, leaf, index, size, proof, root))) fail("draw.verify.not_in_log", { act, index });
      if (!acts.has(act)) acts.set(act, new Map());
      acts.get(act).set(index, entry.entry);
    }
    for (const [act, entries] of acts) {
      const counted = GROWING.has(act) ? [Math.max(...entries.keys())] : [...entries.keys()];
      for (const index of counted) {
        if (!strings(entries.get(index)).has(await this.digest(act))) fail("draw.verify.log_other_content", { act, index });
      }
    }
    for (const act of ["announce", "execute", "assign_announce"]) {
      if (act in this.made && !acts.has(act)) fail("draw.verify.log_missing", { act });
    }
    this.logOrder(acts);
    this.logTimes(acts);
    if ("checkpoint" in log) this.checkpoint(log, root);
    return said("draw.verify.log_inclusion", { acts: [...acts.keys()].join(" "), origin, size, root: log.root });
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
    if (values.some((value) => millis(value.at) < closed + this.second.hours * HOUR)) {
      fail("draw.verify.logged_late", { act: "assign_announce", at: instantText(closed) });
    }
  }

  checkpoint(log, root) {
    const stated = `${log.origin}\n${log.size}\n${btoa(String.fromCharCode(...root))}\n`;
    if (typeof log.checkpoint !== "string") fail("draw.field.not_text", { at: "log.checkpoint" });
    if (!log.checkpoint.startsWith(stated)) fail("draw.verify.other_checkpoint");
  }

  digest(section) {
    let value = this.made[section];
    if (section === "open") value = plain({ ...(this.key ? { key: this.key } : {}), ...this.a.frame });
    return this.suite.hex(canonical(value));
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

  proofFormat() {
    const made = object(this.made, "proof", ["protocol", "draw", "suite", "announcement_hash", "root", "size", "index", "line", "proof", "id"], ["blind"]);
    text(made.draw, "draw");
    this.suite = suite(made.suite);
    for (const key of ["announcement_hash", "root"]) hash(made[key], key);
    integer(made.size, "size", 1);
    integer(made.index, "index");
    if (typeof made.line !== "string") fail("draw.field.not_text", { at: "line" });
    array(made.proof, "proof").forEach((node, i) => hash(node, `proof[${i}]`));
    checkId(text(made.id, "id"));
    if ("blind" in made) hash(made.blind, "blind");
    return said("draw.verify.proof_format", { draw: made.draw, id: made.id });
  }

  async runMembership() {
    const { made } = this;
    await this.step("membership", async () => {
      const leaf = await leafHash(this.suite, utf8(made.line));
      const listed = await isIncluded(this.suite, leaf, made.index, made.size, made.proof.map(unhex), unhex(made.root));
      if (!listed) fail("draw.membership.not_in_root", { index: made.index });
      return said("draw.verify.membership", { index: made.index, size: made.size, root: made.root });
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
    await this.step("root-published", () => left("draw.verify.compare_root", { announcement_hash: made.announcement_hash, root: made.root }));
    const failed = this.steps.find((step) => step.ok === false);
    const params = { draw: made.draw, id: made.id, ...(failed ? { step: failed.name } : {}) };
    const code = failed ? "draw.verdict.failed" : "draw.verdict.member";
    return { ok: !failed, outcome: "member", draw: made.draw, code, params, steps: this.steps };
  }
}

const plain = (value) => Object.assign(Object.create(null), value);

function strings(value, found = new Set()) {
  if (typeof value === "string") found.add(value);
  else if (value && typeof value === "object") for (const item of Object.values(value)) strings(item, found);
  return found;
}

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
