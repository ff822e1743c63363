// The page /verify/: takes a file, shows what the worker finds. Every word comes from the page (templates and json_script).
const root = document.getElementById("verify");
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const words = read("verify-words");
const tables = read("verify-tables");
const worker = new Worker(root.dataset.worker); // asked for now: afterwards the page needs no network
const part = (name) => root.querySelector(`[data-part="${name}"]`);
let seen = ""; // the step that is being said

// Text out of a stranger's file, made harmless: it must not forge a line of this answer.
const harmless = (text) => String(text).replace(/[\p{C}\u2028\u2029]/gu, "\ufffd");

function sentence(code, params = {}) {
  if (!(code in words)) return code;
  return words[code].replace(/\{(\w+)\}/g, (hole, name) => {
    const value = params[name];
    if (value === undefined) return hole;
    return value && typeof value === "object" ? sentence(value.code, value.params) : harmless(value);
  });
}

// A copy of <template data-part="name">, its [data-fill] elements filled.
function copy(name, fill = {}) {
  const made = part(name).content.firstElementChild.cloneNode(true);
  for (const element of [made, ...made.querySelectorAll("[data-fill]")]) {
    const text = fill[element.dataset.fill];
    if (text !== undefined) element.textContent = text;
  }
  return made;
}

const MARKS = new Map([[true, "pass"], [false, "fail"], [null, "open"]]);

worker.addEventListener("message", ({ data }) => {
  if (data.kind === "progress") progress(data);
  else if (data.kind === "verdict") show(data.verdict, data.listed);
  else if (data.kind === "found") showUnit(data.id, data.unit);
  else finish(copy("broken", { message: harmless(data.message) }));
});

function progress({ step, share }) {
  const bar = part("bar");
  if (share) bar.value = share;
  else bar.removeAttribute("value");
  if (step === seen) return;
  seen = step;
  part("now").textContent = sentence(`draw.step.${step}`);
}

function start(bytes, name) {
  part("result").replaceChildren();
  part("firm").hidden = true;
  part("unit").replaceChildren();
  part("working").hidden = false;
  part("file").textContent = harmless(name);
  root.dataset.state = "working";
  worker.postMessage({ kind: "check", bytes, tables }, [bytes]);
}

function finish(...shown) {
  part("working").hidden = true;
  part("result").replaceChildren(...shown);
  root.dataset.state = "done";
}

function show(verdict, listed) {
  const kind = !verdict.ok ? "bad" : verdict.outcome === "abandoned" ? "warn" : "good";
  const notice = copy(`verdict-${kind}`, { text: sentence(verdict.code, { ...verdict.params, step: stepName(verdict.params.step) }) });
  notice.dataset.ok = verdict.ok;
  notice.dataset.outcome = verdict.outcome;
  const table = copy("steps");
  const body = table.querySelector("tbody");
  for (const step of verdict.steps) {
    const row = copy("step", { name: stepName(step.name), text: sentence(step.code, { ...step.params, step: stepName(step.params.step) }) });
    row.dataset.step = step.name;
    row.dataset.ok = String(step.ok);
    row.dataset.code = step.code;
    row.querySelector("[data-mark]").replaceWith(copy(MARKS.get(step.ok)));
    body.append(row);
  }
  finish(notice, table);
  part("firm").hidden = !listed;
}

const stepName = (name) => (name ? sentence(`draw.step.${name}`) : "");

function showUnit(id, unit) {
  const place = part("unit");
  if (!unit) {
    place.replaceChildren(copy("not-listed", { id: harmless(id) }));
    return;
  }
  const shown = copy("unit-table", { id: harmless(unit.id) });
  for (const one of unit.places) {
    const state = one.excluded ? "excluded" : one.drawn ? "drawn" : one.rank ? "not-drawn" : "waiting";
    const fill = { stratum: one.stratum, ticket: one.ticket || "—", rank: one.rank || "—", n: one.n, size: one.size, cutoff: one.cutoff || "—", probability: one.probability || "—" };
    const row = copy("place", Object.fromEntries(Object.entries(fill).map(([key, value]) => [key, harmless(value)])));
    row.dataset.state = state;
    row.querySelector("[data-mark]").replaceWith(copy(state, { code: harmless(one.excluded) }));
    shown.querySelector("tbody").append(row);
  }
  place.replaceChildren(shown);
}

async function take(file) {
  try {
    start(await file.arrayBuffer(), file.name);
  } catch {
    finish(copy("unread"));
  }
}

part("no-script").hidden = true;
const input = root.querySelector('input[type="file"]');
input.addEventListener("change", () => input.files.length && take(input.files[0]));

part("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const typed = new FormData(event.target).get("id").trim();
  if (typed) worker.postMessage({ kind: "find", id: typed.includes(":") ? typed : `uscc:${typed.toUpperCase()}` });
});

// A bundle of this site, named in the address of the page: the server has checked the address.
if (root.dataset.bundle) {
  fetch(root.dataset.bundle, { credentials: "same-origin" })
    .then((answer) => (answer.ok ? answer.arrayBuffer() : Promise.reject(answer)))
    .then((bytes) => start(bytes, root.dataset.bundle))
    .catch(() => finish(copy("unread")));
}
root.dataset.state ??= "ready";
