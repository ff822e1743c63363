// The page /draws/commitment/: a party of a ceremony makes its two secret strings and the commitments to them. Nothing is sent.
import { hex } from "./bytes.js";
import { suite } from "./suites.js";

const root = document.getElementById("commitment");
const form = root.querySelector("form");
const result = root.querySelector('[data-part="result"]');
const DOMAINS = { first: "commit", second: "commit-assign" };

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const asked = new FormData(form);
  const draw = asked.get("no").trim();
  const party = `ceremony:party-${asked.get("party")}`;
  for (const [round, domain] of Object.entries(DOMAINS)) {
    const secret = hex(crypto.getRandomValues(new Uint8Array(16)));
    const promise = await suite(asked.get("suite")).hex(`zhunsheng/draw/1/${domain}|${draw}|${party}|${secret}`);
    root.querySelector(`[data-part="${round}-secret"]`).textContent = secret;
    root.querySelector(`[data-part="${round}-commitment"]`).textContent = promise;
  }
  root.querySelector('[data-part="draw"]').textContent = draw;
  root.querySelector('[data-part="party"]').textContent = party;
  result.hidden = false;
  result.focus();
});
