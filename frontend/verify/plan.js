// Inspectors: who may take which slot, the published start, and the seeded chain of swaps (rule zhunsheng/assign/1).
// Slot = target × team_size + place; place 0 is the lead. A person is a place in the list of inspectors.
import { byteOrder, utf8 } from "./bytes.js";

const REPORT = 8192;

export class Plan {
  constructor(constraints) {
    const { on, inspectors, targets, team_size, steps } = constraints;
    this.people = inspectors;
    this.targets = targets;
    this.size = team_size;
    this.steps = steps;
    this.free = inspectors.map(
      (person) => on <= person.certificate_to && !person.leave.some(([first, last]) => first <= on && on <= last),
    );
    const forbidden = inspectors.map((person) => new Set(person.forbidden.map(([unit]) => unit)));
    this.may = targets.map((target) => {
      const wanted = target.speciality ? target.speciality.split("+") : [];
      const fit = inspectors.map((_, i) => this.free[i] && !forbidden[i].has(target.id));
      const lead = inspectors.map((person, i) => fit[i] && wanted.every((code) => person.specialities.includes(code)));
      return [lead, fit];
    });
  }

  get slots() {
    return this.targets.length * this.size;
  }

  allowed(slot, person) {
    return this.may[Math.floor(slot / this.size)][slot % this.size ? 1 : 0][person];
  }

  teams(held) {
    return this.targets.map((target, i) => {
      const [lead, ...others] = held.slice(i * this.size, (i + 1) * this.size).map((person) => this.people[person].number);
      return { id: target.id, lead, others: others.sort(byteOrder) };
    });
  }

  // Step j: h = H(second seed | assign | j); a = u64(h[0:8]) mod slots; b = u64(h[8:16]) mod (slots + inspectors).
  chain(start, suite, secondSeed, progress) {
    const hash = suite.after(utf8(`${secondSeed}|assign|`));
    const bytes = new Uint8Array(32);
    const view = new DataView(bytes.buffer);
    const held = [...start];
    const load = this.people.map((_, i) => held.filter((person) => person === i).length);
    const slots = BigInt(this.slots);
    const ways = slots + BigInt(this.people.length);
    for (let j = 1; j <= this.steps; j++) {
      hash(utf8(String(j)), bytes);
      const a = Number(view.getBigUint64(0) % slots);
      const b = Number(view.getBigUint64(8) % ways);
      this.propose(held, load, b < this.slots ? [[a, held[b]], [b, held[a]]] : [[a, b - this.slots]]);
      if (j % REPORT === 0) progress?.(j / this.steps);
    }
    return held;
  }

  // Makes the change if the result meets every constraint.
  propose(held, load, change) {
    if (change.length === 2 && change[0][0] === change[1][0]) return;
    const before = change.map(([slot]) => held[slot]);
    for (const [slot, person] of change) held[slot] = person;
    change.forEach(([slot], i) => {
      load[before[i]]--;
      load[held[slot]]++;
    });
    const good = change.every(
      ([slot], i) => this.allowed(slot, held[slot]) && this.alone(held, slot) && this.within(load, held[slot]) && this.within(load, before[i]),
    );
    if (good) return;
    change.forEach(([slot], i) => {
      load[held[slot]]--;
      load[before[i]]++;
    });
    change.forEach(([slot], i) => (held[slot] = before[i]));
  }

  alone(held, slot) {
    const first = slot - (slot % this.size);
    for (let other = first; other < first + this.size; other++) {
      if (other !== slot && held[other] === held[slot]) return false;
    }
    return true;
  }

  within(load, person) {
    return this.people[person].least <= load[person] && load[person] <= this.people[person].most;
  }
}

// The canonical start: every slot filled in turn by shortest augmenting paths, first with the least number of visits as
// everyone's limit, then with the most. Null where not every slot can be filled within the bounds.
export function canonicalStart(plan) {
  const held = new Array(plan.slots).fill(-1);
  const load = plan.people.map(() => 0);
  const holds = plan.people.map(() => new Set());
  for (const bound of ["least", "most"]) {
    const dead = new Set(); // what a failed search reached can never lead anywhere again
    for (let slot = 0; slot < held.length; slot++) if (held[slot] < 0) fill(plan, held, load, holds, dead, slot, bound);
  }
  return held.includes(-1) || plan.people.some((person, i) => load[i] < person.least) ? null : held;
}

function fill(plan, held, load, holds, dead, start, bound) {
  const queue = [start];
  const helps = new Map([[start, null]]);
  const asked = new Set();
  for (const place of queue) {
    const first = place - (place % plan.size);
    const team = held.slice(first, first + plan.size);
    const able = plan.people.map((_, i) => i).filter((i) => plan.allowed(place, i));
    const free = able.find((i) => !team.includes(i) && load[i] < plan.people[i][bound]);
    if (free !== undefined) {
      load[free]++;
      moveUp(held, holds, helps, place, free);
      return;
    }
    for (const i of able) {
      let given = [];
      if (team.includes(i)) given = [first + team.indexOf(i)];
      else if (!asked.has(i)) {
        asked.add(i);
        given = [...holds[i]].sort((a, b) => a - b);
      }
      for (const other of given) {
        if (helps.has(other) || dead.has(other)) continue;
        helps.set(other, [place, i]);
        queue.push(other);
      }
    }
  }
  for (const place of queue) dead.add(place);
}

function moveUp(held, holds, helps, end, newcomer) {
  const path = [];
  for (let step = [end, newcomer]; step; step = helps.get(step[0])) path.push(step);
  for (const [place] of path) if (held[place] >= 0) holds[held[place]].delete(place);
  for (const [place, coming] of path) {
    held[place] = coming;
    holds[coming].add(place);
  }
}

// What was decided by hand between the two seeds, and what room it left: nothing of it breaks a rule, all of it is told.
export function freedomOf(plan, slack) {
  const { people, targets } = plan;
  const present = people.map((_, i) => plan.free[i]);
  const here = present.filter(Boolean).length;
  const bounds = people.filter((person, i) => {
    const [share, rest] = present[i] ? [Math.floor(plan.slots / here), plan.slots % here] : [0, 0];
    const most = present[i] ? Math.min(targets.length, share + (rest ? 1 : 0) + slack) : 0;
    return person.most !== most || person.least !== Math.min(most, Math.max(0, share - slack));
  });
  const codes = {};
  for (const person of people) for (const [, code] of person.forbidden) codes[code] = (codes[code] ?? 0) + 1;
  let forced = 0;
  plan.may.forEach(([lead, fit]) => {
    if (lead.filter(Boolean).length === 1) forced++;
    if (fit.filter(Boolean).length === 1) forced += plan.size - 1;
  });
  const away = people.filter((_, i) => !present[i]).map((person) => person.number);
  return { bounds: bounds.map((person) => person.number), forced, places: plan.slots, codes, away };
}
