// Verifies in the background, so that the page stays responsive. One file at a time; asks nobody anything.
import { Failure } from "./failure.js";
import { Check } from "./verify.js";

let check = null;

self.addEventListener("message", async ({ data }) => {
  if (data.kind === "find") {
    self.postMessage({ kind: "found", id: data.id, unit: check?.find(data.id) ?? null });
    return;
  }
  const mine = new Check(data.tables, (step, share) => self.postMessage({ kind: "progress", step, share }), Date.now());
  check = mine;
  try {
    const verdict = await mine.run(new Uint8Array(data.bytes));
    if (check === mine) self.postMessage({ kind: "verdict", verdict: sendable(verdict), listed: Boolean(mine.units) });
  } catch (error) {
    self.postMessage({ kind: "broken", message: String(error) });
  }
});

// A reason may hold another as a parameter; errors lose their fields on the way to the page.
function sendable(value) {
  if (value instanceof Failure) return { code: value.code, params: sendable(value.params) };
  if (Array.isArray(value)) return value.map(sendable);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sendable(item)]));
  return value;
}
